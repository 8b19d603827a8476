#!/usr/bin/python3
"""esmtp.py COMMAND...: BDAT, binary content and addresses in UTF-8, from the client's words to the mailbox.

  dialogue PORT                 the gateway's answers to EHLO and to BDAT in and out of place; a line each, exit 1 if any is wrong
  chunks PORT RUN DOMAIN HOW    a message by BDAT in pieces that cut line ends, pipelined; HOW "text", "large" (3 MB) or "binary"
  utf8 PORT RUN SENDER RECIPIENT   a message with SMTPUTF8, by Python's smtplib; DSN parameters with it
  came RUN DOMAIN HOW [BY]      it has come octet for octet; BY "bdat" or "data": how it crossed, as the MX host wrote it down
  came_utf8 RECIPIENT DOMAIN    it has come, over MAIL and RCPT with UTF-8 as the sender wrote it
  notice SENDER ADDRESS CODE TYPE...   one notice about that address (as it must be written there) came to that mailbox user, with
                                that status, and its parts have these types
It owns: its messages, and its raw client. It must never believe the gateway about what crossed to an MX host.
"""
import email
import email.policy
import smtplib
import socket
import sys

sys.dont_write_bytecode = True
import scenarios
from requiretls import Client

SENDER = "dsn@corp.example"


def content(run, domain, how):
    head = b"From: <dsn@corp.example>\r\nSubject: " + scenarios.marker(run, domain).encode() + b"\r\n"
    if how == "binary":
        return head + b"MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n" \
            b"Content-Transfer-Encoding: binary\r\n\r\n" + bytes(range(256)) * 2000 + b"\n.\n\r\r\n.\r\n..\r"
    body = b"".join(b".line %d that begins with a dot\r\n.\r\n" % i for i in range(60000 if how == "large" else 3))
    return head + b"\r\n" + body


def dialogue(port):
    client, wrong = Client(port), 0
    listed = [line[4:] for line in client.ask("EHLO client.corp.example").split("\n")]
    cases = [(word + " is listed", word in listed, " ".join(listed)) for word in ("CHUNKING", "SMTPUTF8", "BINARYMIME")]
    for text, codes in [
            ("BDAT 6 LAST\r\nRSET", ["503 5.5.1"]),
            ("MAIL FROM:<%s>\r\nBDAT 6\r\nDATA" % SENDER, ["250", "503 5.5.1"]),
            ("RCPT TO:<u@esmtp-none.example>\r\nBDAT 5\r\nx\r\n\r\nDATA", ["250", "250 2.0.0 5", "503 5.5.1"]),
            ("BDAT 5\r\na\nb\r\nBDAT 6 LAST\r\nQUIT", ["550 5.5.2", "503 5.5.1"]),
            ("RSET", ["250"]), ("MAIL FROM:<\u00fc@corp.example>", ["553 5.6.7"])]:
        answers = [client.ask(text)] + [client.reply() for _ in codes[1:]]
        good = all(answer.startswith(code) for answer, code in zip(answers, codes))
        cases.append((text.replace("\r\n", " | ")[:60], good, " / ".join(answers)))
    for what, good, answer in cases:
        wrong += not good
        print("  %-4s %s%s" % ("ok" if good else "FAIL", what, "" if good else ": " + answer))
    return 1 if wrong else 0


def chunks(port, run, domain, how):
    data, size = content(run, domain, how), 100003 if how != "text" else 31
    pieces = [data[at:at + size] for at in range(0, len(data), size)]
    body = " BODY=BINARYMIME" if how == "binary" else ""
    wire = b"EHLO c.corp.example\r\nMAIL FROM:<%s>%s\r\nRCPT TO:<%s@%s>\r\n" % (
        SENDER.encode(), body.encode(), run.encode(), domain.encode())
    for piece in pieces:
        wire += b"BDAT %d\r\n" % len(piece) + piece
    client = socket.create_connection(("127.0.0.1", int(port)), timeout=60)
    client.sendall(wire + b"BDAT 0 LAST\r\nQUIT\r\n")
    answers = b""
    while part := client.recv(65536):
        answers += part
    codes = [line[:3] for line in answers.split(b"\r\n") if line and line[3:4] != b"-"]
    good = codes == [b"220"] + (len(pieces) + 4) * [b"250"] + [b"221"]
    if not good:
        print("       answers: %s" % answers[-400:].decode("latin-1"))
    return 0 if good else 1


def utf8(port, run, sender, recipient):
    client = smtplib.SMTP("127.0.0.1", int(port), local_hostname="client.corp.example", timeout=30)
    client.ehlo()
    if not client.has_extn("smtputf8"):
        print("       SMTPUTF8 is not listed")
        return 1
    text = "From: <%s>\r\nTo: <%s>\r\nSubject: \u00fc %s\r\n\r\nGr\u00fc\u00dfe\r\n" % (
        sender, recipient, scenarios.marker(run, "utf8"))
    client.command_encoding = "utf-8"
    code, answer = client.docmd("MAIL FROM:<%s> BODY=8BITMIME SMTPUTF8 RET=HDRS" % sender)
    if code == 250:
        code, answer = client.docmd("RCPT TO:<%s>" % recipient)
    if code == 250:
        code, answer = client.data(text.encode())
    client.quit()
    if code != 250:
        print("       %d %s" % (code, answer.decode("utf-8", "replace")))
    return 0 if code == 250 else 1


def came(run, domain, how, by=""):
    expected = content(run, domain, how).replace(b"\r\n", b"\n") if by == "postfix" else content(run, domain, how)
    for data in scenarios.mailbox_messages(domain):
        if scenarios.marker(run, domain).encode() not in data:
            continue
        head = data[:-len(expected)]
        crossed = "bdat" if b"\nX-Lab-Bdat: " in head else "data"
        good = data.endswith(expected) and (by in ("", "postfix") or by == crossed)
        good = good and (how != "binary" or b" BODY=BINARYMIME" in head)
        if not good:
            print("       crossed by %s: %r" % (crossed, head[-600:]))
        return 0 if good else 1
    return 1


def came_utf8(recipient, domain):
    for data in scenarios.mailbox_messages(domain):
        text = data.decode("utf-8", "replace")
        if "X-Original-To: %s\n" % recipient not in text or "\nSubject: \u00fc " not in text:
            continue
        good = "with UTF8SMTP" in " ".join(text.split())
        if "X-Lab-Mail" in text:
            good = good and " SMTPUTF8" in text and "X-Lab-Rcpt: RCPT TO:<%s>" % recipient in text
        if not good:
            print("       %s" % text[:800])
        return 0 if good else 1
    return 1


def notice(user, address, code, *types):
    for data in scenarios.mailbox_messages("corp.example"):
        message = email.message_from_bytes(data, policy=email.policy.default)
        text = data.decode("utf-8", "replace")
        if message.get_content_type() != "multipart/report" or "\nTo: <%s>\n" % user not in text \
                or "\nFinal-Recipient: %s\n" % address not in text:
            continue
        parts = [part.get_content_type() for part in message.iter_parts()]
        good = parts == list(types) and "\nStatus: %s\n" % code in text and not message.defects
        if not good:
            print("       %s\n%s" % (parts, text))
        return 0 if good else 1
    return 1


COMMANDS = {"dialogue": dialogue, "chunks": chunks, "utf8": utf8, "came": came, "came_utf8": came_utf8, "notice": notice}

if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]))
