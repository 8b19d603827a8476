#!/usr/bin/python3
"""dsn.py COMMAND...: notices that a sender asks for (RFC 3461), from the client's words to the notice in his mailbox.

  dialogue PORT                 the gateway's answers to EHLO, MAIL and RCPT; a line each, exit 1 if any is wrong
  send PORT RUN NOTIFY          one message to each domain marked dsn, with RET=HDRS, ENVID, NOTIFY and ORCPT
  heard RUN DOMAIN HOW          the MX host heard all that was asked for, letter for letter (HOW "all"), or none of it ("none")
  notice RUN DOMAIN ACTION [TEXT]   exactly one notice of the gateway's about that recipient is there, with that action, and its
                                part for people has TEXT
  none RUN DOMAIN               there is no notice of the gateway's about that recipient
It owns: its messages. Notices are read by Python's email module, from the sender's mailbox.
It must never believe the gateway about what crossed to an MX host.
"""
import email
import email.policy
import email.utils
import smtplib
import sys

sys.dont_write_bytecode = True
import scenarios
from requiretls import Client, arrived

SENDER = "dsn@corp.example"
GATEWAY = "dns; gw.corp.example"


def original(run, domain):
    """What ORCPT says, encoded and in plain text."""
    return "rfc822;Old+2B%s@%s" % (run, domain), "rfc822; Old+%s@%s" % (run, domain)


def identifier(run):
    return "QQ+2B%s" % run, "QQ+%s" % run


# --- what the gateway takes ------------------------------------------------------------------------------------------

def dialogue(port):
    client, wrong = Client(port), 0
    answer = client.ask("EHLO client.corp.example")
    cases = [("DSN is listed", "DSN" in [line[4:] for line in answer.split("\n")], answer)]
    mail, rcpt = "MAIL FROM:<%s> " % SENDER, "RCPT TO:<u@dsn-none.example> "
    for line, code in [
            (mail + "RET=BODY", "501 5.5.4"), (mail + "ENVID=", "501 5.5.4"), (mail + "ENVID=a+2", "501 5.5.4"),
            (mail + "ENVID=" + 101 * "x", "501 5.5.4"), (mail + "RET=FULL RET=HDRS", "501 5.5.4"),
            (mail + "ret=hdrs envid=" + 100 * "x", "250 2.1.0"),
            (rcpt + "NOTIFY=NEVER,SUCCESS", "501 5.5.4"), (rcpt + "NOTIFY=", "501 5.5.4"), (rcpt + "NOTIFY=SOON", "501 5.5.4"),
            (rcpt + "ORCPT=u@dsn-none.example", "501 5.5.4"), (rcpt + "ORCPT=rfc822;" + 500 * "x", "501 5.5.4"),
            (rcpt + "notify=success,Delay,FAILURE orcpt=rfc822;" + 493 * "x", "250 2.1.5")]:
        answer = client.ask(line)
        cases.append(("%s: %s" % (line[:50], code), answer.startswith(code), answer))
    client.ask("RSET")
    client.ask("QUIT")
    for what, good, answer in cases:
        wrong += not good
        print("  %-4s %s%s" % ("ok" if good else "FAIL", what, "" if good else ": " + answer.replace("\n", " | ")))
    return 1 if wrong else 0


def send(port, run, notify):
    client = smtplib.SMTP("127.0.0.1", int(port), local_hostname="client.corp.example", timeout=30)
    for entry in scenarios.expectations("dsn"):
        domain = entry["domain"]
        text = "From: <%s>\r\nTo: <%s@%s>\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%s.%s@corp.example>\r\n\r\n%s\r\n" % (
            SENDER, run, domain, entry["about"], email.utils.formatdate(), run, domain, scenarios.marker(run, domain))
        client.sendmail(SENDER, ["%s@%s" % (run, domain)], text.encode(),
                        ["RET=HDRS", "ENVID=" + identifier(run)[0]], ["NOTIFY=" + notify, "ORCPT=" + original(run, domain)[0]])
    client.quit()
    return 0


