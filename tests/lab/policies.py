#!/usr/bin/python3
"""policies.py COMMAND...: what danewayd's policy service answers, octet by octet. Runs inside the lab.

  replies FILE              the exact reply to each line "MAP<tab>KEY<tab>REPLY" of FILE; REPLY with "*" at its end: what it begins with
  hostile                   wrong requests: each gets an error or the end, in time, and the next client is served
  crowd N                   N clients at once, each with many requests on one connection, pipelined
It owns: its connections to ADDRESS (127.0.0.1:8461) and to the Unix socket PATH.
It knows of netstrings and socketmap_table(5) only, nothing of the service's code. It must never wait without end.
"""
import socket
import sys
import threading
import time

ADDRESS = ("127.0.0.1", 8461)
PATH = "/run/daneway/policy.sock"
LIMIT = 20.0


def connect(unix=False):
    client = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
    client.settimeout(LIMIT)
    client.connect(PATH if unix else ADDRESS)
    return client


def netstring(text):
    data = text.encode() if isinstance(text, str) else text
    return b"%d:%s," % (len(data), data)


class Reader:
    """Netstrings from a connection; strict: no octet more or less than the length says."""

    def __init__(self, client):
        self.client, self.data = client, b""

    def octets(self, count):
        while len(self.data) < count:
            more = self.client.recv(65536)
            if not more:
                raise EOFError("closed after %r" % self.data)
            self.data += more
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def reply(self):
        length = b""
        while True:
            octet = self.octets(1)
            if octet == b":":
                break
            if not octet.isdigit() or len(length) > 6:
                raise ValueError("no netstring: %r" % (length + octet))
            length += octet
        content = self.octets(int(length))
        if self.octets(1) != b",":
            raise ValueError("no comma behind %r" % content[:60])
        return content.decode("ascii")

    def is_closed(self):
        try:
            return self.client.recv(1) == b""
        except ConnectionResetError:
            return True


def ask(map_name, key, unix=False):
    with connect(unix) as client:
        client.sendall(netstring("%s %s" % (map_name, key)))
        return Reader(client).reply()


def fits(reply, expected):
    return reply.startswith(expected[:-1]) if expected.endswith("*") else reply == expected


def replies(path):
    bad = count = 0
    for line in open(path):
        if not line.strip() or line.startswith("#"):
            continue
        map_name, key, expected = line.rstrip("\n").split("\t")
        got, count = ask(map_name, key, unix=count % 2 == 1), count + 1
        if not fits(got, expected):
            bad += 1
            print("       %s %s\n         expected %s\n         got      %s" % (map_name, key, expected, got))
    print("       %d replies compared" % count)
    return bad


# --- hostile --------------------------------------------------------------------------------------------------------

def expect_error(octets, begins, closes):
    """An error in time; and whether the connection then ends."""
    with connect() as client:
        reader = Reader(client)
        client.sendall(octets)
        reply = reader.reply()
        if not reply.startswith(begins):
            return "got %r, expected %s" % (reply, begins)
        if closes and not reader.is_closed():
            return "the connection goes on"
        if closes is False:
            client.sendall(netstring("QUERY .example"))
            if reader.reply() != "NOTFOUND ":
                return "the connection does not go on"
    return None


def slow_sender():
    """An octet now and then: the request has a time limit of its own."""
    began = time.monotonic()
    with connect() as client:
        reader = Reader(client)
        for octet in b"17:QUERY example":
            try:
                client.sendall(bytes([octet]))
            except OSError:
                break
            time.sleep(0.4)
        reply = reader.reply()
        closed = reader.is_closed()
    took = time.monotonic() - began
    return None if reply.startswith("PERM ") and closed and took < 10 else "%r after %.1f s" % (reply, took)


def half_closed():
    """A client that has sent all may stop sending: it gets what it asked for, and the end."""
    with connect() as client:
        client.sendall(netstring("QUERY .example") + netstring("QUERY dane-ee.example"))
        client.shutdown(socket.SHUT_WR)
        reader = Reader(client)
        got = [reader.reply(), reader.reply()]
        return None if got == ["NOTFOUND ", "OK dane-only"] and reader.is_closed() else repr(got)


def never_reads():
    """One that asks and asks and never reads: it costs one reply, not memory; others are served meanwhile."""
    with connect() as client:
        client.settimeout(1)
        sent = 0
        try:
            while sent < 64 * 1024 * 1024:
                sent += client.send(netstring("QUERY .x") * 4096)
        except (socket.timeout, OSError):
            pass
        others = ask("QUERY", ".example")
    return None if others == "NOTFOUND " and sent < 64 * 1024 * 1024 else "%d octets taken, others got %r" % (sent, others)


def silent_and_gone():
    """Connections that say nothing, or vanish in the midst of a request or an answer."""
    for octets in (b"", b"1", b"17:QUERY exam", netstring("QUERY tlsa-servfail.example"), netstring("QUERY dns-silent.example")):
        connect().close()
        client = connect()
        client.sendall(octets)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
    return None if ask("QUERY", ".example") == "NOTFOUND " else "not served after them"


