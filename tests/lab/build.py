#!/usr/bin/python3
"""build.py TABLE OUTDIR: turns the table of mail domains into the files of a lab.

It owns: OUTDIR/zones, pki, postfix, nsd.conf, unbound.conf, odd.json, sink, daneway/, addresses.*, expect.json;
what MTA-STS needs comes from sts.py beside it, domains for benchmarks (LAB_DESTINATIONS) from many.py.
It reads the table tests/lab/domains, calls ldns-keygen, ldns-signzone, ldns-key2ds and certtool, and starts no server.
It must never write outside OUTDIR or use a name or address of the real Internet (RFC 5737, RFC 3849, .example only).
"""
import base64
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True      # the source tree stays as it is
import many
import sts

NAME_SERVER = "192.0.2.53"
REFUSING_NAME_SERVER = "192.0.2.54"  # answers REFUSED to all, so that Unbound says SERVFAIL at once
SILENT_NAME_SERVER = "192.0.2.55"    # no such host: packets vanish
INTERNAL_ADDRESS = "203.0.113.25"
GATEWAY_ADDRESS = "203.0.113.1"     # of gw0: tests/lab/inside
CNAME_TARGET = "tlsa-record"
# Who asks for TLS reports; the others do not.
TLSRPT = {name: ["v=TLSRPTv1; rua=mailto:tlsrpt@%s.example" % name] for name in (
    "dane-ee", "dane-mismatch", "dane-second", "tlsa-bogus", "sts-good", "sts-mismatch", "sts-testing", "sts-daneboth",
    "sts-web404", "plain-public")}
TLSRPT["sts-second"] = ["v=TLSRPTv1; rua=mailto:a@sts-second.example", "v=TLSRPTv1; rua=mailto:b@sts-second.example"]
TLSRPT["plain-tls"] = ["v=spf1 -all"]
DAY = 86400
pool = concurrent.futures.ThreadPoolExecutor(max_workers=2 * (os.cpu_count() or 2))


def fail(text):
    sys.exit("build.py: " + text)


