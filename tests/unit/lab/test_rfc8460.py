#!/usr/bin/python3
"""Does tests/lab/rfc8460.py let good reports pass, and find what is wrong with each of the bad ones?

The good one is made after appendix B of RFC 8460; every bad one is the good one with one thing changed.
It owns: nothing. It must never pass with a validator that accepts everything, or nothing.
covers: T-22 RPT-26 RPT-27 RPT-28 RPT-29 RPT-30 RPT-31 RPT-32 RPT-33 RPT-34 RPT-36
"""
import copy
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../lab"))
import rfc8460

GOOD = {
    "organization-name": "Company-X",
    "date-range": {"start-datetime": "2016-04-01T00:00:00Z", "end-datetime": "2016-04-01T23:59:59Z"},
    "contact-info": "sts-reporting@company-x.example",
    "report-id": "20160401.company-y.example@company-x.example",
    "policies": [
        {"policy": {
            "policy-type": "sts",
            "policy-string": ["version: STSv1", "mode: testing", "mx: *.mail.company-y.example", "max_age: 86400"],
            "policy-domain": "company-y.example",
            "mx-host": ["*.mail.company-y.example"]},
         "summary": {"total-successful-session-count": 5326, "total-failure-session-count": 303},
         "failure-details": [
             {"result-type": "certificate-expired", "sending-mta-ip": "2001:db8:abcd:12::1",
              "receiving-mx-hostname": "mx1.mail.company-y.example", "failed-session-count": 100},
             {"result-type": "starttls-not-supported", "sending-mta-ip": "2001:db8:abcd:13::1",
              "receiving-mx-hostname": "mx2.mail.company-y.example", "receiving-ip": "203.0.113.56",
              "failed-session-count": 200,
              "additional-information": "https://reports.company-x.example/report_info?id=5065427c-23d3#StarttlsNotSupported"},
             {"result-type": "validation-failure", "sending-mta-ip": "198.51.100.62", "receiving-ip": "203.0.113.58",
              "receiving-mx-hostname": "mx-backup.mail.company-y.example", "failed-session-count": 3,
              "failure-reason-code": "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"}]},
        {"policy": {"policy-type": "tlsa", "policy-string": ["3 1 1 " + "AB" * 32, "2 0 1 " + "0f" * 32],
                    "policy-domain": "mx1.company-y.example"},
         "summary": {"total-successful-session-count": 7, "total-failure-session-count": 2},
         "failure-details": [
             {"result-type": "certificate-expired", "failed-session-count": 2},      # the same two sessions
             {"result-type": "certificate-host-mismatch", "failed-session-count": 2}]},
        {"policy": {"policy-type": "no-policy-found", "policy-domain": "company-y.example"},
         "summary": {"total-successful-session-count": 1, "total-failure-session-count": 0}}]}
STS, TLSA, NONE = (("policies", n) for n in range(3))
DETAIL = STS + ("failure-details", 0)
NAME = "company-x.example!company-y.example!1459468800!1459555199!a1.json"

