#!/usr/bin/python3
"""peculiar.py ODD.JSON: SMTP servers that misbehave, each address in one way, so that a client's patience is tested.

It owns: the listeners named in ODD.JSON (address, name, domain, behaviour, cert) and the mail they take,
which goes to $LAB/mail/DOMAIN/new like the mail of the real MX hosts. What a behaviour does is said at its function.
It must never send mail, and it forgets everything when it ends.
"""
import asyncio
import itertools
import json
import os
import re
import ssl
import sys

PORT = 25
LAB = os.environ.get("LAB", "/run/lab")
counter = itertools.count()
seen = set()          # greylist: recipients that came once


def note(server, what):
    """One line for each connection ("connect") and each STARTTLS: what a report must agree with."""
    with open(os.path.join(LAB, "log/peculiar.connections"), "a") as f:
        f.write("%s %s\n" % (server["name"], what))


class Gone(Exception):
    """The client has left."""


class Impatient(Gone):
    """The client has said nothing for too long."""


class Session:
    def __init__(self, server, reader, writer):
        self.server, self.reader, self.writer, self.tls = server, reader, writer, False
        self.recipients, self.envelope, self.server_name = [], "", None
        self.recipient_lines, self.bdat_lines, self.chunks = [], [], []
        self.number, self.patience, self.messages = next(counter), None, 0

    async def say(self, text):
        self.writer.write(text.encode("latin-1") + b"\r\n")
        await self.writer.drain()

    async def raw(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def line(self):
        try:
            data = await asyncio.wait_for(self.reader.readline(), self.patience)
        except asyncio.TimeoutError:
            raise Impatient
        if not data.endswith(b"\n"):
            raise Gone
        return data.decode("latin-1").rstrip("\r\n")

    async def start_tls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server["cert"])
        context.sni_callback = self.note_server_name
        await self.writer.start_tls(context)
        self.tls = True

    def note_server_name(self, _tls, name, _context):
        self.server_name = name

    async def message(self):
        data = bytearray()
        while True:
            line = await self.reader.readline()
            if not line.endswith(b"\n"):
                raise Gone
            if line == b".\r\n":
                return bytes(data)
            data += line[1:] if line.startswith(b".") else line

    def recipient_domain(self):
        """The server's own domain, or the name below it that the mail is for."""
        name = self.recipients[0].rpartition("@")[2].lower() if self.recipients else ""
        return name if re.fullmatch(r"([a-z0-9-]+\.)+" + re.escape(self.server["domain"]), name) else self.server["domain"]

    def store(self, data):
        name = "%d.%d.odd" % (os.getpid(), next(counter))
        box = os.path.join(LAB, "mail", self.recipient_domain(), "new")
        os.makedirs(box, exist_ok=True)
        head = "Received: from client by %s (odd %s) with %s\r\n" % (
            self.server["name"], self.server["behaviour"], "ESMTPS (using TLS)" if self.tls else "ESMTP")
        head += "".join("X-Original-To: %s\r\n" % r for r in self.recipients)
        head += "X-Lab-Mail: %s\r\nX-Lab-Sni: %s\r\n" % (self.envelope, self.server_name)
        head += "".join("X-Lab-Rcpt: %s\r\n" % line for line in self.recipient_lines)
        head += "".join("X-Lab-Bdat: %s\r\n" % line for line in self.bdat_lines)
        with open(os.path.join(box, name), "wb") as f:
            f.write(head.replace("\r\n", "\n").encode("latin-1") + data)  # as it came: see line()
        self.messages += 1
        with open(os.path.join(LAB, "log/peculiar.messages"), "a") as f:  # which connection brought it
            f.write("%s %d %s\n" % (self.server["name"], self.number, " ".join(self.recipients)))


EHLO = ["250-%s", "250-PIPELINING", "250-SIZE 50000000", "250-8BITMIME", "250 ENHANCEDSTATUSCODES"]


