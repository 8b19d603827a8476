"""many.py: many signed mail domains with DANE and one sink behind them all, for what is measured; build.py asks.

It owns: the zone bench.example: d1 ... dN, each with an MX host, an address and a TLSA record of its own, and x1 ... x100,
whose MX hosts refuse every connection. One zone signed once, since a zone for each would cost minutes for 10,000.
All sinks have the same key; addresses are those of RFC 2544 (198.18.0.0/15), which are there for benchmarks.
It must never be asked for by a lab that does not measure: LAB_DESTINATIONS is 0 then.
"""
ZONE = "bench.example"
KEY = "mx.bench.example"
DEAD = 100


def address(number):
    """The number-th address from 198.18.0.0 on."""
    return "198.18.%d.%d" % divmod(number, 256)


def domain_records(label, where, tlsa):
    name = "%s.%s." % (label, ZONE)
    return "%s 300 IN MX 10 mx.%s\nmx.%s 300 IN A %s\n_25._tcp.mx.%s 300 IN TLSA %s\n" % (
        name, name, name, where, name, tlsa)


def zone_text(soa, count, tlsa):
    """Records of the whole zone: `count` domains that take mail and DEAD that do not."""
    text = soa(ZONE + ".")
    text += "".join(domain_records("d%d" % n, address(n), tlsa) for n in range(1, count + 1))
    return text + "".join(domain_records("x%d" % n, "198.19.0.%d" % n, tlsa) for n in range(1, DEAD + 1))


def address_lines():
    """For ip -batch on the outside: every address of the range is there, and refuses where no sink listens."""
    return "route add local 198.18.0.0/15 dev lo\n"
