#!/usr/bin/python3
"""summaries.py REPORTS FOLDER COMMAND...: does `COMMAND report ...` read the day's reports (REPORTS, as "report show" printed
them) in every form that they may come in, and sum them up rightly?

It owns: FOLDER, where it puts a file, a mail, an mbox and a Maildir with those reports, made by Python's own modules.
What the sums must be is counted here, from the JSON. One line for each form, exit 1 if any is wrong.
It must never use the gateway's code to make the mails.
covers: T-22 RPT-13 RPT-14
"""
import collections
import email.message
import email.policy
import gzip
import json
import mailbox
import os
import subprocess
import sys
import time

reports_file, folder, command = sys.argv[1], sys.argv[2], sys.argv[3:]
entries = json.load(open(reports_file))
bad = 0


def say(what, wrong):
    global bad
    bad += bool(wrong)
    print("  %-4s %s %s" % ("FAIL" if wrong else "ok", what, wrong))


def expected(entries):
    """(reports, success, failure, failed sessions by domain and result type), as the JSON has them."""
    success = failure = 0
    failures = collections.Counter()
    for entry in entries:
        for element in entry["report"]["policies"]:
            domain = element["policy"]["policy-domain"]
            success += element["summary"]["total-successful-session-count"]
            failure += element["summary"]["total-failure-session-count"]
            for detail in element.get("failure-details", []):
                failures[domain, detail["result-type"]] += detail["failed-session-count"]
    return len(entries), success, failure, failures


def as_mail(entry, forwarded=False):
    report = entry["report"]
    begin, domain = report["date-range"]["start-datetime"], entry["domain"]
    packed = gzip.compress(json.dumps(report).encode())
    mail = email.message.EmailMessage(policy=email.policy.SMTP)
    mail["From"] = "reports@gw.example"
    mail["Subject"] = "Report Domain: %s Submitter: gw.example Report-ID: <%s>" % (domain, report["report-id"])
    mail["TLS-Report-Domain"] = domain
    mail["TLS-Report-Submitter"] = "gw.example"
    mail.set_content("A report of %s.\n" % begin)
    mail.add_attachment(packed, "application", "tlsrpt+gzip", filename="gw.example!%s!1!2!x.json.gz" % domain)
    if not forwarded:
        return mail
    outer = email.message.EmailMessage(policy=email.policy.SMTP)
    outer["From"] = "postmaster@gw.example"
    outer.set_content("From the archive, with \N{GREEK SMALL LETTER LAMDA}: see below.\n")
    outer.add_attachment(mail)
    return outer


def run(*words, stdin=None):
    done = subprocess.run(command + ["report"] + list(words), input=stdin, capture_output=True)
    if done.returncode != 0:
        return None, "exit status %d: %s" % (done.returncode, done.stderr.decode()[:200])
    return json.loads(done.stdout), ""


def difference(summary, wrong, entries):
    """What is wrong with a summary of these entries, or an empty text."""
    if summary is not None:
        found = collections.Counter()
        for failure in summary["failures"]:
            if failure["result_type"] != "not said":
                found[failure["domain"], failure["result_type"]] += failure["count"]
            if not failure["who"] or not failure["advice"]:
                wrong = "nobody mends %s" % failure
        got = summary["reports"], summary["success"], summary["failure"], found
        if got != expected(entries):
            wrong = "got %s, expected %s" % (got, expected(entries))
        elif summary["complaints"] or summary["unreadable"]:
            wrong = "complaints about our own reports: %s" % json.dumps(summary["complaints"])[:300]
    return wrong


def compare(what, *words, stdin=None):
    say(what, difference(*run("summary", "--json", "--own", *words, stdin=stdin), entries))


def compare_daemon(what):
    """The day goes on: only what was the same before and after the summary can be compared with it."""
    wrong = "the counts change all the time"
    for _ in range(20):
        before, _ = run("show")
        summary = run("summary", "--json")
        after, _ = run("show")
        if before is not None and before == after:
            wrong = difference(*summary, after)
            break
        time.sleep(0.5)
    say(what, wrong)


def main():
    os.makedirs(folder)
    plain = os.path.join(folder, "reports.json")
    with open(plain, "w") as out:
        json.dump(entries, out)
    compare("what report show printed", plain)
    with open(plain, "rb") as data:
        compare("the same on standard input, in gzip", "-", stdin=gzip.compress(data.read()))
    maildir = mailbox.Maildir(os.path.join(folder, "Maildir"))
    mbox = mailbox.mbox(os.path.join(folder, "mbox"))
    for number, entry in enumerate(entries):
        maildir.add(as_mail(entry, forwarded=number % 3 == 0))
        mbox.add(as_mail(entry, forwarded=number % 3 == 1))
    maildir.add(as_mail(entries[0]))        # once more: counts once
    question = email.message.EmailMessage()
    question["Subject"] = "what are these?"
    question.set_content("Hello?\n")
    maildir.add(question)
    mbox.flush()
    compare("a Maildir of mails, with a duplicate and a question", os.path.join(folder, "Maildir"))
    compare("an mbox", os.path.join(folder, "mbox"))
    compare("both at once", os.path.join(folder, "mbox"), os.path.join(folder, "Maildir"))
    compare_daemon("the daemon's, without a file")
    listed, wrong = run("list", "--json", plain)
    if listed is not None and sorted(row["domain"] for row in listed) != sorted(entry["domain"] for entry in entries):
        wrong = "other domains"
    say("report list names every domain", wrong)
    shown, wrong = run("show", os.path.join(folder, "mbox"))
    if shown is not None and [row["report"] for row in shown] != [entry["report"] for entry in entries]:
        wrong = "it is not the same"
    say("report show gives what went into the mails", wrong)
    sys.exit(1 if bad else 0)


main()
