#!/usr/bin/python3
"""rfc8460.py [--list] FILE...: is each FILE a TLS report as RFC 8460 and the requirements RPT-26 to RPT-36, RPT-45 have it?

A strict reading, made from the RFC and not from the program that writes: what the schema of section 4.4 does not name is wrong,
and so is whatever a receiver has been known to stumble over. With --list a file is what "daneway report show --json" prints.
It owns: nothing. Prints "FILE: WHERE: WHAT" for each error; exit status 1 if there is one.
It must never repair or guess: a report that it lets pass can be read by everybody.
"""
import ipaddress
import json
import os
import re
import sys

RESULT_TYPES = {
    "starttls-not-supported", "certificate-host-mismatch", "certificate-expired", "certificate-not-trusted",
    "validation-failure", "tlsa-invalid", "dnssec-invalid", "dane-required", "sts-policy-fetch-error",
    "sts-policy-invalid", "sts-webpki-invalid"}
NEEDS_REASON = {"certificate-not-trusted", "validation-failure"}                   # RPT-23
OF_STS_ONLY = {"sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid"}
OF_TLSA_ONLY = {"tlsa-invalid", "dnssec-invalid"}
FACTS = ("sending-mta-ip", "receiving-mx-hostname", "receiving-mx-helo", "receiving-ip", "additional-information",
         "failure-reason-code")
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
MX_PATTERN = re.compile(r"(\*\.)?" + HOST.pattern)
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
DOT_ATOM = ATOM + r"(\." + ATOM + ")*"
ADDRESS = re.compile(DOT_ATOM + r"@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
REPORT_ID = re.compile(DOT_ATOM + "@" + DOT_ATOM)
TLSA = re.compile(r"(0|[1-9][0-9]{0,2}) (0|[1-9][0-9]{0,2}) (0|[1-9][0-9]{0,2}) ([0-9a-fA-F]{2})+")
DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}:[0-9]{2})Z")
FILE_NAME = re.compile(r"([^!]+)!([^!]+)!(0|[1-9][0-9]*)!(0|[1-9][0-9]*)(![A-Za-z0-9]+)?\.json(\.gz)?")
NUMBER_LIMIT = 2 ** 53
SIZE_LIMIT = 10 * 1000 * 1000


class Duplicate(ValueError):
    pass


def without_duplicates(pairs):
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise Duplicate("the name %r stands twice in one object" % name)
    return dict(pairs)


def refuse_constant(word):
    raise ValueError("%s is no JSON" % word)


class Reading:
    """Collects what is wrong; `at` is where."""

    def __init__(self):
        self.errors = []

    def wrong(self, at, what):
        self.errors.append("%s: %s" % (at, what))

    def keys(self, at, value, needed, allowed=()):
        """An object with these names; False if it is none at all."""
        if not isinstance(value, dict):
            self.wrong(at, "is %s, not an object" % kind(value))
            return False
        for name in needed:
            if name not in value:
                self.wrong(at, "%s is missing" % name)
        for name in value:
            if name not in needed and name not in allowed:
                self.wrong(at, "%s is not a name of RFC 8460" % name)
        return True

    def text(self, at, value, pattern=None, what="a text that is not empty"):
        """None if it is not such a text."""
        if not isinstance(value, str):
            self.wrong(at, "is %s, not a text" % kind(value))
        elif not value or (pattern is not None and not pattern.fullmatch(value)):
            self.wrong(at, "%r is not %s" % (value, what))
        else:
            return value
        return None

    def count(self, at, value, least):
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(at, "is %s, not a whole number" % kind(value))
        elif not least <= value < NUMBER_LIMIT:
            self.wrong(at, "%d is not from %d to 2^53 - 1" % (value, least))
        else:
            return value
        return None

    def list(self, at, value):
        """An array with something in it; else an empty one."""
        if not isinstance(value, list):
            self.wrong(at, "is %s, not an array" % kind(value))
            return []
        if not value:
            self.wrong(at, "is an empty array: leave it out")
        return value


def kind(value):
    names = {dict: "an object", list: "an array", str: "a text", bool: "a truth value", int: "a number", float: "a fraction",
             type(None): "null"}
    return names[type(value)]


# --- text: I-JSON (RFC 7493) ----------------------------------------------------------------------------------------

def parse(data):
    """(value, error)"""
    if data.startswith(b"\xef\xbb\xbf"):
        return None, "a byte order mark at the beginning"
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=without_duplicates, parse_constant=refuse_constant), ""
    except UnicodeDecodeError as error:
        return None, "no UTF-8: %s" % error
    except ValueError as error:
        return None, "no JSON: %s" % error