MISSING = object()
# where, what stands there instead, a part of the complaint
CHANGES = [
    (("organization-name",), MISSING, "organization-name is missing"),
    (("organization-name",), None, "null, not a text"),
    (("organization-name",), "", "not a text that is not empty"),
    (("date-range",), MISSING, "date-range is missing"),
    (("contact-info",), MISSING, "contact-info is missing"),
    (("contact-info",), None, "null"),
    (("contact-info",), "mailto:a@company-x.example", "addr-spec"),
    (("contact-info",), "Reports <a@company-x.example>", "addr-spec"),
    (("report-id",), "5065427c-23d3-47ca-b6e0-946ea0e8c4be", "left@right"),
    (("report-id",), "<a@b>", "left@right"),
    (("policies",), MISSING, "policies is missing"),
    (("policies",), {}, "an object, not an array"),
    (("policies",), [], "empty array"),
    (("version",), "1", "not a name of RFC 8460"),
    (("date-range", "start-datetime"), "2016-04-01T00:00:00+00:00", "not a time such as"),
    (("date-range", "start-datetime"), "2016-04-01T00:00:00.000Z", "not a time such as"),
    (("date-range", "start-datetime"), "2016-04-01", "not a time such as"),
    (("date-range", "start-datetime"), 1459468800, "a number, not a text"),
    (("date-range", "start-datetime"), "2016-04-01T02:00:00Z", "is not 00:00:00"),
    (("date-range", "end-datetime"), "2016-04-02T00:00:00Z", "is not 23:59:59"),
    (("date-range", "end-datetime"), "2016-04-02T23:59:59Z", "more than one UTC day"),
    (("date-range", "end-datetime"), "2016-02-30T23:59:59Z", "there is no day 2016-02-30"),
    (("date-range", "end-datetime"), MISSING, "end-datetime is missing"),
    (STS + ("policy",), MISSING, "policy is missing"),
    (STS + ("policy",), [], "an array, not an object"),
    (STS + ("summary",), MISSING, "summary is missing"),
    (STS + ("policy", "policy-type"), "mta-sts", "not tlsa, sts or no-policy-found"),
    (STS + ("policy", "policy-type"), MISSING, "policy-type is missing"),
    (STS + ("policy", "policy-domain"), MISSING, "policy-domain is missing"),
    (STS + ("policy", "policy-domain"), "Company-Y.example", "A-labels and lower case"),
    (STS + ("policy", "policy-domain"), "b\u00fccher.example", "A-labels and lower case"),
    (STS + ("policy", "policy-domain"), "company-y.example.", "A-labels and lower case"),
    (STS + ("policy", "mx-host"), "*.mail.company-y.example", "a text, not an array"),
    (STS + ("policy", "mx-host"), [["*.mail.company-y.example"]], "an array, not a text"),
    (STS + ("policy", "mx-host"), MISSING, "but the policy says"),
    (STS + ("policy", "mx-host"), ["other.example"], "but the policy says"),
    (STS + ("policy", "mx-host-pattern"), ["*.mail.company-y.example"], "not a name of RFC 8460"),
    (STS + ("policy", "policy-string"), "version: STSv1", "a text, not an array"),
    (STS + ("policy", "policy-string"), ["version: STSv1\r\nmode: testing"], "more than a line"),
    (STS + ("policy", "policy-string"), ["mode: testing"], "no line version: STSv1"),
    (STS + ("policy", "policy-string"), [], "empty array"),
    (TLSA + ("policy", "policy-string"), ["3 1 1 AB CD"], "not a TLSA record"),
    (TLSA + ("policy", "policy-string"), ["3  1 1 AB"], "not a TLSA record"),
    (TLSA + ("policy", "policy-string"), ["3 1 1 ABC"], "not a TLSA record"),
    (TLSA + ("policy", "policy-string"), ["_25._tcp.mx1 IN TLSA 3 1 1 AB"], "not a TLSA record"),
    (TLSA + ("policy", "mx-host"), ["mx1.company-y.example"], "mx-host with tlsa"),
    (NONE + ("policy", "policy-string"), ["x"], "policy-string with no-policy-found"),
    (STS + ("summary", "total-successful-session-count"), "5326", "a text, not a whole number"),
    (STS + ("summary", "total-successful-session-count"), 5326.0, "a fraction, not a whole number"),
    (STS + ("summary", "total-successful-session-count"), True, "a truth value, not a whole number"),
    (STS + ("summary", "total-successful-session-count"), -1, "is not from 0"),
    (STS + ("summary", "total-successful-session-count"), 2 ** 53, "is not from 0"),
    (STS + ("summary", "total-failure-session-count"), MISSING, "total-failure-session-count is missing"),
    (STS + ("summary", "total-failure-session-count"), 400, "the details have only 303"),
    (STS + ("summary", "total-failure-session-count"), 100, "but 200 of starttls-not-supported"),
    (STS + ("failure-details",), MISSING, "the details have only 0"),
    (STS + ("failure-details",), [], "empty array"),
    (STS + ("failure-details",), {}, "an object, not an array"),
    (STS + ("failures",), [], "not a name of RFC 8460"),
    (NONE + ("summary", "total-successful-session-count"), 0, "no session at all"),
    (DETAIL + ("result-type",), "certificate-expire", "not a type of RFC 8460"),
    (DETAIL + ("result-type",), MISSING, "result-type is missing"),
    (DETAIL + ("result-type",), "tlsa-invalid", "tlsa-invalid with sts"),
    (DETAIL + ("result-type",), "certificate-not-trusted", "without failure-reason-code"),
    (DETAIL + ("failed-session-count",), "100", "a text, not a whole number"),
    (DETAIL + ("failed-session-count",), 0, "is not from 1"),
    (DETAIL + ("failed-session-count",), MISSING, "failed-session-count is missing"),
    (DETAIL + ("sending-mta-ip",), "2001:DB8:ABCD:12::1", "is to be written 2001:db8:abcd:12::1"),
    (DETAIL + ("sending-mta-ip",), "2001:db8:0:0:0:0:0:1", "is to be written 2001:db8::1"),
    (DETAIL + ("sending-mta-ip",), "[2001:db8::1]", "no IP address"),
    (DETAIL + ("sending-mta-ip",), "2001:db8::1/64", "no IP address"),
    (DETAIL + ("sending-mta-ip",), "fe80::1%eth0", "has a zone"),
    (DETAIL + ("sending-mta-ip",), "192.0.2.01", "no IP address"),
    (DETAIL + ("sending-mta-ip",), None, "null, not a text"),
    (DETAIL + ("receiving-mx-hostname",), "MX1.mail.company-y.example", "lower case"),
    (DETAIL + ("receiving-mx-helo",), "", "not a text that is not empty"),
    (DETAIL + ("receiving-mx-helo",), "mx\ud800", "surrogate"),
    (DETAIL + ("receiving-mx-helo",), "mx\ufffe", "no character"),
    (DETAIL + ("additional-info-uri",), "https://a.example/", "not a name of RFC 8460"),
    (DETAIL + ("additional-information",), "see the log", "not a URI"),
    (DETAIL + ("failure-reason-code",), None, "null, not a text"),
]