class Behaviour:
    """An ordinary server without STARTTLS; each behaviour overrides what it does differently."""

    async def greet(self, s):
        await s.say("220 %s ESMTP lab" % s.server["name"])

    async def ehlo(self, s):
        for text in self.extensions(s):
            await s.say(text % s.server["name"] if "%s" in text else text)

    def extensions(self, _session):
        return EHLO

    async def helo(self, s):
        await s.say("250 %s" % s.server["name"])

    async def starttls(self, s):
        await s.say("502 5.5.1 No such command")

    async def mail(self, s):
        s.recipients = []
        await s.say("250 2.1.0 Ok")

    async def rcpt(self, s, address):
        s.recipients.append(address)
        await s.say("250 2.1.5 Ok")

    async def data(self, s):
        await s.say("354 Go on")
        data = await s.message()
        await self.done(s, data)

    async def bdat(self, s, _line):
        await s.say("500 5.5.2 What?")

    async def done(self, s, data):
        s.store(data)
        await s.say("250 2.0.0 Taken")

    async def quit(self, s):
        await s.say("221 2.0.0 Bye")

    async def serve(self, s):
        await self.greet(s)
        while True:
            line = await s.line()
            verb = line.upper().split(":")[0].split(" ")[0]
            if verb == "EHLO":
                await self.ehlo(s)
            elif verb == "HELO":
                await self.helo(s)
            elif verb == "STARTTLS":
                note(s.server, "starttls")
                await self.starttls(s)
            elif verb == "MAIL":
                s.envelope, s.recipient_lines, s.bdat_lines, s.chunks = line, [], [], []
                await self.mail(s)
            elif verb == "RCPT":
                s.recipient_lines.append(line)
                await self.rcpt(s, line.partition("<")[2].partition(">")[0])
            elif verb == "DATA":
                await self.data(s)
            elif verb == "BDAT":
                await self.bdat(s, line)
            elif verb in ("RSET", "NOOP"):
                await s.say("250 2.0.0 Ok")
            elif verb == "QUIT":
                await self.quit(s)
                return
            else:
                await s.say("500 5.5.2 What?")


class OffersTls(Behaviour):
    def extensions(self, s):
        return EHLO if s.tls else EHLO[:-1] + ["250-STARTTLS"] + EHLO[-1:]


class SpeaksTls(OffersTls):
    """An ordinary server with STARTTLS."""

    async def starttls(self, s):
        if s.tls:
            return await s.say("503 5.5.1 TLS is on")
        await s.say("220 2.0.0 Ready")
        await s.start_tls()


class ListsDsn(SpeaksTls):
    """RFC 3461: lists DSN, and takes whatever is asked for."""

    def extensions(self, s):
        return super().extensions(s)[:-1] + ["250-DSN"] + EHLO[-1:]


class TakesChunks(SpeaksTls):
    """RFC 3030, RFC 6531: BDAT, with any octets in it, and UTF-8 in addresses."""

    def extensions(self, s):
        return super().extensions(s)[:-1] + ["250-DSN", "250-CHUNKING", "250-BINARYMIME", "250-SMTPUTF8"] + EHLO[-1:]

    async def bdat(self, s, line):
        words = line.upper().split()
        s.chunks.append(await s.reader.readexactly(int(words[1])))
        s.bdat_lines.append(line)
        if words[2:] == ["LAST"]:
            await self.done(s, b"".join(s.chunks))
        else:
            await s.say("250 2.0.0 %s octets" % words[1])


class TlsUntilToldOtherwise(SpeaksTls):
    """No STARTTLS as long as there is a file $LAB/no-starttls."""

    def extensions(self, s):
        return EHLO if os.path.exists(LAB + "/no-starttls") else super().extensions(s)


