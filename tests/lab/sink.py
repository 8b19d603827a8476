#!/usr/bin/python3
"""sink.py SINK.JSON LOG: a quick MX host with STARTTLS that keeps no mail, only the id of each message.

It owns: the listeners named in SINK.JSON and LOG, one line a message taken: its X-Lab-Id, written before the 250.
It answers as a plain ESMTP server does; who loses or doubles mail is found by comparing LOG with what was handed in.
It must never write an id twice for one message, nor answer 250 without writing it.
"""
import asyncio
import json
import re
import ssl
import sys

EHLO = "250-%s\r\n250-PIPELINING\r\n250-SIZE 50000000\r\n250-8BITMIME\r\n%s250 ENHANCEDSTATUSCODES\r\n"
log = None


def take(data):
    found = re.search(rb"^X-Lab-Id: (\S+)\r?$", data[:8192], re.M)
    log.write((found[1].decode() if found else "without-id") + "\n")
    log.flush()


async def serve(reader, writer, name, context):
    tls = False
    writer.write(b"220 %s ESMTP sink\r\n" % name.encode())
    while True:
        line = await reader.readline()
        if not line:
            return
        verb = line[:4].upper()
        if verb in (b"MAIL", b"RCPT", b"RSET", b"NOOP"):
            writer.write(b"250 2.0.0 Ok\r\n")
        elif verb == b"DATA":
            writer.write(b"354 Go on\r\n")
            data = await reader.readuntil(b"\r\n.\r\n")
            take(data)
            writer.write(b"250 2.0.0 Taken\r\n")
        elif verb == b"EHLO":
            writer.write((EHLO % (name, "" if tls else "250-STARTTLS\r\n")).encode())
        elif verb == b"STAR" and not tls:
            writer.write(b"220 2.0.0 Ready\r\n")
            await writer.start_tls(context)
            tls = True
        elif verb == b"QUIT":
            writer.write(b"221 2.0.0 Bye\r\n")
            return
        else:
            writer.write(b"500 5.5.2 What?\r\n")


async def listen(server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server["cert"])

    async def connected(reader, writer):
        try:
            await serve(reader, writer, server["name"], context)
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            writer.close()

    await asyncio.start_server(connected, server["address"], 25, limit=1 << 24, backlog=512)


async def main():
    global log
    log = open(sys.argv[2], "a")
    for server in json.load(open(sys.argv[1])):
        await listen(server)
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
