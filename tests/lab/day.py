#!/usr/bin/python3
"""day.py COMMAND...: the messages of tests/system/day, what the MX hosts logged of them, and whether the reports agree.

  send RUN [DOMAIN...]      one message to each domain of the table (or to these), each by a connection of its own
  truth FILE                writes to FILE what has been seen so far: connections and STARTTLS by MX host, attempts by domain
  compare DAY DIRECTORY BEFORE AFTER   the reports of DAY in DIRECTORY are what was seen between the two files of "truth"
  reused                    a connection has carried more than one message (else nothing here would prove that it counts once)
It owns: the table below. What a report must say comes from the logs of the MX hosts; where no host is reached, from the number of
attempts in danewayd's log. It must never take a number from danewayd's own counts.
"""
import collections
import glob
import json
import os
import re
import smtplib
import sys
import time

import rfc8460

LAB = os.environ.get("LAB", "/run/lab")
PORT = 2025

# domain: the elements of its report, each (policy type, policy domain, source, successful, result types of the failures).
# Source: a host (its connections), a host and "starttls" (those with STARTTLS), or "attempts".
HOST, TLS, ATTEMPTS = "connect", "starttls", "attempts"
TABLE = {}


def expect(domain, kind, policy_domain, source, *failures):
    TABLE.setdefault(domain, []).append((kind, policy_domain, source, not failures, set(failures)))


for name in ("dane-ee", "dane-ee-odd", "dane-ta", "dane-rsa", "dane-rollover", "only-signed"):
    expect(name, "tlsa", "mx." + name, (HOST, "mx." + name))
expect("dane-implicit", "tlsa", "dane-implicit", (HOST, "dane-implicit"))
expect("dane-alias", "tlsa", "real.dane-alias", (HOST, "mx.dane-alias"))
for name, failure in (("dane-mismatch", "tlsa-invalid"), ("dane-ta-name", "certificate-host-mismatch"),
                      ("dane-ta-expired", "certificate-expired"), ("dane-stripped", "starttls-not-supported"),
                      ("dane-tls454", "starttls-not-supported"), ("dane-tlsbroken", "validation-failure")):
    expect(name, "tlsa", "mx." + name, (HOST, "mx." + name), failure)
expect("dane-second", "tlsa", "mx1.dane-second", (HOST, "mx1.dane-second"), "tlsa-invalid")
expect("dane-second", "tlsa", "mx2.dane-second", (HOST, "mx2.dane-second"))
for name in ("tlsa-bogus", "tlsa-servfail"):
    expect(name, "tlsa", "mx." + name, (ATTEMPTS, name), "dnssec-invalid")
expect("only-unsigned", "no-policy-found", "only-unsigned", (ATTEMPTS, "only-unsigned"), "dane-required")
for name in ("signed-tls", "plain-tls", "plain-public", "encrypt-tls"):
    expect(name, "no-policy-found", name, (HOST, "mx." + name))
for name in ("plain-notls", "encrypt-notls", "day-hangs", "day-slow"):
    expect(name, "no-policy-found", name, (HOST, "mx." + name), "starttls-not-supported")
expect("plain-broken", "no-policy-found", "plain-broken", (TLS, "mx.plain-broken"), "validation-failure")
expect("sts-good", "sts", "sts-good", (HOST, "mx.sts-good"))
expect("sts-must", "sts", "sts-must", (HOST, "mx.sts-must"))
for name, failure in (("sts-mxname", "certificate-host-mismatch"), ("sts-mxself", "certificate-not-trusted"),
                      ("sts-mxexpired", "certificate-expired"), ("sts-stripped", "starttls-not-supported"),
                      ("sts-testing", "certificate-not-trusted")):
    expect(name, "sts", name, (HOST, "mx." + name), failure)
expect("sts-second", "sts", "sts-second", (HOST, "mx2.sts-second"))
expect("sts-mismatch", "sts", "sts-mismatch", (ATTEMPTS, "sts-mismatch"), "validation-failure")
expect("sts-daneboth", "tlsa", "mx.sts-daneboth", (HOST, "mx.sts-daneboth"))
expect("sts-daneboth", "sts", "sts-daneboth", (HOST, "mx.sts-daneboth"))
for name, failure in (("sts-web404", "sts-policy-fetch-error"), ("sts-websyntax", "sts-policy-invalid"),
                      ("sts-webself", "sts-webpki-invalid")):
    expect(name, "sts", name, (ATTEMPTS, name), failure)
    expect(name, "no-policy-found", name, (HOST, "mx." + name))
BY_THEMSELVES = ("day-hangs", "day-slow")
SHARED = {"sts-second": (ATTEMPTS, "sts-second", "validation-failure")}     # MX 10 is outside the policy: in the same element


def connected():
    return smtplib.SMTP("127.0.0.1", PORT, local_hostname="client.corp.example", timeout=30)


