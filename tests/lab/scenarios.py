#!/usr/bin/python3
"""scenarios.py COMMAND...: one message to every domain of the lab, and what became of it. Runs inside the lab.

  send RUN PORT WHEN        one message to each domain marked WHEN (RUN is the local part of its recipient)
  table RUN GATEWAY WHEN S  waits at most S seconds, prints scenario / expected / got; exit 1 if any differs
  compare RUN ORACLE-RUN WHEN S FILE   Daneway beside Postfix; differences must stand in FILE (doc/AGREEMENT.md)
  verdict RUN DOMAIN EXPECT S                waits at most S seconds until one domain is as expected (Daneway)
  leaks RUN PCAP            no message of a DANE domain crossed in clear, and (control) the cleartext ones did
It owns: the marker in each message. It believes the MX host about TLS, and the gateway about verification only.
It must never call a scenario good on the gateway's word alone when a mailbox can tell.
"""
import email
import json
import os
import re
import smtplib
import subprocess
import sys
import time

LAB = os.environ.get("LAB", "/run/lab")
SENDER = "sender@corp.example"
MARKER_LINES = 40


def expectations(when):
    return [e for e in json.load(open(LAB + "/expect.json")) if e["when"] == when]


def marker(run, domain):
    return "LABMARK-%s-%s-END" % (run, domain)


# --- sending --------------------------------------------------------------------------------------------------------

def send(run, port, when):
    chosen = expectations(when)
    client = smtplib.SMTP("127.0.0.1", int(port), local_hostname="client.corp.example", timeout=30)
    for entry in chosen:
        domain = entry["domain"]
        text = "From: Sender <%s>\r\nTo: <%s@%s>\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%s.%s@corp.example>\r\n\r\n" % (
            SENDER, run, domain, entry["about"], email.utils.formatdate(), run, domain)
        text += (marker(run, domain) + "\r\n") * MARKER_LINES
        client.sendmail(SENDER, ["%s@%s" % (run, domain)], text.encode())
    client.quit()
    print("%d messages handed to port %s" % (len(chosen), port), file=sys.stderr)


# --- what became of them --------------------------------------------------------------------------------------------

class Verdict:
    """kind: verified, encrypted, clear, held, bounced, pending; place: host; code: status; text: for people."""

    def __init__(self, kind="pending", place="", code="", text=""):
        self.kind, self.place, self.code, self.text = kind, place, code, text

    def __str__(self):
        what = self.code if self.kind in ("held", "bounced") else self.place
        return self.kind + (":" + what if what else "")

    def fits(self, expected):
        """held:4 is any 4.x.x; held:4.7.5 is exactly that."""
        return str(self) == expected or (expected in ("held:4", "bounced:5") and str(self).startswith(expected + "."))


def recipient_of(run, domain):
    return "%s@%s" % (run, domain)


def mailbox_messages(domain):
    box = os.path.join(LAB, "mail", domain, "new")
    for name in sorted(os.listdir(box)) if os.path.isdir(box) else []:
        with open(os.path.join(box, name), "rb") as f:
            yield f.read()


def arrival(run, domain):
    """(host, under TLS, copies) as the MX host wrote it into the message, or None."""
    found = None
    for data in mailbox_messages(domain):
        message = email.message_from_bytes(data)
        if (message["X-Original-To"] or "") != recipient_of(run, domain):
            continue
        received = " ".join((message.get_all("Received") or [""])[0].split())
        host = re.search(r"\bby (\S+)", received)
        found = (host[1] if host else "?", "using TLS" in received, 1 + (found[2] if found else 0))
    return found


def returned(run):
    """{recipient: (status, text)} from the notices in the sender's mailbox."""
    notices = {}
    for data in mailbox_messages("corp.example"):
        message = email.message_from_bytes(data)
        if message.get_content_type() != "multipart/report":
            continue
        for part in message.walk():
            if part.get_content_type() != "message/delivery-status":
                continue
            for group in part.get_payload():
                recipient = (group["Final-Recipient"] or "").partition(";")[2].strip()
                if recipient.startswith(run + "@") and group["Action"] == "failed":
                    notices[recipient] = (group["Status"] or "", " ".join((group["Diagnostic-Code"] or "").split()))
    return notices


def daneway_log(run):
    """{recipient: fields of its last line} from danewayd's log."""
    last = {}
    for line in read_lines(LAB + "/log/danewayd.log"):
        if "event=" not in line or "to=" not in line:
            continue
        fields = dict((k, v.strip('"')) for k, v in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)', line))
        recipient = fields.get("to", "").strip("<>")
        if recipient.startswith(run + "@") and fields.get("event") in ("delivered", "deferred", "bounced"):
            last[recipient] = fields
    return last