def run(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        fail("%s ended with %d: %s" % (" ".join(command), done.returncode, done.stderr.strip()))
    return done.stdout


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


# --- the table ------------------------------------------------------------------------------------------------------

class Host:
    """One MX host as the table describes it; index gives its address."""

    def __init__(self, domain, text):
        head, _, options = text.partition("/")
        self.domain, (self.preference, _, self.label) = domain, head.partition(":")
        self.options = dict(o.partition("=")[::2] for o in options.split("/") if o)
        unknown = set(self.options) - {"srv", "cert", "tlsa", "ip", "alias"}
        if unknown or not self.label:
            fail("domain %s: cannot read host %r (expected PREF:HOST/option=value...)" % (domain.name, text))
        self.elsewhere = self.label.startswith("@") and self.label != "@"
        self.server = self.options.get("srv", "postfix")
        self.cert = self.options.get("cert")
        self.family = self.options.get("ip", "4")
        self.alias = self.options.get("alias")
        self.index = None

    def fqdn(self):
        return full_name(self.label, self.domain)

    def owner(self):
        """The name that has the addresses: the target where the MX name is an alias."""
        return full_name(self.alias, self.domain) if self.alias else self.fqdn()

    def v4(self):
        return "127.0.0.9" if self.server == "loopback" else "198.51.100.%d" % self.index

    def v6(self):
        return "2001:db8:53::%x" % self.index

    def addresses(self):
        return ([self.v4()] if "4" in self.family else []) + ([self.v6()] if "6" in self.family else [])

    def is_local(self):
        return not self.elsewhere and not (self.alias or "").startswith("@")


class Domain:
    def __init__(self, line):
        fields = line.split(None, 6)
        if len(fields) < 7:
            fail("table line %r: expected NAME ZONE WHEN HOSTS POLICY EXPECT [sts=...] DESCRIPTION" % line)
        self.label, self.zone, self.when, hosts, self.policy, self.expect, self.description = fields
        self.name = self.label + ".example"
        self.zone, self.wild = self.zone.rstrip("*"), self.zone.endswith("*")
        self.null_mx = hosts == "null"
        self.hosts = [] if hosts in ("null", "-") else [Host(self, h) for h in hosts.split(",")]
        self.sts = None
        if self.description.startswith("sts="):
            word, self.description = self.description.split(None, 1)
            self.sts = sts.Specification(self, word[4:], fail)

    def is_signed(self):
        return self.zone in ("signed", "bogus", "expired")

    def has_zone(self):
        return self.zone not in ("lame", "silent", "absent")


def full_name(label, domain):
    if label == "@":
        return domain.name
    if label.startswith("@"):
        return label[1:] + ".example"
    return label + "." + domain.name


def read_table(path):
    lines = (l.strip() for l in open(path))
    domains = [Domain(l) for l in lines if l and not l.startswith("#")]
    index = 10
    for domain in domains:
        for host in domain.hosts:
            if host.is_local():
                host.index, index = index, index + 1
    if index > 250:
        fail("more hosts than 198.51.100.0/24 has addresses")
    return domains


# --- certificates ---------------------------------------------------------------------------------------------------

class Pki:
    """Keys and certificates by certtool; what TLSA records match is kept in self.material[host name]."""

    def __init__(self, directory):
        self.directory, self.material = directory, {}
        os.makedirs(directory, exist_ok=True)
        self.authority = {}

    def path(self, name):
        return os.path.join(self.directory, name)

    def key(self, name, rsa=False):
        kind = ["--key-type", "rsa", "--bits", "2048"] if rsa else ["--key-type", "ecdsa", "--curve", "secp256r1"]
        run("certtool", "--generate-privkey", *kind, "--no-text", "--outfile", self.path(name + ".key"))

    def certificate(self, name, template, issuer=None):
        write(self.path(name + ".tmpl"), template)
        how = ["--generate-self-signed"] if issuer is None else [
            "--generate-certificate", "--load-ca-certificate", self.path(issuer + ".crt"),
            "--load-ca-privkey", self.path(issuer + ".key")]
        run("certtool", *how, "--load-privkey", self.path(name + ".key"), "--template", self.path(name + ".tmpl"),
            "--outfile", self.path(name + ".crt"))

    def make_authorities(self):
        for kind in ("private", "rsa", "public"):
            root, inter = kind + "-root", kind + "-inter"
            self.key(root, kind == "rsa")
            self.key(inter, kind == "rsa")
            self.certificate(root, ca_template("Lab %s root" % kind))
            self.certificate(inter, ca_template("Lab %s intermediate" % kind), root)
        write(self.path("public-roots.pem"), open(self.path("public-root.crt")).read())
        self.key("gw")      # for STARTTLS between the internal Postfix and the gateway
        self.certificate("gw", 'cn = "gw.corp.example"\ndns_name = "gw.corp.example"\nexpiration_days = 30\n'
                               "signing_key\ntls_www_server\n", "private-inter")
        write(self.path("gw-roots.pem"), open(self.path("private-root.crt")).read())
        write(self.path("gw.pem"), "".join(open(self.path(n + ".crt")).read() for n in ("gw", "private-inter")))

    def make_leaf(self, host):
        name, kind = host.fqdn(), host.cert
        authority = "public" if kind.startswith("public") else "rsa" if kind == "rsa" else "private"
        issuer = None if kind.startswith("self") else authority + "-inter"
        self.key(name, kind == "rsa")
        self.certificate(name, leaf_template(host), issuer)
        self.bundle(name, ([] if issuer is None else [issuer]) + ([authority + "-root"] if kind == "chain+root" else []))
        self.material[name] = {"leaf": self.der(name), "inter": self.der(authority + "-inter"),
                               "root": self.der(authority + "-root")}

    def bundle(self, name, issuers):
        """Key, certificate and what stands above it in one file, as servers want it."""
        pem = open(self.path(name + ".key")).read()
        pem = pem[pem.index("-----BEGIN"):] + "".join(open(self.path(c + ".crt")).read() for c in [name] + issuers)
        write(self.path(name + ".pem"), pem)
        os.chmod(self.path(name + ".pem"), 0o600)

    def make_web(self, description):
        name, common_name, names, days, signed = description
        self.key(name)
        self.certificate(name, template(common_name, names, days), "public-inter" if signed else None)
        self.bundle(name, ["public-inter"] if signed else [])

    def make_many(self):
        """The key that all sinks of many.py have; returns its TLSA record."""
        self.key(many.KEY)
        self.certificate(many.KEY, template(many.KEY, [many.KEY], (-1, 30)))
        self.bundle(many.KEY, [])
        return tlsa_data("3.1.1", {"leaf": self.der(many.KEY)})

    def der(self, name):
        return der_of(open(self.path(name + ".crt")).read())


def der_of(pem):
    return base64.b64decode(re.search(r"-----BEGIN CERTIFICATE-----(.*?)-----END", pem, re.S).group(1))


def ca_template(name):
    return 'cn = "%s"\nca\ncert_signing_key\ncrl_signing_key\nexpiration_days = 30\n' % name


def leaf_template(host):
    kind = host.cert
    variety = kind.partition("-")[2]
    names = {"odd": ["mx.somewhere-else.example"], "domain": [host.domain.name], "cn": [],
             "wild": ["*." + host.domain.name]}.get(variety, [host.fqdn()])
    days = {"self-odd": (-30, -10), "chain-expired": (-30, -10), "public-expired": (-30, -10),
            "self-future": (10, 30)}.get(kind, (-1, 30))
    return template((names or [host.fqdn()])[0], names, days) + ("encryption_key\n" if kind == "rsa" else "")


def template(common_name, names, days):
    now = time.time()
    start, end = (time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now + d * DAY)) for d in days)
    return ('cn = "%s"\n' % common_name + "".join('dns_name = "%s"\n' % n for n in names) +
            'activation_date = "%s"\nexpiration_date = "%s"\n' % (start, end) + "signing_key\ntls_www_server\n")


