#!/usr/bin/python3
"""submitted.py mail FILE DOMAIN REPORT.json | https BODY REPORT.json: is this a TLS report as RFC 8460 5 wants it?

It owns: nothing. A mail is taken apart with Python's own parser and its DKIM signatures are verified by dkimpy (both algorithms)
against the keys in the DNS; REPORT.json, what `daneway report show` says, must be what was sent, to the last number.
It must never use code of Daneway.
covers: RPT-35 RPT-37 RPT-38 RPT-39 RPT-40 RPT-41 RPT-42
"""
import email
import email.policy
import gzip
import json
import re
import subprocess
import sys

import dkim

KEYS = {"rsa": "rsa-sha256", "ed": "ed25519-sha256"}
SIGNED = {"from", "to", "subject", "date", "message-id", "mime-version", "content-type", "tls-report-domain", "tls-report-submitter"}


def need(condition, text):
    if not condition:
        sys.exit("       " + text)


def dns_txt(name, timeout=5):
    name = name.decode() if isinstance(name, bytes) else name
    answer = subprocess.run(["dig", "+short", "TXT", name], capture_output=True, text=True, check=True).stdout
    return "".join(re.findall(r'"([^"]*)"', answer)).encode()


def same_report(octets, wanted):
    need(octets[:2] == b"\x1f\x8b", "not compressed")
    text = gzip.decompress(octets).decode("utf-8")
    with open(wanted, encoding="utf-8") as file:
        reports = json.load(file)
    got = json.loads(text)
    need(len(reports) == 1, "%d reports to compare with" % len(reports))
    need(got == reports[0]["report"], "another report: %s" % text[:300])
    need(text == json.dumps(reports[0]["report"], separators=(",", ":"), ensure_ascii=False),
         "the same report, but other octets: %s" % text[:300])
    need(not re.search(r"[a-z0-9]+@(?!corp\.example|gw\.corp\.example|plain-hosted\.example)", text), "an address: %s" % text[:300])
    return got


def verify_signatures(content):
    fields = [str(one) for one in email.message_from_bytes(content).get_all("DKIM-Signature")]
    need(len(fields) == len(KEYS), "%d signatures" % len(fields))
    for index, field in enumerate(fields):
        tags = dict(tag.strip().split("=", 1) for tag in re.sub(r"\s+", " ", field).split(";") if tag.strip())
        need(tags["a"] == KEYS[tags["s"]], "selector %s with %s" % (tags["s"], tags["a"]))
        need(tags["d"] == "plain-hosted.example" and "l" not in tags, "tags %s" % tags)
        need(SIGNED <= set(tags["h"].replace(" ", "").split(":")), "h=%s" % tags["h"])
        need(dkim.DKIM(content, minkey=2048, tlsrpt="strict" if tags["s"] == "ed" else True).verify(idx=index, dnsfunc=dns_txt), "signature %s is not valid" % tags["s"])


def check_mail(path, domain, wanted):
    content = open(path, "rb").read()
    verify_signatures(re.sub(rb"(?<!\r)\n", b"\r\n", content))
    mail = email.message_from_bytes(content, policy=email.policy.default)
    raw = email.message_from_bytes(content)
    need(mail["Return-Path"] in ("<>", None), "reverse-path %s" % mail["Return-Path"])
    need(mail.get_content_type() == "multipart/report" and mail.get_param("report-type") == "tlsrpt", mail["Content-Type"])
    need(raw.get_all("TLS-Report-Domain") == [domain], "TLS-Report-Domain %s" % raw.get_all("TLS-Report-Domain"))
    need(raw.get_all("TLS-Report-Submitter") == ["plain-hosted.example"], "TLS-Report-Submitter")
    need(raw["TLS-Required"] == "No" and raw["Auto-Submitted"] == "auto-generated", "TLS-Required, Auto-Submitted")
    text, report = mail.iter_parts()
    need(text.get_content_type() == "text/plain" and domain in text.get_content(), "the text for people")
    need(report.get_content_type() == "application/tlsrpt+gzip", report.get_content_type())
    need(report.get_content_disposition() == "attachment", "no attachment")
    name = re.fullmatch(r"plain-hosted\.example!%s!(\d+)!(\d+)![0-9a-z]+\.json\.gz" % re.escape(domain), report.get_filename())
    need(name and int(name.group(2)) - int(name.group(1)) == 86399, "file name %s" % report.get_filename())
    got = same_report(report.get_content(), wanted)
    subject = "Report Domain: %s Submitter: plain-hosted.example Report-ID: <%s>" % (domain, got["report-id"])
    need(re.sub(r"\r?\n", "", raw["Subject"]) == subject, "Subject: %s" % raw["Subject"])


if sys.argv[1] == "mail":
    check_mail(*sys.argv[2:])
else:
    same_report(open(sys.argv[2], "rb").read(), sys.argv[3])
