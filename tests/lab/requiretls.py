#!/usr/bin/python3
"""requiretls.py COMMAND...: what REQUIRETLS and TLS-Required look like on the wire, on both sides of the gateway.

  dialogue PORT               the gateway's answers to EHLO and MAIL, with and without TLS; a line each, exit 1 if any is wrong
  recipient PORT SENDER ADDRESS HOW CODE
                              under TLS, MAIL with REQUIRETLS (HOW "with") or not ("without") and RCPT: the answer begins with CODE
  parameter RUN DOMAIN HOW    the message came over MAIL with REQUIRETLS (HOW "with") or not ("without")
  field RUN DOMAIN TEXT       the header of the message that came has exactly one TLS-Required, with that text
  header_only RUN DOMAIN      the message that came is a notice with header fields only
  notices RUN WHEN            each notice about a message marked WHEN has header fields only (requiretls) or
                              TLS-Required: No (optional), as WHEN is rtls or tlsno; at least one there must be
It owns: its raw client. It reads mailboxes, and believes the MX host, which writes down the MAIL line as it came.
It must never take an answer for right by its class alone when a requirement names the code.
"""
import email
import re
import socket
import ssl
import sys

sys.dont_write_bytecode = True
import scenarios

MAIL = "MAIL FROM:<sender@corp.example>"


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", int(port)), timeout=20)
        self.file = self.socket.makefile("rb")
        self.reply()

    def reply(self):
        lines = []
        while not lines or lines[-1][3:4] == "-":
            line = self.file.readline()
            if not line:
                return "(connection ended)"
            lines.append(line.decode("latin-1").rstrip("\r\n"))
        return "\n".join(lines)

    def ask(self, text):
        self.socket.sendall(text.encode() + b"\r\n")
        return self.reply()

    def start_tls(self):
        context = ssl.create_default_context(cafile=scenarios.LAB + "/pki/gw-roots.pem")
        context.check_hostname = False
        self.ask("STARTTLS")
        self.socket = context.wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")
        return self.ask("EHLO client.corp.example")


failures = 0


def report(name, good, seen=""):
    global failures
    failures += not good
    print("  %-4s %-64s %s" % ("ok" if good else "FAIL", name, "" if good else seen.replace("\n", " | ")))


def lists(reply):
    return "REQUIRETLS" in [line[4:].upper() for line in reply.split("\n")[1:]]


def dialogue(port):
    client = Client(port)
    report("not listed before STARTTLS (RTLS-01)", not lists(client.ask("EHLO client.corp.example")))
    answer = client.ask(MAIL + " REQUIRETLS")
    report("MAIL with REQUIRETLS in cleartext: 530 5.7.10 (RTLS-03)", answer.startswith("530 5.7.10 "), answer)
    answer = client.ask("RCPT TO:<nobody@dane-ee.example>")
    report("and no transaction has begun", answer.startswith("503 "), answer)
    answer = client.start_tls()
    report("listed after STARTTLS, without parameters (RTLS-01)", lists(answer), answer)
    for what, parameters, code in [
            ("with a value", "REQUIRETLS=1", "501 5.5.4"), ("with an empty value", "REQUIRETLS=", "501 5.5.4"),
            ("twice", "REQUIRETLS REQUIRETLS", "501 5.5.4"), ("in lower case", "requiretls", "250 2.1.0")]:
        answer = client.ask(MAIL + " " + parameters)
        report("MAIL with REQUIRETLS %s: %s (RTLS-02)" % (what, code), answer.startswith(code), answer)
        client.ask("RSET")
    answer = client.ask(MAIL + " SIZE=100 BODY=8BITMIME REQUIRETLS")
    report("MAIL with REQUIRETLS beside other parameters", answer.startswith("250 "), answer)
    client.ask("QUIT")
    return 1 if failures else 0


def recipient(port, sender, address, how, code):
    client = Client(port)
    client.ask("EHLO client.corp.example")
    client.start_tls()
    client.ask("MAIL FROM:<%s>%s" % (sender, " REQUIRETLS" if how == "with" else ""))
    answer = client.ask("RCPT TO:<%s>" % address)
    client.ask("QUIT")
    print("       %s" % answer)
    return 0 if answer.startswith(code + " ") else 1


def arrived(run, domain):
    for data in scenarios.mailbox_messages(domain):
        message = email.message_from_bytes(data)
        if message["X-Original-To"] == scenarios.recipient_of(run, domain):
            return message
    sys.exit("       no message of %s has come to %s" % (run, domain))


def parameter(run, domain, how):
    line = arrived(run, domain)["X-Lab-Mail"] or ""
    words = line.upper().split()
    good = words.count("REQUIRETLS") == (1 if how == "with" else 0)
    if not good:
        print("       %s got %r" % (domain, line))
    return 0 if good else 1


def field(run, domain, text):
    found = arrived(run, domain).get_all("TLS-Required") or []
    if found != [text]:
        print("       %s got TLS-Required %s" % (domain, found))
    return 0 if found == [text] else 1


def header_only(run, domain):
    message = arrived(run, domain)
    parts = [p.get_content_type() for p in message.walk() if not p.is_multipart()]
    good = message.get_content_type() == "multipart/report" and "text/rfc822-headers" in parts and "LABMARK" not in str(message)
    if not good:
        print("       %s got %s with %s" % (domain, message.get_content_type(), parts))
    return 0 if good else 1


def notices(run, when):
    seen, bad = 0, 0
    for data in scenarios.mailbox_messages("corp.example"):
        message = email.message_from_bytes(data)
        if message.get_content_type() != "multipart/report" or not re.search(rb"^Final-Recipient: .*\b%s@" % run.encode(), data, re.M | re.I):
            continue
        seen += 1
        quoted = [p.get_content_type() for p in message.walk() if not p.is_multipart()]
        if when == "rtls" and (b"LABMARK" in data or "text/rfc822-headers" not in quoted):
            print("       a notice about REQUIRETLS mail has more than the header: %s" % quoted)
            bad += 1
        if when == "tlsno" and message.get_all("TLS-Required") != ["No"]:
            print("       a notice about TLS-Required: No mail has TLS-Required %s" % message.get_all("TLS-Required"))
            bad += 1
    print("       %d notices seen" % seen)
    return 0 if seen and not bad else 1


def main():
    commands = {"dialogue": dialogue, "recipient": recipient, "parameter": parameter, "field": field, "header_only": header_only, "notices": notices}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    sys.exit(commands[sys.argv[1]](*sys.argv[2:]))


if __name__ == "__main__":
    main()
