"""sts.py: the MTA-STS side of the lab's domains: TXT records, policy files, certificates and the HTTPS servers.

It owns: what the word sts=... in tests/lab/domains means, and OUTDIR/nginx.conf, OUTDIR/policies, OUTDIR/web.json.
A policy host is nginx, all domains by SNI on one address; only what nginx cannot do is left to tests/lab/web.py.
It must never decide what a domain ought to lead to: that stands in the table.
"""
import json
import os

WEB_ADDRESS = "192.0.2.80"          # nginx
ODD_WEB_ADDRESS = "192.0.2.81"      # web.py, outside
LOOPBACK = "127.0.0.1"              # web.py, inside: a policy host that must never be asked
MODES = ("enforce", "testing", "none")
TXT = ("one", "two", "servfail", "split", "beside", "cname", "bad", "absent")
WEB = ("good", "wrong-name", "expired", "self-signed", "cn-only", "wildcard", "alias", "alias-only", "redirect", "404",
       "html", "big", "syntax", "drip", "loopback", "nohost")
OWN_CERTIFICATE = ("wrong-name", "expired", "self-signed", "cn-only", "wildcard", "alias-only")
BIG = 70 * 1024


class Specification:
    """sts=MODE/option=value/... of one domain."""

    def __init__(self, domain, text, fail):
        self.domain, (self.mode, *options) = domain, text.split("/")
        self.options = {"id": "20260101", "age": "86400", "txt": "one", "web": "good"}
        self.options.update(o.partition("=")[::2] for o in options)
        if (self.mode not in MODES or set(self.options) - {"id", "age", "txt", "web", "mx"} or
                self.options["txt"] not in TXT or self.options["web"] not in WEB):
            fail("domain %s: cannot read sts=%s (expected MODE/id=/age=/mx=/txt=/web=, see the head of the table)" % (
                domain.name, text))
        self.web, self.txt = self.options["web"], self.options["txt"]

    def host(self):
        return "mta-sts." + self.domain.name

    def patterns(self):
        if "mx" not in self.options:
            return [h.fqdn() for h in self.domain.hosts]
        return [self.full(label) for label in self.options["mx"].split("+")]

    def full(self, label):
        return label[1:] + ".example" if label.startswith("@") else label + "." + self.domain.name

    def policy(self):
        lines = ["version: STSv1", "mode: " + self.mode] + ["mx: " + p for p in self.patterns()]
        lines.append("max_age: " + self.options["age"])
        if self.web == "syntax":
            lines[0] = "version: STSv2"
        text = "".join(line + "\r\n" for line in lines)
        if self.web == "big":       # a good policy, but for its size
            text += "padding: x\r\n" * ((BIG - len(text)) // 12 + 1)
        return text


def records(sts):
    """The TXT record, and the address of the policy host. TTL 1: tests change them while the lab runs."""
    name, record = "_mta-sts.%s." % sts.domain.name, "v=STSv1; id=%s;" % sts.options["id"]
    texts = {"one": ['"%s"' % record], "two": ['"%s"' % record, '"v=STSv1; id=another;"'],
             "split": ['"%s" "%s"' % (record[:12], record[12:])], "beside": ['"%s"' % record, '"v=spf1 -all"'],
             "bad": ['"v=STSv1; id=not-alphanumeric;"'], "cname": ['"%s"' % record]}.get(sts.txt, [])
    text = ""
    if sts.txt == "servfail":
        text = "%s 1 IN NS ns-refusing.example.\n" % name
    if sts.txt == "cname":      # through two names
        text = "%s 1 IN CNAME first.%s.\nfirst.%s. 1 IN CNAME second.%s.\n" % ((name,) + (sts.domain.name,) * 3)
        name = "second.%s." % sts.domain.name
    return text + "".join("%s 1 IN TXT %s\n" % (name, t) for t in texts) + address_of_host(sts)


def address_of_host(sts):
    address = {"drip": ODD_WEB_ADDRESS, "loopback": LOOPBACK}.get(sts.web, WEB_ADDRESS)
    if sts.web == "nohost":
        return ""
    if sts.web in ("alias", "alias-only"):
        return "%s. 1 IN CNAME hosting.%s.\nhosting.%s. 1 IN A %s\n" % (
            sts.host(), sts.domain.name, sts.domain.name, address)
    return "%s. 1 IN A %s\n" % (sts.host(), address)


# --- certificates ---------------------------------------------------------------------------------------------------

def certificate_name(sts):
    return "web-" + sts.domain.name if sts.web in OWN_CERTIFICATE else "web"


def certificates(specifications):
    """(file name, common name, DNS names, first and last day, signed by a CA) of each certificate to be made."""
    yield "web", "the lab's policy hosts", ["web.example"] + [
        s.host() for s in specifications if s.web not in OWN_CERTIFICATE], (-1, 30), True
    for sts in specifications:
        if sts.web in OWN_CERTIFICATE:
            names = {"wrong-name": ["mta-sts.somewhere-else.example", sts.domain.name], "cn-only": [],
                     "wildcard": ["*." + sts.domain.name],
                     "alias-only": ["hosting." + sts.domain.name]}.get(sts.web, [sts.host()])
            yield (certificate_name(sts), sts.host() if sts.web == "cn-only" else "a policy host", names,
                   (-30, -10) if sts.web == "expired" else (-1, 30), sts.web != "self-signed")


# --- servers --------------------------------------------------------------------------------------------------------

NGINX = """daemon off;
user www-data;
worker_processes 1;
pid {out}/nginx.pid;
error_log {out}/log/nginx.log;
events {{ worker_connections 1024; }}
http {{
    log_format lab '$ssl_server_name $status "$request" host=$http_host agent="$http_user_agent" tls=$ssl_protocol '
                   'since="$http_if_modified_since" match="$http_if_none_match" cookie="$http_cookie" auth="$http_authorization"';
    access_log {out}/log/policy-access.log lab;
    client_body_temp_path {out}/nginx/body;
    proxy_temp_path {out}/nginx/proxy;
    fastcgi_temp_path {out}/nginx/fastcgi;
    uwsgi_temp_path {out}/nginx/uwsgi;
    scgi_temp_path {out}/nginx/scgi;
    server_names_hash_bucket_size 128;
    default_type text/plain;
    expires 365d;
    ssl_protocols TLSv1.2 TLSv1.3;
    root {out}/policies/$ssl_server_name;
    server {{
        listen {address}:443 ssl default_server;
        ssl_certificate {out}/pki/web.pem;
        ssl_certificate_key {out}/pki/web.pem;
        return 421;
    }}
{servers}}}
"""


def nginx_server(sts, out):
    extra = {"redirect": "        location = /.well-known/mta-sts.txt { return 301 https://%s/policy.txt; }\n" % sts.host(),
             "html": "        default_type text/html;\n"}.get(sts.web, "")
    pem = "%s/pki/%s.pem" % (out, certificate_name(sts))
    return ("    server {\n        listen %s:443 ssl;\n        server_name %s;\n        ssl_certificate %s;\n"
            "        ssl_certificate_key %s;\n%s    }\n" % (WEB_ADDRESS, sts.host(), pem, pem, extra))


def write_servers(out, specifications, write):
    """Configurations and policy files; returns the addresses of the outside."""
    os.makedirs(out + "/nginx", exist_ok=True)
    odd = []
    for sts in specifications:
        if sts.web in ("drip", "loopback"):
            odd.append({"address": ODD_WEB_ADDRESS if sts.web == "drip" else LOOPBACK, "behaviour": sts.web,
                        "cert": out + "/pki/web.pem", "policy": sts.policy()})
        place = {"redirect": "policy.txt", "404": "not-here.txt"}.get(sts.web, ".well-known/mta-sts.txt")
        write("%s/policies/%s/%s" % (out, sts.host(), place), sts.policy())
    served = "".join(nginx_server(s, out) for s in specifications if s.web not in ("drip", "loopback"))
    write(out + "/nginx.conf", NGINX.format(out=out, address=WEB_ADDRESS, servers=served))
    write(out + "/web.json", json.dumps(odd, indent=1))
    return [WEB_ADDRESS, ODD_WEB_ADDRESS]