def read_lines(path):
    try:
        return open(path, errors="replace").read().splitlines()
    except FileNotFoundError:
        return []


def daneway_queue():
    """{recipient: (status, text)} from "daneway queue list --json"."""
    program = os.environ.get("DANEWAY", "daneway")
    done = subprocess.run([program, "-c", LAB + "/daneway/daneway.conf", "queue", "list", "--json"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20)
    if done.returncode != 0:
        return {}
    held = {}
    for message in json.loads(done.stdout or "[]"):
        for recipient in message.get("recipients", []):
            if isinstance(recipient, dict):
                recipient = recipient.get("address", "")
            held[recipient] = (message.get("status") or "", message.get("text") or "")
    return held


def daneway_verdicts(run, domains):
    log, queue, notices = daneway_log(run), daneway_queue(), returned(run)
    verdicts = {}
    for domain in domains:
        recipient = recipient_of(run, domain)
        fields = log.get(recipient, {})
        came = arrival(run, domain)
        if came:
            tls = fields.get("tls", "") if fields.get("event") == "delivered" else ""
            verdicts[domain] = delivered(came, tls in ("dane-verified", "verified"), tls not in ("clear", ""), tls)
        elif recipient in notices:
            verdicts[domain] = Verdict("bounced", code=notices[recipient][0], text=notices[recipient][1])
        elif queue.get(recipient, ("",))[0]:
            verdicts[domain] = Verdict("held", code=queue[recipient][0], text=queue[recipient][1])
        else:
            verdicts[domain] = Verdict(text=fields.get("text", "") + fields.get("event", ""))
    return verdicts


def delivered(came, verified, claims_tls, claim):
    host, under_tls, copies = came
    if claim and claims_tls != under_tls:
        return Verdict("contradiction", host, text="the log says %s, the MX host %s" % (claim, "TLS" if under_tls else "clear"))
    kind = "clear" if not under_tls else "verified" if verified else "encrypted"
    if not claim:
        return Verdict(text="arrived at %s, not yet in the log" % host)
    return Verdict(kind if copies == 1 else "%s (%d copies)" % (kind, copies), host)


def postfix_log(run):
    """{recipient: (status, dsn, TLS word, text)}; the TLS line stands before the result, in the same process."""
    tls, last = {}, {}
    for line in read_lines(LAB + "/log/oracle.log"):
        process = re.search(r"oracle/(?:smtp|error|bounce|cleanup|smtpd)\[(\d+)\]", line)
        if not process:
            continue
        session = re.search(r"(\S+) TLS connection (?:established|reused) to (\S+?):", line)
        if session:
            tls[process[1]] = session[1]
        result = re.search(r"to=<([^>]*)>,.* dsn=([\d.]+), status=(\w+) \((.*)\)", line)
        if result:
            word = tls.pop(process[1], "clear")
            if result[1].startswith(run + "@"):
                last[result[1]] = (result[3], result[2], word, result[4])
    return last


def postfix_verdicts(run, domains):
    log, verdicts = postfix_log(run), {}
    for domain in domains:
        status, dsn, word, text = log.get(recipient_of(run, domain), ("pending", "", "", ""))
        came = arrival(run, domain)
        if status == "sent" and came:
            verdicts[domain] = delivered(came, word == "Verified", word != "clear", word)
        elif status in ("deferred", "bounced"):
            verdicts[domain] = Verdict("held" if status == "deferred" else status, code=dsn, text=text)
        else:
            verdicts[domain] = Verdict()
    return verdicts


COLLECT = {"danewayd": daneway_verdicts, "postfix": postfix_verdicts}


def wait_for(collect, enough, limit):
    """Collects until enough(verdicts) or the limit; shows how far it is."""
    end, shown = time.monotonic() + limit, None
    while True:
        verdicts = collect()
        missing = [d for d, v in verdicts.items() if not enough(d, v)]
        state = "%d of %d settled" % (len(verdicts) - len(missing), len(verdicts))
        if missing and len(missing) <= 6:
            state += "; waiting for " + ", ".join(missing)
        if state != shown:
            print("  " + state, file=sys.stderr, flush=True)
            shown = state
        if not missing or time.monotonic() > end:
            return verdicts
        time.sleep(0.5)


def short(name):
    """Without the ".example" that all names of the lab have."""
    return re.sub(r"\.example$", "", str(name))


def table(run, gateway, when, limit):
    entries = expectations(when)
    domains = [e["domain"] for e in entries]
    expected = {e["domain"]: e["expect"] for e in entries}
    verdicts = wait_for(lambda: COLLECT[gateway](run, domains), lambda d, v: v.fits(expected[d]), float(limit))
    bad = 0
    print("verified: TLS, the mail host authenticated by DANE    encrypted: TLS, no more than that    clear: no TLS")
    print("held: waits in the queue, for the reason with this code    bounced: returned to the sender with this code\n")
    print("%-16s %-27s %-27s %s  %s" % ("scenario", "expected", "got", "ok", "what the domain is like"))
    for entry in entries:
        verdict, good = verdicts[entry["domain"]], verdicts[entry["domain"]].fits(entry["expect"])
        bad += not good
        print("%-16s %-27s %-27s %s  %s" % (short(entry["domain"]), short(entry["expect"]), short(verdict),
                                         "ok" if good else "NO", entry["about"]))
        if not good and verdict.text:
            print("%16s %s" % ("", verdict.text))
    print("%d scenarios, %d as expected, %d not" % (len(entries), len(entries) - bad, bad))
    return 1 if bad else 0


def verdict(run, domain, expected, limit):
    found = wait_for(lambda: daneway_verdicts(run, [domain]), lambda d, v: v.fits(expected), float(limit))[domain]
    if not found.fits(expected):
        print("       %s: expected %s, got %s %s" % (domain, expected, found, found.text))
    return 0 if found.fits(expected) else 1


def explained(path):
    """{domain: (daneway, postfix)} from the lines "| DOMAIN | DANEWAY | POSTFIX | why |" of AGREEMENT.md."""
    rows = {}
    for line in read_lines(path):
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4 and re.match(r"[\w-]+:?\S*$", cells[1]) and ":" in cells[1]:
            rows[cells[0]] = (cells[1], cells[2])
    return rows


def compare(run, oracle_run, when, limit, path):
    domains = [e["domain"] for e in expectations(when)]
    known, bad, differ = explained(path), 0, 0

    def both():
        ours, theirs = daneway_verdicts(run, domains), postfix_verdicts(oracle_run, domains)
        return {d: (ours[d], theirs[d]) for d in domains}

    def agreed(domain, pair):
        """Settled for good: what is held for now may still go out at the second attempt."""
        texts = tuple(short(v) for v in pair)
        return texts == known.get(short(domain), texts) and "pending" not in texts and (
            short(domain) in known or texts[0] == texts[1])

    verdicts = wait_for(both, agreed, float(limit))
    ours, postfix = ({d: pair[n] for d, pair in verdicts.items()} for n in (0, 1))
    print("%-16s %-27s %-27s %s" % ("domain", "Daneway", "Postfix", "agreement"))
    for domain in domains:
        pair = (short(ours[domain]), short(postfix[domain]))
        if pair[0] == pair[1] and "pending" not in pair:
            note, bad = ("same", bad) if short(domain) not in known else ("DIFFERENCE IS GONE: strike it out", bad + 1)
        elif known.get(short(domain)) == pair:
            note, differ = "differs, explained", differ + 1
        else:
            note, bad = "DIFFERS" + ("" if short(domain) not in known else "; explained is %s | %s" % known[short(domain)]), bad + 1
        print("%-16s %-27s %-27s %s" % (short(domain), pair[0], pair[1], note))
        if note.startswith("DIFFERS"):
            print("%16s Daneway: %s\n%16s Postfix: %s" % ("", ours[domain].text, "", postfix[domain].text))
    print("%d domains, %d differ as explained in %s, %d differ without explanation" % (
        len(domains), differ, os.path.basename(path), bad))
    return 1 if bad else 0


def leaks(run, pcap):
    data = open(pcap, "rb").read()
    entries = json.load(open(LAB + "/expect.json"))
    bad = [e["domain"] for e in entries if e["must_not_leak"] and marker(run, e["domain"]).encode() in data]
    control = [e["domain"] for e in entries
               if e["when"] == "demo" and e["expect"].startswith("clear:") and marker(run, e["domain"]).encode() in data]
    guarded = sum(e["must_not_leak"] for e in entries)
    for domain in bad:
        print("LEAK: the message to %s crossed in clear" % domain)
    if not control:
        print("the capture shows no cleartext message at all: it proves nothing")
    print("capture: %d octets, %d DANE domains, %d leaked; control: %d cleartext messages seen" % (
        len(data), guarded, len(bad), len(control)))
    return 0 if control and not bad else 1


def main():
    commands = {"send": send, "table": table, "compare": compare, "leaks": leaks, "verdict": verdict}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    sys.exit(commands[sys.argv[1]](*sys.argv[2:]))


main()