class RequireTls(SpeaksTls):
    """RFC 8689: lists REQUIRETLS under TLS, and takes it there only."""

    listed_under_tls = True

    def extensions(self, s):
        listed = ["250-REQUIRETLS"] if s.tls == self.listed_under_tls else []
        return super().extensions(s)[:-1] + listed + EHLO[-1:]

    async def mail(self, s):
        if "REQUIRETLS" in s.envelope.upper().split()[1:] and not (s.tls and self.listed_under_tls):
            return await s.say("555 5.5.4 REQUIRETLS is not offered here")
        await super().mail(s)


class RequireTlsTooEarly(RequireTls):
    """Lists REQUIRETLS before STARTTLS, and no more under TLS."""

    listed_under_tls = False


class StarttlsForbidden(OffersTls):
    """STARTTLS is listed, and then refused for good."""

    async def starttls(self, s):
        await s.say("554 5.7.0 No TLS for you")


class StarttlsRefused(OffersTls):
    """STARTTLS is listed, and then refused with 454."""

    async def starttls(self, s):
        await s.say("454 4.7.0 TLS not available due to local problem")


class TlsGarbage(OffersTls):
    """After the 220 to STARTTLS something that is no TLS comes, and the connection ends."""

    async def starttls(self, s):
        await s.say("220 2.0.0 Ready")
        await s.reader.read(100)
        await s.raw(b"this is not TLS at all\r\n" * 4)
        raise Gone


class TlsDemanded(TlsGarbage):
    """TLS never works here, and without it no mail is taken."""

    async def mail(self, s):
        await s.say("530 5.7.0 Must issue a STARTTLS command first")


class StarttlsInject(OffersTls):
    """In one packet with the 220 to STARTTLS come replies in clear; TLS itself then works."""

    async def starttls(self, s):
        if s.tls:
            return await s.say("503 5.5.1 TLS is on")
        await s.raw(b"220 2.0.0 Ready\r\n250-%s\r\n250 PIPELINING\r\n250 2.1.0 Ok\r\n" % s.server["name"].encode())
        await s.start_tls()


class EndlessLine(Behaviour):
    """A greeting line without end."""

    async def greet(self, s):
        await s.raw(b"220 ")
        while True:
            await s.raw(b"a" * 8192)


class ManyLines(Behaviour):
    """An EHLO reply of lines without end."""

    async def ehlo(self, s):
        while True:
            await s.raw(b"250-X-LAB is one of very many extensions\r\n" * 100)


class Nul(Behaviour):
    """NUL octets in the EHLO reply."""

    async def ehlo(self, s):
        await s.raw(b"250-lab\0\0\0\r\n250 \0SIZE\0 1\0\r\n")


class CodeMismatch(Behaviour):
    """One reply whose lines have different codes."""

    async def ehlo(self, s):
        await s.raw(b"250-lab.example\r\n550-PIPELINING\r\n250 8BITMIME\r\n")


class BadDigit(Behaviour):
    """A reply code that SMTP does not have."""

    async def mail(self, s):
        await s.say("999 9.9.9 Beyond")


class Silent(Behaviour):
    """Takes the connection and says nothing."""

    async def greet(self, s):
        await asyncio.sleep(3600)


class Drip(Behaviour):
    """One octet of the greeting a second, without end."""

    async def greet(self, s):
        for character in itertools.cycle(b"220-lab lab lab "):
            await s.raw(bytes([character]))
            await asyncio.sleep(1)


class Shutdown421(Behaviour):
    """421 in place of the reply to RCPT, and the connection ends."""

    async def rcpt(self, s, address):
        await s.say("421 4.3.2 Shutting down")
        raise Gone


class DropAfterDot(Behaviour):
    """The connection ends after the final dot: the client cannot know whether the mail was taken."""

    async def done(self, s, data):
        raise Gone


class SilentAfterDot(Behaviour):
    """No reply to the final dot: the client waits."""

    async def done(self, s, data):
        await asyncio.sleep(3600)


class SlowGreeting(Behaviour):
    """The greeting comes after three seconds."""

    async def greet(self, s):
        await asyncio.sleep(3)
        await super().greet(s)