def too_many():
    """Beyond connection_limit (of both workers together at most twice that) a client gets TEMP at once; then all is well again."""
    crowd, refused = [], 0
    try:
        for _ in range(130):
            client = connect()
            crowd.append(client)
        time.sleep(0.5)
        for client in crowd:
            client.settimeout(0.05)
            try:
                refused += Reader(client).reply().startswith("TEMP ")
            except (socket.timeout, OSError, EOFError):
                pass
    finally:
        for client in crowd:
            client.close()
    time.sleep(0.5)
    after = ask("QUERY", ".example")
    return None if refused >= 130 - 2 * 40 and after == "NOTFOUND " else "%d refused, then %r" % (refused, after)


HOSTILE = [
    ("no netstring", lambda: expect_error(b"hello\r\n", "PERM ", True)),
    ("SMTP", lambda: expect_error(b"EHLO mx.example.com\r\n", "PERM ", True)),
    ("HTTP", lambda: expect_error(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "PERM ", True)),
    ("TLS", lambda: expect_error(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500, "PERM ", True)),
    ("a negative length", lambda: expect_error(b"-5:hello,", "PERM ", True)),
    ("a length with a zero before it", lambda: expect_error(b"05:hello,", "PERM ", True)),
    ("a length of twenty digits", lambda: expect_error(b"99999999999999999999:x", "PERM ", True)),
    ("no comma at the end", lambda: expect_error(b"5:hello;", "PERM ", True)),
    ("longer than it may be", lambda: expect_error(b"1025:" + b"x" * 1025 + b",", "PERM ", True)),
    ("a gigabyte announced", lambda: expect_error(b"999999999:x", "PERM ", True)),
    ("a megabyte without end", lambda: expect_error(b"1" * 5000, "PERM ", True)),
    ("an unknown map", lambda: expect_error(netstring("JSON dane-ee.example"), "PERM ", False)),
    ("a map without a key", lambda: expect_error(netstring("QUERY"), "PERM ", False)),
    ("an empty request", lambda: expect_error(b"0:,", "PERM ", False)),
    ("a NUL in the key", lambda: expect_error(netstring(b"QUERY a\0b"), "PERM ", False)),
    ("line ends in the key", lambda: expect_error(netstring("QUERY a.example\r\nx: y"), "PERM ", False)),
    ("an empty key", lambda: expect_error(netstring("QUERY "), "NOTFOUND ", False)),
    ("a key that is no name", lambda: expect_error(netstring("QUERY a..b"), "NOTFOUND ", False)),
    ("a key of a thousand octets", lambda: expect_error(netstring("QUERY " + "a" * 1000), "NOTFOUND ", False)),
    ("a key that is no UTF-8", lambda: expect_error(netstring(b"QUERY b\xfccher.example"), "NOTFOUND ", False)),
    ("a slow sender", slow_sender),
    ("a client that stops sending", half_closed),
    ("a client that never reads", never_reads),
    ("clients that vanish", silent_and_gone),
    ("too many connections", too_many),
]


def hostile():
    bad = 0
    for what, attack in HOSTILE:
        began = time.monotonic()
        try:
            wrong = attack()
        except (OSError, ValueError, EOFError) as error:
            wrong = "%s: %s" % (type(error).__name__, error)
        bad += wrong is not None
        print("       %-32s %5.1f s  %s" % (what, time.monotonic() - began, wrong or "as it should be"))
    return bad


# --- a crowd --------------------------------------------------------------------------------------------------------

KEYS = [("QUERY", "dane-ee.example", "OK dane-only"), ("QUERY", ".example", "NOTFOUND "),
        ("QUERYwithTLSRPT", "dane-ee.example", "OK dane-only"), ("NONE", "x", "PERM *"),
        ("QUERY", "sts-good.example", "OK secure match=mx.sts-good.example servername=hostname"),
        ("QUERY", "plain-tls.example", "NOTFOUND "), ("QUERY", "encrypt-tls.example", "OK encrypt")]


def crowd(number):
    """Each client sends all its requests at once, in an order of its own, and gets the replies in that order."""
    failures, barrier = [], threading.Barrier(int(number))

    def one(seed):
        wanted = [KEYS[(seed + i * (1 + seed % 3)) % len(KEYS)] for i in range(50)]
        try:
            barrier.wait(LIMIT)
            with connect(unix=seed % 2 == 1) as client:
                client.sendall(b"".join(netstring("%s %s" % (m, k)) for m, k, _ in wanted))
                reader = Reader(client)
                for map_name, key, expected in wanted:
                    got = reader.reply()
                    if not fits(got, expected):
                        failures.append("client %d: %s %s: %r" % (seed, map_name, key, got))
                        return
        except (OSError, ValueError, EOFError, threading.BrokenBarrierError) as error:
            failures.append("client %d: %s: %s" % (seed, type(error).__name__, error))

    began = time.monotonic()
    threads = [threading.Thread(target=one, args=(seed,)) for seed in range(int(number))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("       %s clients, %d requests in %.1f s, %d clients failed" % (
        number, 50 * int(number), time.monotonic() - began, len(failures)))
    for line in failures[:5]:
        print("       " + line)
    return len(failures)


def main():
    commands = {"replies": replies, "hostile": hostile, "crowd": crowd}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    sys.exit(1 if commands[sys.argv[1]](*sys.argv[2:]) else 0)


if __name__ == "__main__":
    main()