def der_item(data, at):
    """(header length, content length) of the DER item at an offset."""
    first = data[at + 1]
    if first < 128:
        return 2, first
    count = first & 127
    return 2 + count, int.from_bytes(data[at + 2:at + 2 + count], "big")


def spki_of(certificate):
    """The SubjectPublicKeyInfo: seventh item of TBSCertificate, the version included."""
    header, _ = der_item(certificate, 0)
    at = header
    header, _ = der_item(certificate, at)
    at += header
    for _ in range(6):
        header, length = der_item(certificate, at)
        at += header + length
    header, length = der_item(certificate, at)
    return certificate[at:at + header + length]


def tlsa_data(spec, material):
    """The text of one TLSA record: "3 1 1 HEX"."""
    match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)([!~^<]*)", spec)
    if not match:
        fail("cannot read TLSA %r (expected U.S.M and flags of !~^<)" % spec)
    usage, selector, matching, flags = int(match[1]), int(match[2]), int(match[3]), match[4]
    if "!" in flags or material is None:
        data = b"nothing in the lab has this key"
    else:
        which = "root" if "^" in flags else "inter" if "<" in flags or usage in (0, 2) else "leaf"
        data = material[which] if selector == 0 else spki_of(material[which])
    if matching == 1:
        data = hashlib.sha256(data).digest()
    elif matching == 2:
        data = hashlib.sha512(data).digest()
    elif matching != 0:
        data = hashlib.sha256(data).digest()
    if "~" in flags:
        data = data[:-1]
    return "%d %d %d %s" % (usage, selector, matching, data.hex())


# --- zones ----------------------------------------------------------------------------------------------------------

def soa(zone):
    return "%s 300 IN SOA ns.example. hostmaster.example. 1 3600 900 86400 60\n%s 300 IN NS ns.example.\n" % (zone, zone)


