#!/usr/bin/python3
"""activation.py PROGRAM DIRECTORY: starts danewayd as systemd does, with listeners that are open already and a socket for sd_notify.

DIRECTORY has daneway.conf, which listens on 127.0.0.1:2097. One line for each thing seen, exit 1 if one is wrong.
It owns: the listeners, the notify socket and the processes that it starts. It must never leave one running.
"""
import os
import signal
import socket
import sys
import time

PROGRAM, DIRECTORY = sys.argv[1], sys.argv[2]
CONF = DIRECTORY + "/daneway.conf"
failures = 0


def report(what, good, seen=""):
    global failures
    failures += not good
    print("       %-4s %-60s %s" % ("ok" if good else "FAIL", what, seen), flush=True)


def listener(port, family=socket.AF_INET, address="127.0.0.1"):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port))
    s.listen(16)
    return s


def local_listener(path):
    if os.path.exists(path):
        os.unlink(path)
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(path)
    os.chmod(path, 0o660)
    s.listen(16)
    return s


class Manager:
    """What the daemon says; environment and descriptors as systemd gives them."""

    def __init__(self):
        self.path = DIRECTORY + "/notify"
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(30)
        self.words = []

    def start(self, sockets, names):
        def child():
            for number, s in enumerate(sockets):
                os.dup2(os.dup(s.fileno()), 30 + number)
            for number in range(len(sockets)):
                os.dup2(30 + number, 3 + number)
                os.set_inheritable(3 + number, True)
                os.close(30 + number)
            os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sockets)), LISTEN_FDNAMES=":".join(names),
                              NOTIFY_SOCKET=self.path, WATCHDOG_USEC="2000000", WATCHDOG_PID=str(os.getpid()))
            os.execv(PROGRAM, [PROGRAM, "-f", "-c", CONF])
        return self.fork(child)

    @staticmethod
    def fork(child):
        pid = os.fork()
        if pid == 0:
            try:
                fd = os.open(DIRECTORY + "/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.dup2(fd, 2)
                child()
            finally:
                os._exit(99)
        return pid

    def hears(self, word, limit=20):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            self.socket.settimeout(max(0.1, end - time.monotonic()))
            try:
                data = self.socket.recv(4096).decode()
            except socket.timeout:
                return ""
            self.words.append(data)
            if word in data:
                return data
        return ""


def greeting(family=socket.AF_INET, address=("127.0.0.1", 2097)):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(20)
        s.connect(address)
        return s.recv(200)


def status():
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(20)
        s.connect(DIRECTORY + "/status.sock")
        s.sendall(b"GET /status HTTP/1.0\r\n\r\n")
        return s.recv(200)


def ended(pid, limit):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, result = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(result)
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def said():
    with open(DIRECTORY + "/log") as file:
        return file.read()


def good():
    manager, smtp, control = Manager(), listener(2097), local_listener(DIRECTORY + "/status.sock")
    waiting = socket.create_connection(("127.0.0.1", 2097))  # before anybody serves
    pid = manager.start([smtp, control], ["smtp", "status"])
    report("READY=1 once all roles serve", bool(manager.hears("READY=1")))
    waiting.settimeout(20)
    report("who connected before the start is served", waiting.recv(100).startswith(b"220"))
    report("the status socket that was handed on is served", b"200" in status())
    report("WATCHDOG=1 in time", bool(manager.hears("WATCHDOG=1", 3)))
    os.kill(pid, signal.SIGHUP)
    word = manager.hears("RELOADING=1", 5)
    report("SIGHUP: RELOADING=1 with its time", "MONOTONIC_USEC=" in word)
    report("and READY=1 again", bool(manager.hears("READY=1", 10)))
    os.kill(pid, signal.SIGUSR2)
    report("SIGUSR2: RELOADING=1", bool(manager.hears("RELOADING=1", 5)))
    report("and READY=1 of the new program", bool(manager.hears("READY=1", 60)))
    report("it serves on the same listeners", greeting().startswith(b"220") and b"200" in status())
    report("and feeds the watchdog", bool(manager.hears("WATCHDOG=1", 5)))
    os.kill(pid, signal.SIGTERM)
    report("SIGTERM: STOPPING=1", bool(manager.hears("STOPPING=1", 5)))
    report("it ends well", ended(pid, 30) == 0)
    report("systemd's socket file is left to systemd", os.path.exists(DIRECTORY + "/status.sock"))
    smtp.close()
    control.close()


def refused(what, sockets, names, text):
    open(DIRECTORY + "/log", "w").close()
    pid = Manager().start(sockets, names)
    status_code = ended(pid, 15)
    report(what, status_code not in (None, 0) and text in said(), said().strip()[-160:])
    for s in sockets:
        s.close()


good()
os.unlink(DIRECTORY + "/status.sock")
refused("a listener that no option names", [listener(2097), listener(2096)], ["smtp", "stray"],
        'descriptor 4, "stray", that systemd hands on is a socket at 127.0.0.1 port 2096')
datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagram.bind(("127.0.0.1", 2097))
refused("a datagram socket", [datagram], ["odd"], "expected a listening stream socket")
refused("one that takes both IPv4 and IPv6", [listener(2097, socket.AF_INET6, "::")], ["both"], "BindIPv6Only=ipv6-only")
sys.exit(failures > 0)