def send_one(client, run, domain):
    recipient = "%s@%s.example" % (run, domain)
    client.sendmail("sender@corp.example", [recipient],
                    "From: <sender@corp.example>\r\nTo: <%s>\r\nMessage-ID: <%s.%s@corp.example>\r\n\r\nHello.\r\n" % (
                        recipient, run, domain))


def send(run, *domains):
    """To those domains one after the other in one session, so that one worker has them all; or to each, in a session each."""
    if domains:
        with connected() as client:
            for domain in domains:
                send_one(client, run, domain)
                time.sleep(0.3)  # delivered, and its session kept for the next to the same domain
        return
    for domain in (d for d in TABLE if d not in BY_THEMSELVES):
        with connected() as client:
            send_one(client, run, domain)


# --- what was seen ----------------------------------------------------------------------------------------------------

def lines(name):
    try:
        return open(os.path.join(LAB, "log", name), errors="replace").read().splitlines()
    except FileNotFoundError:
        return []


def seen():
    """{(source, name): number}"""
    numbers = collections.Counter()
    for line in lines("mx.log"):
        found = re.search(r" mx/(\S+)\.example/smtpd\[\d+\]: connect from ", line)
        if found:
            numbers[HOST, found[1]] += 1
    for line in lines("peculiar.connections"):
        host, what = line.split()
        numbers[what, host[:-len(".example")]] += 1
    for line in lines("danewayd.log"):
        found = re.search(r" event=(delivered|deferred|bounced) .* to=<[^@>]+@(\S+)\.example> ", line)
        if found:
            numbers[ATTEMPTS, found[2]] += 1
    return numbers


def truth(path):
    json.dump([[source, name, number] for (source, name), number in seen().items()], open(path, "w"))


def read_truth(path):
    return collections.Counter({(source, name): number for source, name, number in json.load(open(path))})


def reused():
    numbers = seen()
    carried = [n for n in ("plain-tls", "dane-ee", "sts-good") if numbers[HOST, "mx." + n] < numbers[ATTEMPTS, n]]
    print("       one connection, several messages: %s" % ", ".join(carried or ["none"]))
    sys.exit(0 if carried else 1)


# --- what must have been reported -------------------------------------------------------------------------------------

def must_be(numbers):
    """{domain: {(policy type, policy domain): (successes, {result type: failures})}}, without what never happened."""
    reports = {}
    for domain, elements in TABLE.items():
        for kind, policy_domain, source, good, failures in elements:
            number = numbers[source]
            bad = {failure: number for failure in failures}
            if domain in SHARED:
                bad[SHARED[domain][2]] = numbers[SHARED[domain][:2]]
            if number or any(bad.values()):
                reports.setdefault(domain, {})[kind, policy_domain] = (number if good else 0, bad)
    return reports


def is_said(report):
    """The same of a report."""
    elements = {}
    for element in report["policies"]:
        policy, summary = element["policy"], element["summary"]
        key = policy["policy-type"], re.sub(r"\.example$", "", policy["policy-domain"])
        bad = collections.Counter()
        for detail in element.get("failure-details", []):
            bad[detail["result-type"]] += detail["failed-session-count"]
        if summary["total-failure-session-count"] != max(bad.values(), default=0):
            bad["(total)"] = summary["total-failure-session-count"]
        if key in elements:
            bad["(twice)"] = 1
        elements[key] = (summary["total-successful-session-count"], dict(bad))
    return elements


def read_reports(directory):
    reports = {}
    for path in glob.glob(os.path.join(directory, "*")):
        for error in rfc8460.check_file(path):
            sys.exit("       %s: %s" % (path, error))
        reports[re.sub(r"\.example$", "", os.path.basename(path).split("!")[1])] = json.load(open(path))
    return reports


def compare(day, directory, before, after):
    numbers = read_truth(after)
    numbers.subtract(read_truth(before))
    expected, reports = must_be(numbers), read_reports(directory)
    bad, sessions, types = 0, 0, set()
    for domain in sorted(set(expected) | set(reports)):
        said = is_said(reports[domain]) if domain in reports else {}
        wanted = expected.get(domain, {})
        if said != wanted:
            bad += 1
            print("       %s: seen %s, reported %s" % (domain, wanted, said))
        if domain in reports and reports[domain]["date-range"]["start-datetime"][:10] != day:
            bad += 1
            print("       %s: %s" % (domain, reports[domain]["date-range"]))
        for good, failures in said.values():
            sessions += good + max(failures.values(), default=0)
            types |= set(failures)
    print("       %s: %d domains, %d sessions, %d result types" % (day, len(reports), sessions, len(types)))
    if types != rfc8460.RESULT_TYPES or len(expected) < 30:
        bad += 1
        print("       missing: %s" % sorted(rfc8460.RESULT_TYPES - types))
    sys.exit(1 if bad else 0)


def main():
    commands = {"send": send, "truth": truth, "compare": compare, "reused": reused}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])


sys.dont_write_bytecode = True
main()