def address_records(host):
    if host.server == "nohost":
        return "%s. 300 IN TXT \"a host without an address\"\n" % host.fqdn()
    lines = []
    for address in host.addresses():
        lines.append("%s. 300 IN %s %s\n" % (host.owner(), "AAAA" if ":" in address else "A", address))
    return "".join(lines)


def tlsa_records(host, material):
    words = host.options.get("tlsa", "").split("+") if host.options.get("tlsa") else []
    specs = [w for w in words if w[0].isdigit()]
    base = host.fqdn() if (host.alias or "").startswith("@") else host.owner()
    name = "_25._tcp.%s." % base
    text = ""
    if "lame" in words:
        return "_tcp.%s. 300 IN NS ns-refusing.example.\n" % base
    if "cname" in words:
        target = "%s.%s." % (CNAME_TARGET, host.domain.name)
        text, name = "%s 300 IN CNAME %s\n" % (name, target), target
    return text + "".join("%s 300 IN TLSA %s\n" % (name, tlsa_data(s, material)) for s in specs)


def zone_text(domain, material):
    text = soa(domain.name + ".")
    if domain.null_mx:
        text += "%s. 300 IN MX 0 .\n" % domain.name
    for host in domain.hosts:
        if host.preference != "-":
            for owner in [domain.name] + (["*." + domain.name] if domain.wild else []):
                text += "%s. 300 IN MX %s %s.\n" % (owner, host.preference, host.fqdn())
        if host.alias:
            text += "%s. 300 IN CNAME %s.\n" % (host.fqdn(), host.owner())
        if host.is_local():
            text += address_records(host)
        if not host.elsewhere:
            text += tlsa_records(host, material.get(host.owner() if host.alias else host.fqdn()) or
                                 material.get(host.fqdn()))
    for record in TLSRPT.get(domain.name.partition(".")[0], []):
        text += '_smtp._tls.%s. 300 IN TXT "%s"\n' % (domain.name, record)
    return text + (sts.records(domain.sts) if domain.sts else "")


def sign(zones, name, text, expired=False):
    """Writes and signs a zone; returns the DS record for its parent and the DNSKEY record."""
    path = os.path.join(zones, name.rstrip(".") or "root")
    write(path, text)
    key = run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", name, cwd=zones).strip()
    now = int(time.time())
    start, end = (now - 30 * DAY, now - 10 * DAY) if expired else (now - DAY, now + 14 * DAY)
    run("ldns-signzone", "-i", str(start), "-e", str(end), "-f", path + ".signed", path, key, cwd=zones)
    ds = run("ldns-key2ds", "-n", "-2", key + ".key", cwd=zones).strip() + "\n"
    with open(os.path.join(zones, key + ".key")) as f:
        return ds, f.read()


def break_tlsa_signatures(path, hosts):
    """Changes one character in the signature over the TLSA records of some hosts; all the rest stays good."""
    owners = ["_25._tcp.%s." % h.owner() for h in hosts]
    lines = open(path).read().splitlines()
    for number, line in enumerate(lines):
        fields = line.split()
        if len(fields) > 5 and fields[0] in owners and fields[3:5] == ["RRSIG", "TLSA"]:
            head, signature = line.rsplit(None, 1)
            middle = len(signature) // 2
            other = "A" if signature[middle] != "A" else "B"
            lines[number] = "%s %s%s%s" % (head, signature[:middle], other, signature[middle + 1:])
    write(path, "\n".join(lines) + "\n")


def corp_text():
    return soa("corp.example.") + ("corp.example. 300 IN MX 10 mail.corp.example.\n"
                                   "mail.corp.example. 300 IN A %s\n"
                                   "gw.corp.example. 300 IN A %s\n" % (INTERNAL_ADDRESS, GATEWAY_ADDRESS))


