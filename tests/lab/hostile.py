#!/usr/bin/python3
"""hostile.py PORT: raw clients that attack the gateway's listener; one line for each attack, exit 1 if any succeeds.

It owns: what it sends. An attack fails (and the test passes) when the server answers as the requirement says and
still serves an ordinary client afterwards. Nothing that it sends is to be delivered but the mail marked "good".
It must never take longer than the lab's time limits (20 s for a command) and a little.
"""
import glob
import os
import socket
import ssl
import sys
import time

LAB = os.environ.get("LAB", "/run/lab")
PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 2025
VICTIM = b"victim@dane-ee.example"
failures = 0


def report(name, good, seen):
    global failures
    failures += not good
    print("  %-4s %-58s %s" % ("ok" if good else "FAIL", name, seen), flush=True)


class Client:
    def __init__(self, source="127.0.0.1", hello=True):
        self.socket = socket.create_connection(("127.0.0.1", PORT), timeout=40, source_address=(source, 0))
        self.buffer = b""
        self.greeting = self.reply()
        if hello:
            self.hello = self.ask(b"EHLO hostile.corp.example\r\n")

    def line(self):
        while b"\n" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                return b""
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def reply(self):
        """The last line of the next reply, b"" if the connection has ended."""
        lines = []
        try:
            while True:
                line = self.line()
                lines.append(line)
                if line[3:4] != b"-":
                    self.all_lines = lines
                    return line
        except ConnectionError:
            self.all_lines = lines
            return b""

    def send(self, data):
        try:
            self.socket.sendall(data)
        except ConnectionError:
            pass

    def ask(self, data):
        self.send(data)
        return self.reply()

    def envelope(self, recipient=VICTIM):
        self.ask(b"MAIL FROM:<sender@corp.example>\r\n")
        self.ask(b"RCPT TO:<%s>\r\n" % recipient)
        return self.ask(b"DATA\r\n")

    def replies_until_quiet(self, seconds):
        """All replies that come until nothing comes for a while; self.ended: the server has closed the connection."""
        replies, self.was, self.ended = [], self.socket.gettimeout(), False
        self.socket.settimeout(seconds)
        try:
            while True:
                line = self.reply()
                if not line:
                    self.ended = True
                    break
                replies.append(line)
        except socket.timeout:
            pass
        self.socket.settimeout(self.was)
        return replies


def text_of(reply):
    return reply[:70].decode("latin-1")


def serves_still():
    client = Client()
    good = client.ask(b"NOOP\r\n").startswith(b"250")
    client.ask(b"QUIT\r\n")
    return good


# --- smuggling: only CRLF . CRLF ends the data ----------------------------------------------------------------------

ENDS = {"LF.LF": b"\n.\n", "LF.CRLF": b"\n.\r\n", "CRLF.LF": b"\r\n.\n", "CR.CR": b"\r.\r", "CR.CRLF": b"\r.\r\n",
        "CRLF.CR": b"\r\n.\r", "LF.CR": b"\n.\r", "CR.LF": b"\r.\n", "CRLF.NUL.CRLF": b"\r\n.\0\r\n",
        "CRLF NUL.CRLF": b"\r\n\0.\r\n", "CRLF.CRCRLF": b"\r\n.\r\r\n"}


def smuggle(name, end, piecewise):
    """Everything up to the true end is one message: one reply, and it is a refusal."""
    client = Client()
    client.envelope()
    body = (b"From: <sender@corp.example>\r\nSubject: outer\r\n\r\nouter text" + end +
            b"MAIL FROM:<smuggler@corp.example>\r\nRCPT TO:<smuggled@dane-ee.example>\r\nDATA\r\n"
            b"Subject: SMUGGLED\r\n\r\nSMUGGLED\r\n.\r\n")
    if piecewise:
        for at in range(0, len(body)):
            client.send(body[at:at + 1])
            if 60 < at < 110:
                time.sleep(0.002)
    else:
        client.send(body)
    replies = client.replies_until_quiet(1.0 if not piecewise else 0.6)
    good = len(replies) == 1 and replies[0].startswith(b"5") or not replies and client.ended
    report("smuggling by %s%s" % (name, ", octet by octet" if piecewise else ""), good,
           "; ".join(text_of(r) for r in replies) or ("connection ended" if client.ended else "no reply"))


def ends_its_own():
    """CR CR LF . CR LF holds CR LF . CR LF: that is the end of the data, and what follows are the client's own commands
    (RFC 5321 4.1.1.4). The message has a bare CR and is refused."""
    client = Client()
    client.envelope()
    client.send(b"Subject: outer\r\n\r\nouter text\r\r\n.\r\nNOOP\r\nXYZZY\r\n")
    replies = client.replies_until_quiet(1.0)
    report("CR CR LF . CR LF ends the data: one refusal, then the replies to two commands",
           [r[:9] for r in replies] == [b"550 5.5.2", b"250 2.0.0", b"500 5.5.2"], "; ".join(text_of(r) for r in replies))


def nothing_smuggled():
    time.sleep(3)
    found = []
    for path in glob.glob(LAB + "/mail/dane-ee.example/new/*"):
        data = open(path, "rb").read()
        if b"smuggled@dane-ee" in data[:2000] or b"\nSMUGGLED" in data:
            found.append(path)
    report("no smuggled message reached a mailbox", not found, "%d found" % len(found))


# --- STARTTLS -------------------------------------------------------------------------------------------------------