def changed(where, what):
    report = copy.deepcopy(GOOD)
    inner = report
    for key in where[:-1]:
        inner = inner[key]
    if what is MISSING:
        del inner[where[-1]]
    else:
        inner[where[-1]] = what
    return report


class Validator(unittest.TestCase):
    def complains(self, errors, words):
        self.assertTrue(any(words in error for error in errors), "%s: not in %s" % (words, errors))

    def test_the_good_one(self):
        text = json.dumps(GOOD).encode()
        self.assertEqual(rfc8460.check_text(text), [])
        self.assertEqual(rfc8460.check_file_name(NAME, GOOD), [])
        self.assertEqual(rfc8460.check_file_name(NAME + ".gz", GOOD), [])

    def test_what_is_lawful(self):
        for where, what in [(DETAIL + ("receiving-mx-helo",), "mx1\u0001\"odd\" \u00fc"),
                            (STS + ("summary", "total-successful-session-count"), 2 ** 53 - 1),
                            (STS + ("summary", "total-failure-session-count"), 250),     # some failed in two ways
                            (TLSA + ("policy", "policy-string"), MISSING),               # the look-up failed
                            (("organization-name",), "M\u00fcller & S\u00f6hne")]:
            self.assertEqual(rfc8460.check_text(json.dumps(changed(where, what)).encode()), [], where)

    def test_each_thing_that_is_wrong(self):
        for where, what, words in CHANGES:
            with self.subTest(where=where, what=str(what)):
                report = changed(where, what)
                self.complains(rfc8460.check_report(report), words)

    def test_texts(self):
        good = json.dumps(GOOD)
        for text, words in [("\ufeff" + good, "byte order mark"), (good[:-1], "no JSON"), ("[]", "an array, not an object"),
                            ('"a"', "a text, not an object"), ("", "no JSON"), (good + "{}", "no JSON"),
                            (good.replace("5326", "5326.5"), "a fraction"), (good.replace("5326", "NaN"), "no JSON"),
                            (good.replace("5326", "05326"), "no JSON"), (good.replace("Company-X", "Company\nX"), "no JSON"),
                            ('{"report-id": "a@b", ' + good[1:], "stands twice"),
                            (good.replace('"policy-type": "sts"', '"policy-type": "sts", "policy-type": "sts"'), "stands twice")]:
            self.complains(rfc8460.check_text(text.encode()), words)
        self.complains(rfc8460.check_text(good.encode().replace(b"Company-X", b"M\xfcller")), "no UTF-8")
        self.complains(rfc8460.check_text(good.encode() + b" " * rfc8460.SIZE_LIMIT), "octets")

    def test_what_is_not_merged(self):
        report = copy.deepcopy(GOOD)
        report["policies"].append(report["policies"][2])
        self.complains(rfc8460.check_report(report), "one policy stands in two elements")
        report = copy.deepcopy(GOOD)
        details = report["policies"][0]["failure-details"]
        details.append(dict(details[0], **{"failed-session-count": 1}))
        self.complains(rfc8460.check_report(report), "are not merged")

    def test_file_names(self):
        for name, words in [(NAME.replace("!a1", "!a_1"), "not submitter!"), (NAME.replace(".json", ".JSON"), "not submitter!"),
                            (NAME.replace("1459468800", "1459468801"), "no UTC day"), (NAME.replace("1459555199", "1459555200"), "no UTC day"),
                            (NAME.replace("1459468800!1459555199", "1459555200!1459641599"), "the name begins at"),
                            (NAME.replace("company-y", "..%2f"), "no domain"), ("report.json", "not submitter!"),
                            (NAME.replace("company-x", "Company-x"), "no domain")]:
            self.complains(rfc8460.check_file_name(name, GOOD), words)


if __name__ == "__main__":
    unittest.main()
