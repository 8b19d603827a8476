#!/usr/bin/python3
"""load.py COMMAND...: hands mail in by raw SMTP, remembers what was accepted, and reckons what became of it.

  inject [ADDRESS:]PORT DOMAIN PREFIX COUNT CONNECTIONS SIZE OUT [--rate N] [--until FILE]   ids that got 250 go to OUT
  reckon OUT SINK-LOG PREFIX [MAX-DUPLICATES]    lost, doubled, uncertain; exit 1 if any is lost or too many are doubled
  watch PID FILE                                 memory and CPU of a process and all its descendants, until it ends
It owns: the ids, PREFIX-CONNECTION-NUMBER. With --until it goes on over broken connections until FILE exists.
It must never count a message as accepted without a 250 to its final dot; "?ID" in OUT is one whose reply was lost.
"""
import os
import socket
import sys
import threading
import time

LINE = b"x" * 70 + b"\r\n"


class Client:
    """One SMTP connection that hands in messages one after the other, pipelined as far as the protocol allows."""

    def __init__(self, where):
        address, _, port = where.rpartition(":")
        self.socket = socket.create_connection((address or "127.0.0.1", int(port)), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.expect(b"2")
        self.command(b"EHLO load.corp.example", b"2")

    def reply(self):
        while True:
            line = self.file.readline()
            if not line.endswith(b"\n"):
                raise ConnectionError("lost")
            if line[3:4] != b"-":
                return line.rstrip()

    def expect(self, digit):
        line = self.reply()
        if not line.startswith(digit):
            raise Refused(line.decode("latin-1"))
        return line

    def command(self, line, digit):
        self.socket.sendall(line + b"\r\n")
        return self.expect(digit)

    def open_message(self, domain):
        self.socket.sendall(b"MAIL FROM:<sender@corp.example>\r\nRCPT TO:<load@%s>\r\nDATA\r\n" % domain.encode())
        replies = [self.reply() for _ in range(3)]
        for line, digit in zip(replies, (b"2", b"2", b"3")):
            if not line.startswith(digit):
                raise Refused(line.decode("latin-1"))

    def send_message(self, text):
        self.socket.sendall(text + b".\r\n")

    def close(self):
        try:
            self.socket.sendall(b"QUIT\r\n")
            self.socket.close()
        except OSError:
            pass


class Refused(Exception):
    pass


def message(name, size):
    head = (b"From: <sender@corp.example>\r\nTo: <load@load.example>\r\nSubject: load\r\nX-Lab-Id: %s\r\n"
            b"Message-ID: <%s@corp.example>\r\nDate: Mon, 01 Jan 2024 00:00:00 +0000\r\n\r\n" % (name, name))
    return head + LINE * max(1, (size - len(head)) // len(LINE))


class Injector:
    def __init__(self, port, domain, prefix, count, connections, size, out, rate, until):
        self.port, self.domain, self.prefix, self.size, self.until = port, domain, prefix, size, until
        self.left, self.lock, self.out = count, threading.Lock(), open(out, "a")
        self.interval = connections / rate if rate else 0
        self.accepted = self.refused = self.uncertain = 0
        self.first_refusal = ""

    def stopped(self):
        return self.until is not None and os.path.exists(self.until)

    def next_one(self):
        with self.lock:
            if self.left <= 0 or self.stopped():
                return False
            self.left -= 1
            return True

    def note(self, text):
        with self.lock:
            self.out.write(text + "\n")
            self.out.flush()

    def one(self, client, name):
        client.open_message(self.domain)
        client.send_message(message(name, self.size))
        try:
            reply = client.reply()
        except (OSError, ConnectionError):
            self.uncertain += 1
            self.note("?" + name.decode())
            raise
        if not reply.startswith(b"250"):
            raise Refused(reply.decode("latin-1"))
        self.accepted += 1
        self.note(name.decode())

    def run(self, number):
        client, sequence = None, 0
        while self.next_one():
            sequence += 1
            began = time.monotonic()
            try:
                client = client or Client(self.port)
                self.one(client, b"%s-%d-%d" % (self.prefix.encode(), number, sequence))
            except Refused as refusal:
                self.refused += 1
                self.first_refusal = self.first_refusal or str(refusal)
                client.close() if client else None
                client = None
                if self.until is None:
                    return
                time.sleep(0.1)
            except OSError:
                client = None
                if self.until is None:
                    raise
                time.sleep(0.02)
            if self.interval:
                time.sleep(max(0, self.interval - (time.monotonic() - began)))
        if client:
            client.close()


def inject(port, domain, prefix, count, connections, size, out, *options):
    pairs = dict(zip(options[::2], options[1::2]))
    injector = Injector(port, domain, prefix, int(count), int(connections), int(size), out,
                        float(pairs.get("--rate", 0)), pairs.get("--until"))
    began = time.monotonic()
    threads = [threading.Thread(target=injector.run, args=(n,)) for n in range(int(connections))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    print("accepted=%d refused=%d uncertain=%d seconds=%.2f rate=%.0f%s" % (
        injector.accepted, injector.refused, injector.uncertain, took, injector.accepted / took,
        " first_refusal=%r" % injector.first_refusal if injector.first_refusal else ""))
    return 0


def reckon(out, sink_log, prefix, max_duplicates="0"):
    handed = [l.strip() for l in open(out)]
    accepted = {l for l in handed if not l.startswith("?")}
    uncertain = {l[1:] for l in handed if l.startswith("?")}
    times = {}
    for line in open(sink_log) if os.path.exists(sink_log) else []:
        if line.startswith(prefix + "-"):
            times[line.strip()] = times.get(line.strip(), 0) + 1
    lost = accepted - set(times)
    doubled = sum(n - 1 for n in times.values())
    strange = set(times) - accepted - uncertain
    print("accepted=%d delivered=%d lost=%d doubled=%d uncertain=%d of_these_delivered=%d never_accepted=%d" % (
        len(accepted), len(set(times) & accepted), len(lost), doubled, len(uncertain), len(uncertain & set(times)),
        len(strange)))
    for name in sorted(lost)[:5]:
        print("lost: " + name)
    return 1 if lost or strange or doubled > int(max_duplicates) else 0


def children():
    table = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = open("/proc/%s/stat" % entry).read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            table.setdefault(int(fields[1]), []).append((int(entry), fields))
    return table


def tree(root):
    """[(pid, stat fields)] of a process and its descendants."""
    table, found = children(), []
    everyone = {pid: fields for members in table.values() for pid, fields in members}
    todo = [root]
    while todo:
        pid = todo.pop()
        if pid in everyone:
            found.append((pid, everyone[pid]))
            todo += [child for child, _ in table.get(pid, [])]
    return found


def memory(pid):
    """(PSS, RSS) in MiB."""
    numbers = {}
    try:
        for line in open("/proc/%d/smaps_rollup" % pid):
            fields = line.split()
            if fields[0] in ("Pss:", "Rss:"):
                numbers[fields[0]] = int(fields[1]) / 1024
    except OSError:
        pass
    return numbers.get("Pss:", 0), numbers.get("Rss:", 0)


def watch(pid, file):
    """FILE always holds: greatest memory of one process, greatest sum, CPU seconds so far."""
    one, rss, total, tick = 0, 0, 0, os.sysconf("SC_CLK_TCK")
    while True:
        members = tree(int(pid))
        if not members:
            return 0
        sizes = [memory(p) for p, _ in members]
        one, rss = max([one] + [s[0] for s in sizes]), max([rss] + [s[1] for s in sizes])
        total = max(total, sum(s[0] for s in sizes))
        cpu = sum(sum(int(f) for f in fields[11:15]) for _, fields in members) / tick
        with open(file + ".new", "w") as f:
            f.write("pss_process=%.1f rss_process=%.1f pss_all=%.1f cpu=%.2f\n" % (one, rss, total, cpu))
        os.rename(file + ".new", file)
        time.sleep(0.2)


def main():
    commands = {"inject": inject, "reckon": reckon, "watch": watch}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    sys.exit(commands[sys.argv[1]](*sys.argv[2:]))


main()