def check_characters(reading, at, value):
    if isinstance(value, dict):
        for name, inner in value.items():
            check_characters(reading, at, name)
            check_characters(reading, at + "/" + name, inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            check_characters(reading, "%s/%d" % (at, number), inner)
    elif isinstance(value, str):
        for character in value:
            code = ord(character)
            if 0xD800 <= code <= 0xDFFF or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:
                reading.wrong(at, "U+%04X is a surrogate or no character (RFC 7493 2.1)" % code)


# --- the report ------------------------------------------------------------------------------------------------------

def check_dates(reading, at, dates):
    if not reading.keys(at, dates, ("start-datetime", "end-datetime")):
        return
    days = []
    for name, time in (("start-datetime", "00:00:00"), ("end-datetime", "23:59:59")):
        text = reading.text("%s/%s" % (at, name), dates.get(name), DAY, "a time such as 2026-03-29T%sZ" % time)
        found = DAY.fullmatch(text or "")
        if found and found[2] != time:
            reading.wrong("%s/%s" % (at, name), "%s is not %s" % (found[2], time))
        if found:
            days.append(found[1])
            if not is_day(found[1]):
                reading.wrong("%s/%s" % (at, name), "there is no day %s" % found[1])
    if len(set(days)) > 1:
        reading.wrong(at, "more than one UTC day")


def is_day(text):
    year, month, day = map(int, text.split("-"))
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return 1 <= month <= 12 and 1 <= day <= days[month - 1]


def check_policy(reading, at, policy):
    """The policy-type, or None."""
    if not reading.keys(at, policy, ("policy-type", "policy-domain"), ("policy-string", "mx-host")):
        return None
    wanted = re.compile("tlsa|sts|no-policy-found")
    which = reading.text(at + "/policy-type", policy.get("policy-type"), wanted, "tlsa, sts or no-policy-found")
    reading.text(at + "/policy-domain", policy.get("policy-domain"), HOST, "a domain in A-labels and lower case")
    strings = reading.list(at + "/policy-string", policy["policy-string"]) if "policy-string" in policy else []
    patterns = reading.list(at + "/mx-host", policy["mx-host"]) if "mx-host" in policy else []
    if "policy-string" in policy and which == "no-policy-found":
        reading.wrong(at, "policy-string with no-policy-found")
    if "mx-host" in policy and which != "sts":
        reading.wrong(at, "mx-host with %s" % which)
    for number, text in enumerate(strings):
        place = "%s/policy-string/%d" % (at, number)
        if which == "tlsa":
            reading.text(place, text, TLSA, "a TLSA record such as 3 1 1 AB12")
        elif reading.text(place, text) and ("\r" in text or "\n" in text):
            reading.wrong(place, "more than a line")
    for number, text in enumerate(patterns):
        reading.text("%s/mx-host/%d" % (at, number), text, MX_PATTERN, "an mx pattern")
    if which == "sts":
        check_sts_lines(reading, at, strings, patterns)
    return which


def check_sts_lines(reading, at, lines, patterns):
    fields = [[part.strip() for part in line.split(":", 1)] for line in lines if isinstance(line, str) and ":" in line]
    if lines and ["version", "STSv1"] not in fields:
        reading.wrong(at + "/policy-string", "there is no line version: STSv1")
    named = [field[1].lower().rstrip(".") for field in fields if field[0] == "mx"]
    if lines and named != [p.lower() for p in patterns if isinstance(p, str)]:
        reading.wrong(at + "/mx-host", "%s, but the policy says %s" % (patterns, named))
    if patterns and not lines:
        reading.wrong(at + "/mx-host", "without a policy-string that holds it")


def check_address(reading, at, value):
    text = reading.text(at, value)
    if text is None:
        return
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        reading.wrong(at, "%r is no IP address" % text)
        return
    if "%" in text:
        reading.wrong(at, "%r has a zone" % text)
    elif str(address) != text:
        reading.wrong(at, "%r is to be written %s (RFC 5952)" % (text, address))


def check_detail(reading, at, detail, which):
    """(result type, count, facts) or None."""
    if not reading.keys(at, detail, ("result-type", "failed-session-count"), FACTS):
        return None
    result = reading.text(at + "/result-type", detail.get("result-type"))
    if result is not None and result not in RESULT_TYPES:
        reading.wrong(at + "/result-type", "%r is not a type of RFC 8460 4.3" % result)
    if (result in OF_STS_ONLY and which != "sts") or (result in OF_TLSA_ONLY and which != "tlsa"):
        reading.wrong(at + "/result-type", "%s with %s" % (result, which))
    count = reading.count(at + "/failed-session-count", detail.get("failed-session-count"), 1)
    for name in ("sending-mta-ip", "receiving-ip"):
        if name in detail:
            check_address(reading, at + "/" + name, detail[name])
    if "receiving-mx-hostname" in detail:
        reading.text(at + "/receiving-mx-hostname", detail["receiving-mx-hostname"], HOST, "a host name in lower case")
    for name in ("receiving-mx-helo", "failure-reason-code"):
        if name in detail:
            reading.text(at + "/" + name, detail[name])
    if "additional-information" in detail:
        reading.text(at + "/additional-information", detail["additional-information"], re.compile(r"[a-z][a-z0-9+.-]*:\S+"), "a URI")
    merged = len(detail) == 2       # RPT-45: what was too much, without facts
    if result in NEEDS_REASON and "failure-reason-code" not in detail and not merged:
        reading.wrong(at, "%s without failure-reason-code" % result)
    return result, count or 0, tuple(str(detail.get(name)) for name in FACTS)


def check_element(reading, at, element):
    if not reading.keys(at, element, ("policy", "summary"), ("failure-details",)):
        return
    which = check_policy(reading, at + "/policy", element.get("policy"))
    good = bad = None
    if reading.keys(at + "/summary", element.get("summary"), ("total-successful-session-count", "total-failure-session-count")):
        good = reading.count(at + "/summary/total-successful-session-count", element["summary"].get("total-successful-session-count"), 0)
        bad = reading.count(at + "/summary/total-failure-session-count", element["summary"].get("total-failure-session-count"), 0)
    details = reading.list(at + "/failure-details", element["failure-details"]) if "failure-details" in element else []
    found = [check_detail(reading, "%s/failure-details/%d" % (at, n), d, which) for n, d in enumerate(details)]
    if None in (good, bad) or None in found:
        return
    if good + bad == 0:
        reading.wrong(at, "no session at all")
    check_sums(reading, at, bad, found)


def check_sums(reading, at, bad, found):
    """A failed session has an entry at least, and one of each result type at most."""
    sums = {}
    for result, count, _facts in found:
        sums[result] = sums.get(result, 0) + count
    if sum(sums.values()) < bad:
        reading.wrong(at, "%d failed sessions, but the details have only %d" % (bad, sum(sums.values())))
    for result, count in sums.items():
        if count > bad:
            reading.wrong(at, "%d failed sessions, but %d of %s" % (bad, count, result))
    keys = [(result, facts) for result, _count, facts in found]
    if len(set(keys)) < len(keys):
        reading.wrong(at + "/failure-details", "entries that differ only in their counts are not merged")


def check_report(report):
    """What is wrong with a report that has been parsed."""
    reading = Reading()
    check_characters(reading, "", report)
    if not reading.keys("report", report, ("organization-name", "date-range", "contact-info", "report-id", "policies")):
        return reading.errors
    reading.text("organization-name", report.get("organization-name"))
    reading.text("contact-info", report.get("contact-info"), ADDRESS, "an addr-spec")
    reading.text("report-id", report.get("report-id"), REPORT_ID, "of the form left@right")
    check_dates(reading, "date-range", report.get("date-range"))
    elements = reading.list("policies", report.get("policies"))
    for number, element in enumerate(elements):
        check_element(reading, "policies/%d" % number, element)
    policies = [json.dumps(e.get("policy"), sort_keys=True) for e in elements if isinstance(e, dict)]
    if len(set(policies)) < len(policies):
        reading.wrong("policies", "one policy stands in two elements")
    return reading.errors


def check_text(data):
    """What is wrong with the octets of a report."""
    if len(data) > SIZE_LIMIT:
        return ["%d octets" % len(data)]
    report, error = parse(data)
    return [error] if error else check_report(report)


# --- the file --------------------------------------------------------------------------------------------------------

def check_file_name(name, report):
    """RFC 8460 5.1; the days of the name are those of the report."""
    found = FILE_NAME.fullmatch(name)
    if not found:
        return ["%s is not submitter!policydomain!begin!end!id.json" % name]
    errors = ["%r is no domain" % found[n] for n in (1, 2) if not HOST.fullmatch(found[n])]
    begin, end = int(found[3]), int(found[4])
    if begin % 86400 != 0 or end != begin + 86399:
        errors.append("%d to %d is no UTC day" % (begin, end))
    start = report.get("date-range", {}).get("start-datetime", "") if isinstance(report, dict) else ""
    if DAY.fullmatch(start) and is_day(start[:10]) and day_number(start[:10]) * 86400 != begin:
        errors.append("the name begins at %d, the report at %s" % (begin, start))
    return errors


def day_number(text):
    import datetime
    return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days


def check_file(path):
    data = open(path, "rb").read()
    return check_text(data) + check_file_name(os.path.basename(path), parse(data)[0])


def check_list(path):
    """As "daneway report show --json" prints it."""
    entries, error = parse(open(path, "rb").read())
    if error or not isinstance(entries, list):
        return [error or "no array"]
    return ["%s: %s" % (e.get("domain"), what) for e in entries for what in check_report(e.get("report"))]


def main():
    arguments = sys.argv[1:]
    check = check_file
    if arguments[:1] == ["--list"]:
        check, arguments = check_list, arguments[1:]
    if not arguments:
        sys.exit(__doc__)
    bad = 0
    for path in arguments:
        for error in check(path):
            bad += 1
            print("%s: %s" % (path, error))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
