#!/usr/bin/python3
"""interop.py COMMAND...: mail that neighbours and the gateway hand to each other, and what was seen of it. Runs inside the lab.

  client NEIGHBOUR PORT [KIND...]   hands messages of these kinds, or of all, to the neighbour at that port, which hands them on;
                            swaks and python hand theirs to the gateway themselves, at both its ports
  server NEIGHBOUR DOMAIN   hands all kinds of messages for the domain to the gateway
  burst DOMAIN RUN COUNT    so many small messages for the domain, to the gateway, over one session
  refused DOMAIN            one message for busy@DOMAIN, one for nobody@DOMAIN
  wait KIND NAME S          waits at most S seconds until all of that client's (KIND client) or for that server (server) have come
  row client NEIGHBOUR VERSION SAID CHUNKING
  row server NEIGHBOUR VERSION TLS KEPT RESUMED NOTICE REFUSALS CHUNKING
                            compares each with what was sent, octet by octet, and prints a row of doc/INTEROPERATION.md: what the
                            caller has seen in logs, and what is seen in the mail
It owns: its messages, of which each neighbour may add header fields above; $LAB/interop has what was sent.
It must never count a message that came twice, or changed, as one that came.
"""
import base64
import glob
import os
import random
import re
import smtplib
import ssl
import subprocess
import sys
import time

LAB = os.environ.get("LAB", "/run/lab")
SENT = LAB + "/interop"
SENDER = "sender@corp.example"
GATEWAY, CLEAR_PORT, TLS_PORT = "203.0.113.1", 2025, 25
RAW, CLEAR, POSTFIX = "interop-raw.example", "interop-clear.example", "interop-postfix.example"


LACKS = {"osmtpd": "utf8"}


# --- the messages ----------------------------------------------------------------------------------------------------

def big():
    return base64.encodebytes(random.Random(1).randbytes(3800000)).replace(b"\n", b"\r\n")


BODIES = {
    "text": b"\r\n..two dots\r\n.\x20\r\n\tend \r\n\r\n\r\n",
    "clear": b"in clear to the gateway\r\n",
    "several": b"to several\r\n",
    "eightbit": b"".join(bytes(range(start, start + 32)) + b"\r\n" for start in range(128, 256, 32)) + "größer\r\n".encode(),
    "long": (b"x" * 998 + b"\r\n") * 3 + b"." + b"y" * 996 + b"\r\n",
    "big": None,
    "dsn": b"with notices\r\n",
    "utf8": "an alle: grüße\r\n".encode(),
}


NAMES = {"text": "text", "clear": "in clear", "several": "several recipients", "eightbit": "8-bit", "long": "998-octet lines",
         "big": "5 MB", "dsn": "with notices", "utf8": "SMTPUTF8"}


def content(name, kind, sender, recipients):
    body = big() if kind == "big" else BODIES[kind]
    subject = "größe" if kind == "utf8" else kind
    head = ("X-Interop: %s.%s\r\nFrom: Sender <%s>\r\nTo: %s\r\nSubject: %s,\r\n folded\tand  spaced \r\n"
            "Date: Sat, 28 Nov 2026 12:00:00 +0000\r\nMessage-ID: <%s.%s@corp.example>\r\n" %
            (name, kind, sender, ",\r\n\t".join("<%s>" % r for r in recipients), subject, name, kind))
    if kind in ("eightbit", "utf8"):
        head += "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
    return head.encode() + b"\r\n" + body


class Message:
    """One kind of message, from or to a neighbour; domain is where it goes."""

    def __init__(self, name, kind, domain, others=()):
        local = "grüße" if kind == "utf8" else kind
        self.name, self.kind, self.sender = name, kind, SENDER
        self.recipients = ["%s-%s@%s" % (name, local, CLEAR if kind == "clear" else domain)]
        if kind == "several":
            self.recipients = ["%s-%d@%s" % (name, n, domain) for n in (1, 2, 3)] + ["%s-4@%s" % (name, o) for o in others]
        self.data = content(name, kind, self.sender, self.recipients)
        self.mail, self.rcpt = [], []
        if kind == "eightbit":
            self.mail = ["BODY=8BITMIME"]
        if kind == "utf8":
            self.mail = ["SMTPUTF8", "BODY=8BITMIME"]
        if kind == "dsn":
            self.mail = ["RET=HDRS", "ENVID=interop+2B" + name]
            self.rcpt = ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;Was+2B%s@%s" % (name, domain)]

    def send(self, connection):
        connection.command_encoding = "utf-8" if self.kind == "utf8" else "ascii"
        refused = connection.sendmail(self.sender, self.recipients, self.data, self.mail, self.rcpt)
        if refused:
            sys.exit("interop.py: refused: %s" % refused)
        with open("%s/%s.%s" % (SENT, self.name, self.kind), "wb") as file:
            file.write("\n".join(self.recipients).encode() + b"\n\n" + self.data)


