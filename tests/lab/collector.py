#!/usr/bin/python3
"""collector.py listen SOCKET FILE | check FILE RUN...: a collector in the place of sys4's tlsrpt-collectd, and what it must have got.

  listen SOCKET FILE    takes datagrams at the Unix socket SOCKET, a line each in FILE, until it is ended; "ready" on standard output
  check FILE            are they what libtlsrpt 0.5 would send for the messages of tests/system/collector?
It owns: SOCKET, FILE and the table below. The form is written down here after libtlsrpt's own source (json_escape, policy
and failure numbers of tlsrpt.h) and after what tlsrpt-collectd takes out of it; nothing is shared with Daneway's writer.
It must never take a datagram for right because it has no "policies".
"""
import ipaddress
import json
import os
import socket
import sys

POLICY_TYPES = {1: "tlsa", 2: "sts", 9: "no-policy-found"}
FAILURES = {201: "starttls-not-supported", 202: "certificate-host-mismatch", 203: "certificate-not-trusted",
            204: "certificate-expired", 205: "validation-failure", 301: "sts-policy-fetch-error", 302: "sts-policy-invalid",
            303: "sts-webpki-invalid", 304: "tlsa-invalid", 305: "dnssec-invalid", 306: "dane-required"}
TOP = {"dpv": str, "d": str, "pr": str, "policies": list}
POLICY = {"policy-type": int, "policy-domain": str, "policy-string": list, "mx-host": list, "failure-details": list,
          "t": int, "f": int}
DETAIL = {"c": int, "s": str, "n": str, "h": str, "r": str, "a": str, "f": str}

# domain: the policies of each session in one datagram: (type, policy domain, final result, failures, with an address)
EXPECTED = {
    "dane-ee.example": [[("tlsa", "mx.dane-ee.example", 0, [])]],
    "dane-mismatch.example": [[("tlsa", "mx.dane-mismatch.example", 1, ["tlsa-invalid"])]],
    "dane-second.example": [[("tlsa", "mx1.dane-second.example", 1, ["tlsa-invalid"])],
                            [("tlsa", "mx2.dane-second.example", 0, [])]],
    "tlsa-bogus.example": [[("tlsa", "mx.tlsa-bogus.example", 1, ["dnssec-invalid"])]],
    "sts-good.example": [[("sts", "sts-good.example", 0, [])]],
    "sts-mismatch.example": [[("sts", "sts-mismatch.example", 1, ["validation-failure"])]],
    "sts-testing.example": [[("sts", "sts-testing.example", 1, ["certificate-not-trusted"])]],
    "sts-daneboth.example": [[("tlsa", "mx.sts-daneboth.example", 0, []), ("sts", "sts-daneboth.example", 0, [])]],
    "sts-web404.example": [[("sts", "sts-web404.example", 1, ["sts-policy-fetch-error"])],
                           [("no-policy-found", "sts-web404.example", 0, [])]],
    "plain-public.example": [[("no-policy-found", "plain-public.example", 0, [])]],
}
# They have no record, two of them, or one of another kind: nothing may come.
SILENT = ("sts-second.example", "plain-tls.example", "plain-notls.example")


def listen(path, file):
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    if os.path.exists(path):
        os.unlink(path)
    receiver.bind(path)
    os.chmod(path, 0o666)
    print("ready", flush=True)
    with open(file, "ab") as out:
        while True:
            out.write(receiver.recv(16 * 1024 * 1024) + b"\n")
            out.flush()


def typed(value, types, where, required):
    """Exactly these names, each with its type."""
    wrong = ["%s: unknown name %s" % (where, name) for name in value if name not in types]
    wrong += ["%s: %s is missing" % (where, name) for name in required if name not in value]
    wrong += ["%s: %s is %r" % (where, name, value[name]) for name in value
              if name in types and (type(value[name]) is not types[name] or value[name] in ("", []))]
    return wrong


def wrong_detail(detail):
    wrong = typed(detail, DETAIL, "detail", ["c"])
    if detail.get("c") not in FAILURES:
        wrong.append("detail: failure %r" % detail.get("c"))
    for name in "sr":
        if name in detail and str(ipaddress.ip_address(detail[name])) != detail[name]:
            wrong.append("detail: address %r" % detail[name])
    return wrong


def wrong_policy(policy):
    wrong = typed(policy, POLICY, "policy", ["policy-type", "policy-domain", "t", "f"])
    details = policy.get("failure-details", [])
    if policy.get("policy-type") not in POLICY_TYPES:
        wrong.append("policy: type %r" % policy.get("policy-type"))
    if policy.get("t") != len(details):
        wrong.append("policy: t is %r, with %d details" % (policy.get("t"), len(details)))
    if policy.get("f") not in (0, 1) or bool(details) != bool(policy.get("f")):
        wrong.append("policy: f is %r, with %d details" % (policy.get("f"), len(details)))
    texts = policy.get("policy-string", []) + policy.get("mx-host", [])
    if not all(isinstance(t, str) and t for t in texts):
        wrong.append("policy: strings %r" % texts)
    if policy.get("policy-type") == 2 and policy.get("f") == 0 and (
            not policy.get("mx-host") or policy["policy-string"][0] != "version: STSv1"):
        wrong.append("policy: MTA-STS without its file")
    if policy.get("policy-type") == 9 and texts:
        wrong.append("policy: strings of no policy")
    for detail in details:
        wrong += wrong_detail(detail)
    return wrong


def wrong_datagram(datagram):
    wrong = typed(datagram, TOP, "datagram", list(TOP))
    if datagram.get("dpv") != "1":
        wrong.append("datagram: dpv %r" % datagram.get("dpv"))
    if datagram.get("pr") != "v=TLSRPTv1; rua=mailto:tlsrpt@%s" % datagram.get("d"):
        wrong.append("datagram: pr %r" % datagram.get("pr"))
    for policy in datagram.get("policies", []):
        wrong += wrong_policy(policy)
    return wrong


def seen(datagram):
    return [(POLICY_TYPES[p["policy-type"]], p["policy-domain"], p["f"], [FAILURES[d["c"]] for d in p.get("failure-details", [])])
            for p in datagram["policies"]]


def check(file):
    wrong, got = [], {}
    for line in open(file, "rb").read().splitlines():
        datagram = json.loads(line.decode("utf-8"))
        problems = wrong_datagram(datagram)
        wrong += ["%s: %s" % (datagram.get("d"), p) for p in problems]
        if not problems and seen(datagram) not in got.setdefault(datagram["d"], []):
            got[datagram["d"]].append(seen(datagram))    # a second attempt sees the same
    for domain in sorted(set(got) | set(EXPECTED)):
        expected = EXPECTED.get(domain, [])
        if sorted(got.get(domain, [])) != sorted(expected):
            wrong.append("%s: expected %s, got %s" % (domain, expected, got.get(domain)))
    wrong += ["%s: has no record, and was handed over" % d for d in SILENT if d in got]
    for line in wrong:
        print("       " + line)
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "listen":
        listen(sys.argv[2], sys.argv[3])
    if len(sys.argv) == 3 and sys.argv[1] == "check":
        sys.exit(check(sys.argv[2]))
    sys.exit(__doc__)
