#!/usr/bin/python3
"""steady.py PORT LOG: clients that hand in mail without a pause, over sessions that they keep, half of them under TLS, until SIGTERM.

LOG gets a line for each 250 to the final dot, "ID MICROSECONDS"; "?ID MICROSECONDS" is a message whose reply never came.
SIGUSR1 writes what was seen since the last one to LOG.seen, as key=value: accepted, sessions, replies of 421, other
refusals (with the first one's text), refused connections, sessions that ended without a word.
It owns: its ids, restart-NUMBER. It must never count a message as accepted without that 250.
"""
import collections
import itertools
import os
import signal
import socket
import ssl
import sys
import threading
import time

PORT, LOG = int(sys.argv[1]), sys.argv[2]
CLIENTS, PAUSE = 12, 0.03
numbers, seen, lock = itertools.count(1), collections.Counter(), threading.Lock()
first = {}
log = open(LOG, "w", buffering=1)
stopping = threading.Event()


def note(what, text=""):
    with lock:
        seen[what] += 1
        first.setdefault(what, text)


class Ended(Exception):
    """The session is over; what the server said, if anything."""


class Session:
    def __init__(self, secure):
        try:
            self.socket = socket.create_connection(("127.0.0.1", PORT), timeout=60)
        except OSError as error:
            note("connections_refused", str(error))
            raise Ended()
        note("sessions")
        self.buffer = b""
        self.expect(self.reply(), b"220")
        self.ask(b"EHLO steady.corp.example", b"250")
        if secure:
            self.ask(b"STARTTLS", b"220")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            try:
                self.socket = context.wrap_socket(self.socket)
            except OSError as error:
                note("resets", "in the handshake: %s" % error)
                raise Ended()
            self.ask(b"EHLO steady.corp.example", b"250")

    def reply(self):
        """The last line of a reply; b"" if the session ended without one."""
        try:
            while True:
                line, found, rest = self.buffer.partition(b"\n")
                if found:
                    self.buffer = rest
                    if line[3:4] != b"-":
                        return line
                    continue
                data = self.socket.recv(65536)
                if not data:
                    return b""
                self.buffer += data
        except OSError as error:
            first.setdefault("resets", str(error))
            return b""

    def expect(self, reply, code):
        if reply.startswith(code):
            return
        if reply.startswith(b"421 4.3.2"):
            note("closed_politely")
        elif reply:
            note("refusals", reply.decode("latin1"))
        else:
            note("resets", "no reply")
        self.socket.close()
        raise Ended(reply)

    def ask(self, command, code):
        try:
            self.socket.sendall(command + b"\r\n")
        except OSError:
            pass  # it may have said why
        self.expect(self.reply(), code)

    def message(self, name):
        self.ask(b"MAIL FROM:<sender@corp.example>", b"250")
        self.ask(b"RCPT TO:<user@load.example>", b"250")
        self.ask(b"DATA", b"354")
        body = (b"X-Lab-Id: %s\r\nMessage-ID: <%s@corp.example>\r\nSubject: steady\r\n\r\n" % (name, name)
                + b"line of text\r\n" * 200)
        self.socket.sendall(body)
        reply = b""
        try:
            self.ask(b".", b"250")
            reply = b"250"
        finally:
            if not reply:
                note("unanswered")
                log.write("?%s %d\n" % (name.decode(), time.time() * 1e6))
        log.write("%s %d\n" % (name.decode(), time.time() * 1e6))
        note("accepted")


def client(secure):
    session = None
    while not stopping.is_set():
        try:
            session = session or Session(secure)
            session.message(b"restart-%d" % next(numbers))
            time.sleep(PAUSE)
        except Ended:
            session = None
        except OSError as error:
            note("resets", str(error))
            session = None


def write_seen(*_):
    with lock:
        facts = dict(seen)
        texts = dict(first)
        seen.clear()
        first.clear()
    with open(LOG + ".seen.new", "w") as file:
        for key in ("accepted", "sessions", "closed_politely", "refusals", "connections_refused", "resets", "unanswered"):
            file.write("%s=%d\n" % (key, facts.get(key, 0)))
        for key, text in texts.items():
            if key in ("refusals", "connections_refused", "resets"):
                file.write("first_of_%s=%s\n" % (key, text))
    os.rename(LOG + ".seen.new", LOG + ".seen")


signal.signal(signal.SIGTERM, lambda *_: stopping.set())
signal.signal(signal.SIGUSR1, write_seen)
threads = [threading.Thread(target=client, args=(n % 2 == 0,)) for n in range(CLIENTS)]
for thread in threads:
    thread.start()
while any(thread.is_alive() for thread in threads):
    threads[0].join(0.2) if threads[0].is_alive() else time.sleep(0.1)