def connect(port, tls):
    connection = smtplib.SMTP(GATEWAY if port == TLS_PORT else "127.0.0.1", port, local_hostname="client.corp.example", timeout=60)
    if tls:
        context = ssl.create_default_context(cafile=LAB + "/pki/gw-roots.pem")
        connection._host = "gw.corp.example"        # the name that the certificate must have
        connection.starttls(context=context)
    connection.ehlo()
    return connection


def offered(connection, kind):
    """By the server that is asked, and, for what nothing else can carry, by the gateway behind it."""
    return {"dsn": connection.has_extn("dsn"), "utf8": connection.has_extn("smtputf8") and gateway_lists("smtputf8"),
            "eightbit": connection.has_extn("8bitmime")}.get(kind, True)


def client(name, port, *kinds):
    if name == "swaks":
        return swaks()
    in_clear = connect(CLEAR_PORT, False) if name == "python" else None
    connection = connect(TLS_PORT, True) if name == "python" else connect(int(port), False)
    for kind in kinds or BODIES:
        if offered(connection, kind):
            Message(name, kind, RAW, [POSTFIX]).send(in_clear if in_clear and kind == "clear" else connection)
    connection.quit()


def swaks():
    """Pipelined; swaks knows neither SMTPUTF8 nor parameters."""
    for kind in BODIES:
        if kind in ("dsn", "utf8"):
            continue
        message = Message("swaks", kind, RAW, [POSTFIX])
        path = "%s/swaks.data" % SENT
        with open(path, "wb") as file:
            file.write(re.sub(rb"(?m)^\.", b"..", message.data) + b".\r\n")
        how = (["--server", "127.0.0.1:%d" % CLEAR_PORT] if kind == "clear" else
               ["--server", "%s:%d" % (GATEWAY, TLS_PORT), "--tls", "--tls-verify", "--tls-ca-path", LAB + "/pki/gw-roots.pem"])
        run = subprocess.run(["swaks", "--silent", "2", "--pipeline", "--helo", "client.corp.example", "--from", SENDER, "--to",
                              ",".join(message.recipients), "--no-data-fixup", "--data", "@" + path] + how,
                             capture_output=True, text=True, check=False)
        if run.returncode:
            sys.exit("interop.py: swaks: %d %s%s" % (run.returncode, run.stdout, run.stderr))
        with open("%s/swaks.%s" % (SENT, kind), "wb") as file:
            file.write("\n".join(message.recipients).encode() + b"\n\n" + message.data)


def server(name, domain):
    connection = connect(CLEAR_PORT, False)
    for kind in BODIES:
        if kind not in ("clear", LACKS.get(name)) and offered(connection, kind):
            Message("to-" + name, kind, domain).send(connection)
    connection.quit()


def burst(domain, run, count):
    connection = connect(CLEAR_PORT, False)
    for number in range(int(count)):
        connection.sendmail(SENDER, ["%s%d@%s" % (run, number, domain)], b"Subject: burst\r\n\r\nsmall\r\n")
    connection.quit()


def refused(domain):
    """One for a mailbox that is busy, and one for nobody."""
    connection = connect(CLEAR_PORT, False)
    for local in ("busy", "nobody"):
        connection.sendmail(SENDER, ["%s@%s" % (local, domain)], b"Subject: refused\r\n\r\nsmall\r\n")
    connection.quit()


# --- what came -------------------------------------------------------------------------------------------------------

class Arrival:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        head = re.split(rb"\r?\n\r?\n", self.data, maxsplit=1)[0]
        at = self.data.find(b"X-Interop: ")
        self.above = self.data[:max(at, 0)].decode("utf-8", "replace")
        self.mark = re.search(rb"^X-Interop: ([^\r\n]*)", head, re.M)
        self.mark = self.mark.group(1).decode() if self.mark else None
        self.recipients = [r.strip("<>") for r in
                           re.findall(r"(?m)^(?:X-Original-To|Envelope-to|Delivered-To): *(.*?)\r?$", self.above)]

    def equals(self, original):
        return self.data.endswith(original) or self.data.endswith(original.replace(b"\r\n", b"\n"))


