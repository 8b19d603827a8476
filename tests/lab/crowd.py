#!/usr/bin/python3
"""crowd.py PORT PID: 1,000 idle clients and 500 slow ones at once; are fresh ones served, and what does each idle one cost?

Half of the idle ones have turned to TLS. The slow ones send an octet a second of a command or of a message's data.
PID is the supervisor's: the memory is the anonymous part of its children's smaps_rollup, which is theirs alone.
It owns: its connections. It must never measure before every connection has its greeting.
"""
import os
import select
import socket
import ssl
import sys
import threading
import time

PORT, PID = int(sys.argv[1]), int(sys.argv[2])
IDLE, SLOW, FRESH = 1000, 500, 100
CLEAR_LIMIT = 16 * 1024
failures = 0


def report(what, good, seen=""):
    global failures
    failures += not good
    print("  %-4s %-62s %s" % ("ok" if good else "FAIL", what, seen), flush=True)


def children():
    return [int(p) for p in open("/proc/%d/task/%d/children" % (PID, PID)).read().split()]


def memory():
    """Octets of all roles that no other process shares."""
    total = 0
    for pid in children():
        for line in open("/proc/%d/smaps_rollup" % pid):
            if line.startswith("Anonymous:"):
                total += int(line.split()[1]) * 1024
    return total


def steady_memory():
    before = memory()
    for _ in range(20):
        time.sleep(0.5)
        now = memory()
        if abs(now - before) < 65536:
            return now
        before = now
    return before


def connect(number):
    return socket.create_connection(("127.0.0.1", PORT), timeout=60, source_address=("127.0.0.%d" % (2 + number % 120), 0))


def line(s):
    data = b""
    while not data.endswith(b"\n"):
        part = s.recv(4096)
        if not part:
            raise OSError("the session ended: %r" % data)
        data += part
    return data


def say(s, text):
    s.sendall(text)
    return line(s)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE


def idle(number, secure):
    s = connect(number)
    line(s)
    say(s, b"EHLO idle.corp.example\r\n")
    if secure:
        say(s, b"STARTTLS\r\n")
        s = context.wrap_socket(s)
        say(s, b"EHLO idle.corp.example\r\n")
    return s


def many(count, make):
    """In a few threads: TLS takes its time."""
    made, lock = [], threading.Lock()

    def some(first):
        for n in range(first, count, 8):
            one = make(n)
            with lock:
                made.append(one)
    threads = [threading.Thread(target=some, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return made


def slow(number):
    s = connect(number)
    line(s)
    if number % 2:
        for command in (b"EHLO slow.corp.example", b"MAIL FROM:<sender@corp.example>", b"RCPT TO:<somebody@dane-ee.example>", b"DATA"):
            say(s, command + b"\r\n")
    return s


def readable_now(s):
    poll = select.poll()
    poll.register(s, select.POLLIN)
    return poll.poll(0)


def fresh(number):
    began = time.monotonic()
    s = connect(number)
    line(s)
    replies = [say(s, c + b"\r\n") for c in (b"HELO fresh.corp.example", b"MAIL FROM:<sender@corp.example>",
                                             b"RCPT TO:<somebody@dane-ee.example>", b"RSET", b"QUIT")]
    s.close()
    if [r[:1] for r in replies] != [b"2"] * 5:
        raise OSError(repr(replies))
    return time.monotonic() - began


crowd = many(16, lambda n: idle(n, n % 2 == 0))  # whatever is made once is there
fresh(0)
empty = steady_memory()
clear = many(IDLE // 2, lambda n: idle(n, False))
with_clear = steady_memory()
secure = many(IDLE // 2, lambda n: idle(n, True))
with_secure = steady_memory()
each_clear = (with_clear - empty) / len(clear)
each_secure = (with_secure - with_clear) / len(secure)
print("       one idle connection: %.1f KB in clear, %.1f KB under TLS" % (each_clear / 1024, each_secure / 1024))
report("an idle connection costs less than 16 KB", len(clear) == IDLE // 2 and 0 < each_clear < CLEAR_LIMIT, "%.0f octets" % each_clear)
report("%d idle clients are connected, half of them under TLS" % IDLE, len(clear) + len(secure) == IDLE)

dripping = many(SLOW, slow)
report("%d slow ones beside them" % SLOW, len(dripping) == SLOW)
stop = threading.Event()
gone = []


def drip():
    while not stop.is_set():
        for s in dripping:
            try:
                s.send(b"x")
            except OSError:
                gone.append(s)
        stop.wait(1)


thread = threading.Thread(target=drip)
thread.start()
times, refused = [], 0
for n in range(FRESH):
    try:
        times.append(fresh(n))
    except OSError as error:
        refused += 1
        print("       " + str(error))
times.sort()
report("%d fresh clients are served meanwhile" % FRESH, refused == 0 and len(times) == FRESH,
       "median %.1f ms, slowest %.0f ms" % (times[len(times) // 2] * 1000, times[-1] * 1000))
report("none of them waits for two seconds", times and times[-1] < 2)
report("idle ones are still served", all(say(s, b"NOOP\r\n").startswith(b"250") for s in (clear[0], secure[0])))
stop.set()
thread.join()
report("the slow ones were not cut off in that time", not gone, "%d were" % len(gone))
readable = [s for s in clear[1:] if readable_now(s)]
report("nobody idle was told to go", not readable, "%d were" % len(readable))
for s in crowd + clear + secure + dripping:
    s.close()
time.sleep(2)
print("       %.1f MiB before, %.1f MiB with the idle ones, %.1f MiB after" % tuple(m / 2**20 for m in (empty, with_secure, steady_memory())))
sys.exit(failures > 0)
