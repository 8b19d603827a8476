#!/usr/bin/python3
"""reports.py FILE [sts]: is what "daneway report show" printed (FILE) what the demo's messages, or those of tests/system/sts,
must have led to?

It owns: the tables below, result types by domain of the lab. One line for each domain, exit 1 if any is wrong.
The form is rfc8460.py's matter.
It must never ask for more than RFC 8460 and the requirements RPT-09 to RPT-35 do.
"""
import json
import sys

import rfc8460

# domain: (policy type, policy domain, a session succeeded, result types of the failures)
EXPECTED = {
    "dane-ee": ("tlsa", "mx.dane-ee", True, set()),
    "dane-alias": ("tlsa", "real.dane-alias", True, set()),
    "dane-aliasout": ("tlsa", "mx.dane-aliasout", True, set()),
    "dane-implicit": ("tlsa", "dane-implicit", True, set()),
    "dane-mismatch": ("tlsa", "mx.dane-mismatch", False, {"tlsa-invalid"}),
    "dane-ta-name": ("tlsa", "mx.dane-ta-name", False, {"certificate-host-mismatch"}),
    "dane-ta-expired": ("tlsa", "mx.dane-ta-expired", False, {"certificate-expired"}),
    "dane-stripped": ("tlsa", "mx.dane-stripped", False, {"starttls-not-supported"}),
    "dane-tls454": ("tlsa", "mx.dane-tls454", False, {"starttls-not-supported"}),
    "dane-tlsbroken": ("tlsa", "mx.dane-tlsbroken", False, {"validation-failure"}),
    "tlsa-bogus": (None, None, False, {"dnssec-invalid"}),
    "tlsa-servfail": (None, None, False, {"dnssec-invalid"}),
    "tlsa-unusable": ("tlsa", "mx.tlsa-unusable", None, {"tlsa-invalid"}),
    "only-unsigned": (None, None, False, {"dane-required"}),
    "plain-tls": ("no-policy-found", "plain-tls", True, set()),
    "plain-notls": ("no-policy-found", "plain-notls", False, {"starttls-not-supported"}),
}
EXPECTED_STS = {
    "sts-good": ("sts", "sts-good", True, set()),
    "sts-second": ("sts", "sts-second", True, {"validation-failure"}),
    "sts-mismatch": ("sts", "sts-mismatch", False, {"validation-failure"}),
    "sts-mxname": ("sts", "sts-mxname", False, {"certificate-host-mismatch"}),
    "sts-mxcn": ("sts", "sts-mxcn", False, {"certificate-host-mismatch"}),
    "sts-mxexpired": ("sts", "sts-mxexpired", False, {"certificate-expired"}),
    "sts-mxself": ("sts", "sts-mxself", False, {"certificate-not-trusted"}),
    "sts-mxprivate": ("sts", "sts-mxprivate", False, {"certificate-not-trusted"}),
    "sts-stripped": ("sts", "sts-stripped", False, {"starttls-not-supported"}),
    "sts-testing": ("sts", "sts-testing", False, {"certificate-not-trusted"}),
    "sts-testplain": ("sts", "sts-testplain", False, {"starttls-not-supported"}),
    "sts-webname": (None, None, None, {"sts-webpki-invalid"}),
    "sts-webexpired": (None, None, None, {"sts-webpki-invalid"}),
    "sts-webself": (None, None, None, {"sts-webpki-invalid"}),
    "sts-webcn": (None, None, None, {"sts-webpki-invalid"}),
    "sts-webhtml": (None, None, None, {"sts-policy-invalid"}),
    "sts-webbig": (None, None, None, {"sts-policy-invalid"}),
    "sts-websyntax": (None, None, None, {"sts-policy-invalid"}),
    "sts-webmoved": (None, None, None, {"sts-policy-fetch-error"}),
    "sts-web404": (None, None, None, {"sts-policy-fetch-error"}),
    "sts-webdrip": (None, None, None, {"sts-policy-fetch-error"}),
    "sts-webloop": (None, None, None, {"sts-policy-fetch-error"}),
    "sts-webnohost": (None, None, None, {"sts-policy-fetch-error"}),
    "sts-none": ("no-policy-found", "sts-none", True, set()),
    "sts-txttwo": ("no-policy-found", "sts-txttwo", True, set()),
    "sts-danefail": ("tlsa", "mx.sts-danefail", False, {"tlsa-invalid"}),
    "sts-daneboth": ("tlsa", "mx.sts-daneboth", True, set()),
}
UNCOUNTED = ["deadmx", "nullmx", "nxdomain", "servfail"]     # no session showed anything about TLS (RPT-12)


def verdict(report, expected):
    """What is wrong with the counts, or an empty text."""
    kind, name, success, types = expected
    elements = report["policies"]
    found = {d["result-type"] for e in elements for d in e.get("failure-details", [])}
    if found != types:
        return "result types %s, expected %s" % (sorted(found), sorted(types))
    if kind is not None:
        fitting = [e for e in elements if e["policy"]["policy-type"] == kind and
                   e["policy"]["policy-domain"] == name + ".example"]
        if not fitting:
            return "no element %s %s.example, there are %s" % (
                kind, name, [(e["policy"]["policy-type"], e["policy"]["policy-domain"]) for e in elements])
        good = fitting[0]["summary"]["total-successful-session-count"]
        if success is not None and (good > 0) != success:
            return "%d sessions succeeded" % good
    if types and sum(e["summary"]["total-failure-session-count"] for e in elements) < 1:
        return "no failed session counted"
    return ""


def main():
    reports = {entry["domain"]: entry["report"] for entry in json.load(open(sys.argv[1]))}
    bad = 0
    table = EXPECTED_STS if sys.argv[2:] == ["sts"] else EXPECTED
    for label, expected in table.items():
        report = reports.get(label + ".example")
        wrong = "no report" if report is None else "; ".join(rfc8460.check_report(report)) or verdict(report, expected)
        bad += bool(wrong)
        print("  %-4s report of %-16s %s" % ("FAIL" if wrong else "ok", label, wrong))
    counted = [l for l in UNCOUNTED if l + ".example" in reports and
               any(sum(e["summary"].values()) for e in reports[l + ".example"]["policies"])]
    bad += bool(counted)
    print("  %-4s nothing counted without a session %s" % ("FAIL" if counted else "ok", " ".join(counted)))
    sys.exit(1 if bad else 0)


main()