def make_zones(out, domains, material, extra):
    """extra: name -> text of signed zones below example. that are not in the table."""
    zones = os.path.join(out, "zones")
    os.makedirs(zones, exist_ok=True)

    def one(domain):
        if not domain.has_zone():
            return ""
        text = zone_text(domain, material)
        if not domain.is_signed():
            write(os.path.join(zones, domain.name), text)
            return ""
        ds, _ = sign(zones, domain.name, text, domain.zone == "expired")
        bogus = [h for h in domain.hosts if "bogus" in h.options.get("tlsa", "").split("+")]
        if bogus:
            break_tlsa_signatures(os.path.join(zones, domain.name + ".signed"), bogus)
        if domain.zone == "bogus":      # the parent names another key
            ds = re.sub(r"([0-9a-fA-F]{8})(\s*)$", lambda m: "%08x%s" % (int(m[1], 16) ^ 0xFFFFFFFF, m[2]), ds)
        return ds

    records = list(pool.map(one, domains))
    text = soa("example.")
    for name, zone in extra.items():
        text += "%s. 300 IN NS ns.example.\n" % name + sign(zones, name, zone)[0]
    text += "ns.example. 300 IN A %s\nns-refusing.example. 300 IN A %s\nns-silent.example. 300 IN A %s\n" % (
        NAME_SERVER, REFUSING_NAME_SERVER, SILENT_NAME_SERVER)
    for domain, ds in zip(domains, records):
        if domain.zone != "absent":
            server = {"lame": "ns-refusing", "silent": "ns-silent"}.get(domain.zone, "ns")
            text += "%s. 300 IN NS %s.example.\n" % (domain.name, server) + ds
    example_ds, _ = sign(zones, "example", text)
    text = soa(".") + "example. 300 IN NS ns.example.\nns.example. 300 IN A %s\n" % NAME_SERVER + example_ds
    _, anchor = sign(zones, ".", text)
    write(os.path.join(out, "root.key"), anchor)
    names = [d.name for d in domains if d.has_zone()] + [*extra, "example", "."]
    signed = {d.name for d in domains if d.is_signed()} | {*extra, "example", "."}
    return names, signed


def nsd_configuration(out, address, name):
    return """server:
    ip-address: %s
    username: nsd
    zonesdir: "%s/zones"
    chroot: ""
    database: ""
    pidfile: "%s/%s.pid"
    xfrdfile: "%s/%s.xfrd"
    zonelistfile: "%s/%s.zonelist"
    server-count: 1
    verbosity: 0
    rrl-ratelimit: 0
remote-control:
    control-enable: no
""" % (address, out, out, name, out, name, out, name)


def server_configurations(out, names, signed):
    text = nsd_configuration(out, NAME_SERVER, "nsd")
    for name in names:
        file = (name if name != "." else "root") + (".signed" if name in signed else "")
        text += 'zone:\n    name: "%s"\n    zonefile: "%s"\n' % (name, file)
    write(out + "/nsd.conf", text)
    write(out + "/nsd-refusing.conf", nsd_configuration(out, REFUSING_NAME_SERVER, "nsd-refusing"))
    write(out + "/root.hints", ". 3600000 NS ns.example.\nns.example. 3600000 A %s\n" % NAME_SERVER)
    write(out + "/unbound.conf", """server:
    interface: 127.0.0.1
    port: 53
    do-daemonize: no
    username: unbound
    chroot: ""
    directory: "%s"
    pidfile: ""
    use-syslog: no
    verbosity: 1
    val-log-level: 2
    num-threads: 1
    access-control: 127.0.0.0/8 allow
    trust-anchor-file: "%s/root.key"
    root-hints: "%s/root.hints"
    incoming-num-tcp: 200
    tcp-idle-timeout: 60000
    do-ip6: no
    module-config: "validator iterator"
remote-control:
    control-enable: no
""" % (out, out, out))


# --- servers --------------------------------------------------------------------------------------------------------