def arrivals(mark):
    found = [Arrival(path) for path in glob.glob(LAB + "/mail/interop-*.example/new/*")]
    return [one for one in found if one.mark == mark]


def sent(prefix):
    """kind -> (recipients, octets)"""
    result = {}
    for path in glob.glob("%s/%s.*" % (SENT, prefix)):
        kind = path.rpartition(".")[2]
        if kind != "data":
            head, _, data = open(path, "rb").read().partition(b"\n\n")
            result[kind] = (head.decode().split("\n"), data)
    return result


def prefix_of(what, name):
    return name if what == "client" else "to-" + name


def copies(prefix, kind):
    """Recipients over all copies, each counted as often as it came."""
    return sorted(r for one in arrivals(prefix + "." + kind) for r in set(one.recipients))


def wait(what, name, seconds):
    prefix, end = prefix_of(what, name), time.time() + float(seconds)
    missing = None
    while time.time() < end:
        missing = [kind for kind, (recipients, _) in sent(prefix).items() if len(copies(prefix, kind)) < len(recipients)]
        if not missing:
            return 0
        time.sleep(0.2)
    print("not there after %s s: %s" % (seconds, " ".join(missing)))
    return 1


def judge(prefix):
    """The kinds that came once and unchanged; every other one in capitals, with what is wrong."""
    good, bad = [], []
    for kind, (recipients, data) in sent(prefix).items():
        if copies(prefix, kind) != sorted(recipients):
            bad.append("%s CAME TO %s" % (kind.upper(), copies(prefix, kind)))
        elif not all(one.equals(data) for one in arrivals(prefix + "." + kind)):
            bad.append(kind.upper() + " CHANGED")
        else:
            good.append(kind)
    return ", ".join([NAMES[kind] for kind in NAMES if kind in good] + bad)


def received_by(host, prefix, kind):
    """The Received field that a host wrote, on one line."""
    for one in arrivals(prefix + "." + kind):
        fields = re.sub(r"\r?\n[ \t]+", " ", one.above).replace("\r", "").split("\n")
        for field in fields:
            if field.startswith("Received:") and re.search(r"\bby %s\b" % re.escape(host), field):
                return field
    return ""


def passed_on(name, kind):
    """What the last host heard in MAIL and RCPT; it writes both down."""
    words = []
    for one in arrivals(name + "." + kind):
        for line in re.findall(r"(?m)^X-Lab-(?:Mail|Rcpt): (.*?)\r?$", one.above):
            words += re.sub(r"<[^>]*>", "", line).split()[2:]
    return words


def notices_passed(name):
    if "dsn" not in sent(name):
        return "not asked"
    wanted = Message(name, "dsn", RAW)
    heard = passed_on(name, "dsn")
    return " ".join(w.partition("=")[0] for w in wanted.mail + wanted.rcpt if w in heard) or "NOTHING"


def gateway_lists(word):
    connection = connect(TLS_PORT, True)
    listed = connection.has_extn(word)      # quit() forgets it
    connection.quit()
    return listed


def international(name):
    if not gateway_lists("smtputf8"):
        return "not listed by Daneway"
    return ("yes" if "SMTPUTF8" in passed_on(name, "utf8") else "LOST") if "utf8" in sent(name) else "no"


def client_row(name, version, said, chunks):
    tls = re.search(r"with (ESMTPS).* tls (\S+);", received_by("gw.corp.example", name, "text"))
    clear = re.search(r"with (E?SMTP) ", received_by("gw.corp.example", name, "clear"))
    return [version, clear.group(1) if clear else "NO", tls.group(1) if tls else "NO", said, judge(name),
            notices_passed(name), international(name), chunks]


def server_row(name, version, tls, kept, resumed, notice, refusals, chunks):
    prefix, host = "to-" + name, "mx.interop-%s.example" % name
    version_said = re.search(r"TLSv?(1\.[0-9])", received_by(host, prefix, "text"))
    return [version, tls, "TLS " + version_said.group(1) if version_said else "no TLS", judge(prefix), kept, resumed, notice, refusals,
            chunks]


def row(what, name, *seen):
    print("| " + " | ".join((client_row if what == "client" else server_row)(name, *seen)) + " |")
    return 0


def main():
    os.makedirs(SENT, exist_ok=True)
    commands = {"client": client, "server": server, "burst": burst, "refused": refused, "wait": wait, "row": row}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    return commands[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