def starttls_injection():
    client = Client()
    if not any(b"STARTTLS" in l for l in client.all_lines):
        return report("STARTTLS is offered", False, "not in the EHLO reply")
    reply = client.ask(b"STARTTLS\r\nRSET\r\nMAIL FROM:<injected@corp.example>\r\n")
    rest = client.replies_until_quiet(1.0)
    report("commands pipelined after STARTTLS: nothing more in clear, connection ended",
           not rest and client.ended, "%s then %s" % (text_of(reply), rest))


def starttls_forgets():
    client = Client()
    client.ask(b"MAIL FROM:<sender@corp.example>\r\n")
    client.ask(b"STARTTLS\r\n")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client.socket = context.wrap_socket(client.socket)
    early = client.ask(b"MAIL FROM:<sender@corp.example>\r\n")
    client.ask(b"EHLO again.corp.example\r\n")
    listed = any(b"STARTTLS" in l for l in client.all_lines)
    second = client.ask(b"STARTTLS\r\n")
    report("after the handshake: EHLO is needed anew, STARTTLS neither listed nor taken",
           early.startswith(b"503") and not listed and second.startswith(b"503"),
           "%s; %s" % (text_of(early), text_of(second)))
    report("STARTTLS with an argument: 501", Client().ask(b"STARTTLS now\r\n").startswith(b"501"), "")


# --- the rest -------------------------------------------------------------------------------------------------------

def expect(name, reply, *starts):
    report(name, reply.startswith(starts), text_of(reply) or "connection ended")


def stranger():
    client = Client(source="127.0.0.200")
    if not client.greeting.startswith(b"220"):
        return expect("a client that the table does not name", client.greeting, b"5", b"421")
    client.ask(b"MAIL FROM:<sender@corp.example>\r\n")
    expect("a client that the table does not name: 550 5.7.1", client.ask(b"RCPT TO:<%s>\r\n" % VICTIM), b"550 5.7.1")


def out_of_order():
    client = Client(hello=False)
    expect("MAIL before EHLO: 503", client.ask(b"MAIL FROM:<sender@corp.example>\r\n"), b"503 5.5.1")
    client.ask(b"EHLO x.corp.example\r\n")
    expect("RCPT before MAIL: 503", client.ask(b"RCPT TO:<%s>\r\n" % VICTIM), b"503 5.5.1")
    client.ask(b"MAIL FROM:<sender@corp.example>\r\n")
    expect("DATA without a recipient: 503 or 554", client.ask(b"DATA\r\n"), b"503 5.5.1", b"554 5.5.1")
    expect("second MAIL: 503", client.ask(b"MAIL FROM:<sender@corp.example>\r\n"), b"503 5.5.1")
    expect("unknown command: 500", client.ask(b"XYZZY\r\n"), b"500")


def endless_command():
    client = Client()
    for _ in range(64):
        client.send(b"A" * 65536)
    client.send(b"\r\n")
    expect("a command of 4 MiB: 500, or the connection ends", client.reply(), b"500", b"421", b"")
    report("and the server still serves", serves_still(), "")


def nul_octets():
    client = Client()
    expect("NUL in a command", client.ask(b"MAIL FROM:<a\0b@corp.example>\r\n"), b"50", b"55")
    client = Client()
    client.envelope()
    expect("NUL in the data: refused", client.ask(b"Subject: nul\r\n\r\na\0b\r\n.\r\n"), b"5")


def long_line():
    client = Client()
    client.envelope()
    expect("a text line of 1 MiB: 554", client.ask(b"Subject: long\r\n\r\n" + b"y" * (1 << 20) + b"\r\n.\r\n"), b"554 5.6.0")
    client = Client()
    client.envelope()
    expect("100 Received fields: 554 5.4.6",
           client.ask(b"Received: by a; Mon, 1 Jan 2024 00:00:00 +0000\r\n" * 101 + b"\r\nx\r\n.\r\n"), b"554 5.4.6")


def endless_errors():
    client = Client()
    count = 0
    while count < 200 and client.ask(b"NONSENSE\r\n").startswith(b"5"):
        count += 1
    report("a client that sends only nonsense is cut off", count < 200, "after %d commands" % count)


def idle_crowd():
    """90 clients that say nothing, 5 that send one octet a second: others are served, and these are cut off."""
    crowd = [Client(source="127.0.0.%d" % (2 + n % 100), hello=False) for n in range(90)]
    slow = [Client(source="127.0.0.%d" % (2 + n), hello=False) for n in range(5)]
    began = time.monotonic()
    report("90 silent and 5 slow clients: an ordinary one is served", serves_still(), "in %.2f s" % (time.monotonic() - began))
    cut = b""
    for octet in b"EHLO slow.corp.example.this.name.is.rather.long.indeed":
        for client in slow:
            client.send(bytes([octet]))
        slow[0].socket.settimeout(1)
        try:
            cut = slow[0].reply()
            break
        except socket.timeout:
            continue
    expect("one octet a second: cut off with 421", cut, b"421 4.4.2", b"")
    silent = crowd[0].reply()
    expect("a silent client: 421 4.4.2", silent, b"421 4.4.2")
    report("all that within the time limit", time.monotonic() - began < 45, "%.0f s" % (time.monotonic() - began))


def main():
    for name, end in ENDS.items():
        smuggle(name, end, False)
    for name in ("LF.LF", "LF.CRLF", "CRLF.LF"):
        smuggle(name, ENDS[name], True)
    for attack in (ends_its_own, starttls_injection, starttls_forgets, stranger, out_of_order, endless_command, nul_octets, long_line,
                   endless_errors, idle_crowd, nothing_smuggled):
        try:
            attack()
        except OSError as error:
            report(attack.__name__, False, "%s: %s" % (type(error).__name__, error))
    sys.exit(1 if failures else 0)


main()