def smtpd_line(host, address, out):
    options = {"myhostname": host.fqdn(), "smtpd_tls_security_level": "none", "syslog_name": "mx/" + host.fqdn()}
    if host.server in ("postfix", "rcpt550", "rcpt450", "mail550", "picky", "oldtls") and host.cert:
        options["smtpd_tls_security_level"] = "may"
        options["smtpd_tls_chain_files"] = "%s/pki/%s.pem" % (out, host.fqdn())
    if host.server == "oldtls":
        options["smtpd_tls_protocols"] = "TLSv1"
    if host.server in ("rcpt550", "rcpt450", "mail550", "picky"):
        options["smtpd_recipient_restrictions"] = "$lab_" + host.server
    listen = "[%s]:25" % address if ":" in address else address + ":25"
    return "%s inet n - n - 60 smtpd\n" % listen + "".join("    -o %s=%s\n" % o for o in options.items())


def address_line(address, device):
    return "addr add %s/%d dev %s%s\n" % ((address, 128, device, " nodad") if ":" in address else (address, 32, device, ""))


def make_servers(out, domains):
    master, odd, sink, addresses = "", [], [], [NAME_SERVER, REFUSING_NAME_SERVER]
    mailboxes = ""
    for domain in domains:
        mailboxes += "@%s %s/\n" % (domain.name, domain.name)
        for host in domain.hosts:
            if not host.is_local() or host.server in ("nohost", "loopback", "blackhole"):
                continue
            for address in host.addresses():
                addresses.append(address)
                entry = {"address": address, "name": host.fqdn(), "domain": domain.name,
                         "cert": "%s/pki/%s.pem" % (out, host.fqdn()) if host.cert else None}
                if host.server.startswith("odd:"):
                    odd.append(dict(entry, behaviour=host.server[4:]))
                elif host.server == "sink":
                    sink.append(entry)
                elif host.server not in ("dead", "exim", "opensmtpd"):
                    master += smtpd_line(host, address, out)
    write(out + "/postfix/mx.master", master)
    write(out + "/postfix/mx.mailboxes", mailboxes)
    write(out + "/odd.json", json.dumps(odd, indent=1))
    write(out + "/sink", "".join("%(address)s %(cert)s %(name)s\n" % entry for entry in sink))
    addresses += sts.write_servers(out, [d.sts for d in domains if d.sts], write)
    write(out + "/addresses.outside", "".join(address_line(a, "lo") for a in addresses))
    write(out + "/addresses.inside", address_line(INTERNAL_ADDRESS, "gw0"))
    policy = "".join("%s %s\n" % (d.name, d.policy.replace("_", " ")) for d in domains if d.policy != "-")
    write(out + "/daneway/tls_policy", "# the lab's table of TLS levels, in Postfix's syntax\n" + policy)


def expectation(domain):
    kind, _, rest = domain.expect.partition(":")
    if kind in ("verified", "encrypted", "clear"):
        rest = full_name(rest, domain)
    return {"domain": domain.name, "when": domain.when, "expect": kind + ":" + rest, "about": domain.description,
            "must_not_leak": any(h.options.get("tlsa") for h in domain.hosts) and domain.is_signed() and
            domain.when != "tlsno"}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    table, out = sys.argv[1:]
    domains = read_table(table)
    pki = Pki(out + "/pki")
    pki.make_authorities()
    with_certificate = [h for d in domains for h in d.hosts if h.cert and h.is_local()]
    list(pool.map(pki.make_leaf, with_certificate))
    list(pool.map(pki.make_web, sts.certificates([d.sts for d in domains if d.sts])))
    material = dict(pki.material)
    for domain in domains:      # an alias: the certificate is that of the target
        for host in domain.hosts:
            if host.alias:
                material.setdefault(host.owner(), material.get(host.fqdn()))
    extra = {"corp.example": corp_text()}
    destinations = int(os.environ.get("LAB_DESTINATIONS", "0"))
    if destinations:
        extra[many.ZONE] = many.zone_text(soa, destinations, pki.make_many())
    names, signed = make_zones(out, domains, material, extra)
    server_configurations(out, names, signed)
    make_servers(out, domains)
    if destinations:
        with open(out + "/addresses.outside", "a") as f:
            f.write(many.address_lines())
    write(out + "/expect.json", json.dumps([expectation(d) for d in domains], indent=1))


if __name__ == "__main__":
    main()