class Greet554(Behaviour):
    """554 in place of a greeting."""

    async def greet(self, s):
        await s.say("554 5.3.2 No service here")


class NoQuitReply(Behaviour):
    """Never answers QUIT."""

    async def quit(self, s):
        await asyncio.sleep(3600)


class NoEhlo(Behaviour):
    """Knows HELO only."""

    async def ehlo(self, s):
        await s.say("500 5.5.1 Unknown command")

    async def mail(self, s):
        s.recipients = []
        await s.say("250 Ok")


class Greylist(Behaviour):
    """450 for a recipient that comes for the first time."""

    async def rcpt(self, s, address):
        if address not in seen:
            seen.add(address)
            return await s.say("450 4.7.1 Come back later")
        await super().rcpt(s, address)


class RequireTlsGreylist(RequireTls, Greylist):
    """REQUIRETLS, and 450 for a recipient that comes for the first time."""


class TalksFirst(Behaviour):
    """A greeting of several lines: odd, but lawful."""

    async def greet(self, s):
        for text in ("Welcome", "to the", "lab"):
            await s.say("220-%s %s" % (s.server["name"], text))
        await super().greet(s)


class ClosesIdle(SpeaksTls):
    """After a message, a client that says nothing for a second is told 421."""
    says = True

    async def done(self, s, data):
        await super().done(s, data)
        s.patience = 1

    async def serve(self, s):
        try:
            await super().serve(s)
        except Impatient:
            if self.says:
                await s.say("421 4.4.2 Idle for too long")


class DropsIdle(ClosesIdle):
    """The same without a word."""
    says = False


class MailMax(SpeaksTls):
    """RFC 9422: three messages a session, and whoever begins a fourth is thrown out."""

    def extensions(self, s):
        return super().extensions(s)[:-1] + ["250-LIMITS MAILMAX=3"] + EHLO[-1:]

    async def mail(self, s):
        if s.messages == 3:
            await s.say("421 4.7.0 I said three")
            raise Gone
        await super().mail(s)


BEHAVIOURS = {
    "plain": Behaviour, "tls": SpeaksTls, "dsn": ListsDsn, "chunks": TakesChunks, "tls-until": TlsUntilToldOtherwise, "requiretls": RequireTls, "requiretls-early": RequireTlsTooEarly,
    "requiretls-greylist": RequireTlsGreylist,
    "starttls-554": StarttlsForbidden, "tls-demanded": TlsDemanded, "starttls-454": StarttlsRefused, "tls-garbage": TlsGarbage, "starttls-inject": StarttlsInject,
    "endless-line": EndlessLine, "many-lines": ManyLines, "nul": Nul, "code-mismatch": CodeMismatch,
    "bad-digit": BadDigit, "silent": Silent, "drip": Drip, "421-rcpt": Shutdown421, "drop-after-dot": DropAfterDot,
    "greet-554": Greet554, "no-quit-reply": NoQuitReply, "no-ehlo": NoEhlo, "greylist": Greylist,
    "idle-421": ClosesIdle, "idle-drop": DropsIdle, "mailmax": MailMax,
    "talks-first": TalksFirst, "silent-dot": SilentAfterDot, "slow-greeting": SlowGreeting,
}


async def listen(server):
    behaviour = BEHAVIOURS[server["behaviour"]]

    async def connected(reader, writer):
        note(server, "connect")
        try:
            await behaviour().serve(Session(server, reader, writer))
        except (Gone, OSError, ssl.SSLError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            writer.close()

    await asyncio.start_server(connected, server["address"], PORT)


async def main():
    servers = json.load(open(sys.argv[1]))
    unknown = {s["behaviour"] for s in servers} - set(BEHAVIOURS)
    if unknown:
        sys.exit("peculiar.py: no behaviour %s; there are %s" % (", ".join(unknown), ", ".join(sorted(BEHAVIOURS))))
    for server in servers:
        await listen(server)
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