def heard(run, domain, how):
    message = arrived(run, domain)
    words = (message["X-Lab-Mail"] + " " + message["X-Lab-Rcpt"]).split()
    asked = ["RET=HDRS", "ENVID=" + identifier(run)[0], "ORCPT=" + original(run, domain)[0]]
    found = [word for word in words if word.partition("=")[0].upper() in ("RET", "ENVID", "ORCPT", "NOTIFY")]
    good = not found if how == "none" else set(asked) <= set(found) and len(found) == 4 and "NOTIFY=SUCCESS,DELAY" in found
    if not good:
        print("       %s heard %s" % (domain, found))
    return 0 if good else 1


# --- what comes back -------------------------------------------------------------------------------------------------

def notices(run, domain):
    """[(whole message, fields of the message, fields of the recipient)], of the gateway's notices about that recipient."""
    found = []
    for data in scenarios.mailbox_messages("corp.example"):
        message = email.message_from_bytes(data, policy=email.policy.default)
        if message.get_content_type() != "multipart/report":
            continue
        for part in message.walk():
            if part.get_content_type() != "message/delivery-status":
                continue
            groups = part.get_payload()
            for group in groups[1:]:
                if group["Final-Recipient"] == "rfc822; %s@%s" % (run, domain) and groups[0]["Reporting-MTA"] == GATEWAY:
                    found.append((message, groups[0], group))
    return found


def faults(run, domain, action, text, message, envelope, group):
    """What is wrong with a notice of the gateway's, in a few words each."""
    parts = list(message.iter_parts())
    people = " ".join(parts[0].get_content().split())
    kind = {"relayed": "2", "delayed": "4", "failed": "45"}[action]
    until = group["Will-Retry-Until"]
    tests = [
        ("action", group["Action"] == action), ("status", group["Status"][0] in kind),
        ("envelope id", envelope["Original-Envelope-Id"] == identifier(run)[1]),
        ("original recipient", group["Original-Recipient"] == original(run, domain)[1]),
        ("arrival date", email.utils.parsedate_to_datetime(envelope["Arrival-Date"]) is not None),
        ("retry until", (until is not None) == (action == "delayed") and
         (until is None or email.utils.parsedate_to_datetime(until) > email.utils.parsedate_to_datetime(envelope["Arrival-Date"]))),
        ("report type", message.get_param("report-type") == "delivery-status"),
        ("auto-submitted", message["Auto-Submitted"] == "auto-replied"), ("return path", message["Return-Path"] in (None, "<>")),
        ("parts", [p.get_content_type() for p in parts] == ["text/plain", "message/delivery-status", "text/rfc822-headers"]),
        ("no content is quoted", scenarios.marker(run, domain) not in message.as_string()),
        ("form", not message.defects and not any(p.defects for p in message.walk())),
        ("words: " + people, text in people),
        ("policy", action != "relayed" or (group["X-Daneway-Policy"] and group["X-Daneway-MX"].endswith(domain))),
        ("certificate", action != "relayed" or
         (group["X-Daneway-Certificate-SHA256"] is not None) == (group["X-Daneway-Protection"] != "clear")),
        ("protection", action != "relayed" or group["X-Daneway-Protection"] in ("dane-verified", "clear")),
    ]
    return [what for what, good in tests if not good]


def notice(run, domain, action, text=""):
    found = notices(run, domain)
    if len(found) != 1:
        print("       %d notices about %s@%s" % (len(found), run, domain))
        return 1
    wrong = faults(run, domain, action, text, *found[0])
    if wrong:
        print("       wrong: %s" % "; ".join(wrong))
    return 1 if wrong else 0


def none(run, domain):
    return 1 if notices(run, domain) else 0


COMMANDS = {"dialogue": dialogue, "send": send, "heard": heard, "notice": notice, "none": none}

if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]))
