#!/usr/bin/python3
"""web.py WEB.JSON ADDRESS LOG: HTTPS policy hosts of a kind that nginx cannot be, those of WEB.JSON at one address.

It owns: the listener ADDRESS:443 and LOG, one line a connection, written before anything is answered. Behaviours:
  drip       a good policy, one octet a second
  loopback   a good policy at once: whoever asks at this address has not looked at it
It must never serve anything but a policy of the lab.
"""
import asyncio
import json
import ssl
import sys


async def answer(writer, text, pause):
    body = text.encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body))
    for octet in body:
        writer.write(bytes([octet]))
        await writer.drain()
        await asyncio.sleep(pause)


async def main():
    servers = [s for s in json.load(open(sys.argv[1])) if s["address"] == sys.argv[2]]
    log = open(sys.argv[3], "a")
    if len(servers) != 1:
        sys.exit("web.py: %d servers for %s, expected one" % (len(servers), sys.argv[2]))
    server = servers[0]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server["cert"])

    async def connected(reader, writer):
        try:
            print(server["behaviour"], file=log, flush=True)
            await writer.start_tls(context)
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer, server["policy"], 1 if server["behaviour"] == "drip" else 0)
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    await asyncio.start_server(connected, server["address"], 443)
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
