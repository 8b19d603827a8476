#!/usr/bin/python3
"""receiver.py ADDRESS DIRECTORY GOOD.pem UNTRUSTED.pem: HTTPS receivers of TLS reports, good and bad, at ADDRESS:443.

It owns: DIRECTORY/requests, one line a request: "NAME METHOD PATH TYPE ENCODING BODY-FILE STATUS" ("-": none), and the bodies as
DIRECTORY/NUMBER.body. What it does follows from the path: /201 ..., /404, /flaky (500, then 201), /slow (nothing for 30 s),
/redirect. The name untrusted.* shows a certificate of nobody, broken.* ends the handshake.
It must never serve anything else.
"""
import asyncio
import itertools
import ssl
import sys

numbers = itertools.count(1)
seen_flaky = set()


def context_of(good, untrusted):
    contexts = {}
    for name, file in (("good", good), ("untrusted", untrusted)):
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        contexts[name].load_cert_chain(file)

    def by_name(connection, name, context):
        if name is not None and name.startswith("broken."):
            return ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
        connection.context = contexts["untrusted" if name is not None and name.startswith("untrusted.") else "good"]
        return None

    contexts["good"].sni_callback = by_name
    return contexts["good"]


def status_of(path):
    if path.startswith("/flaky"):
        first = path not in seen_flaky
        seen_flaky.add(path)
        return 500 if first else 201
    return {"404": 404, "redirect": 302, "204": 204}.get(path.split("/")[1], 201)


async def serve(reader, writer):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    number = next(numbers)
    with open("%s/%d.body" % (sys.argv[2], number), "wb") as file:
        file.write(body)
    status = status_of(path)
    with open(sys.argv[2] + "/requests", "a") as log:
        print(fields.get("host"), method, path, fields.get("content-type", "-"), fields.get("content-encoding", "-"),
              "%d.body" % number, status, file=log)
    if path.startswith("/slow"):
        await asyncio.sleep(30)
    location = "Location: https://%s/201/elsewhere\r\n" % fields.get("host") if status == 302 else ""
    text = "" if status == 204 else "thank you\n"
    writer.write(("HTTP/1.1 %d X\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s" %
                  (status, location, len(text), text)).encode())
    await writer.drain()


async def connected(reader, writer):
    try:
        await serve(reader, writer)
    except (OSError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.close()


async def main():
    await asyncio.start_server(connected, sys.argv[1], 443, ssl=context_of(sys.argv[3], sys.argv[4]))
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
