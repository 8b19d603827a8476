#!/usr/bin/python3
"""figures.py COMMAND...: what scripts/bench makes of its logs.

  machine                         what this machine is, and how busy others keep it, as key=value
  reckon SUMMARY ACCEPTED TAKEN   one measurement: rates, delays, and by id what was lost or doubled, as key=value
  check ACCEPTED TAKEN PREFIX [MAX-DOUBLED]   what was lost, doubled, uncertain; exit status 1 if any is lost or too many doubled
  table [--json] RESULTS          medians (least to greatest) of all rounds, and the ratios round by round
It owns: the arithmetic. Ratios are made within a round, since machines drift, and then their median is taken.
It must never hide a loss: table ends with exit status 1 if any message was lost, doubled or never handed in.
"""
import json
import os
import statistics
import sys
import time


def pairs(text):
    return dict(word.split("=", 1) for word in text.split())


# --- the machine ----------------------------------------------------------------------------------------------------

def busy_ticks():
    fields = [int(f) for f in open("/proc/stat").readline().split()[1:9]]
    return sum(fields) - fields[3] - fields[4], sum(fields)


def machine():
    before = busy_ticks()
    time.sleep(2)
    after = busy_ticks()
    busy = 100 * (after[0] - before[0]) / max(1, after[1] - before[1])
    models = [l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")]
    print("busy=%.0f load=%.1f model=%s kernel=%s" % (
        busy, os.getloadavg()[0], (models or ["?"])[0].replace(" ", "_"), os.uname().release))


# --- one measurement ------------------------------------------------------------------------------------------------

def read_log(path):
    """[(id, microseconds)] in the order written."""
    if not os.path.exists(path):
        return []
    return [(name, int(when)) for name, when in (line.split() for line in open(path))]


def reckon(summary_path, accepted_path, taken_path):
    summary = pairs(open(summary_path).read())
    accepted = {name: when for name, when in read_log(accepted_path) if not name.startswith("?")}
    taken, doubled = {}, 0
    for name, when in read_log(taken_path):
        doubled += name in taken
        taken.setdefault(name, when)
    lost = len(set(accepted) - set(taken))
    delays = sorted((taken[name] - when) / 1000 for name, when in accepted.items() if name in taken) or [0]
    seconds = (max(taken.values(), default=0) - int(summary["began"])) / 1e6
    print("accepted=%d delivered=%d lost=%d doubled=%d strange=%d inject=%s rate=%.1f median_ms=%.2f p95_ms=%.2f" % (
        len(accepted), len(taken), lost, doubled, len(set(taken) - set(accepted)), summary["rate"],
        len(taken) / seconds if seconds > 0 else 0, statistics.median(delays), delays[int(len(delays) * 0.95)]))


def check(accepted_path, taken_path, prefix, most_doubled="0"):
    """ "?ID" in ACCEPTED is one whose reply was lost: it may have arrived, or not."""
    handed = [name for name, _ in read_log(accepted_path)]
    accepted = {name for name in handed if not name.startswith("?")}
    uncertain = {name[1:] for name in handed if name.startswith("?")}
    arrived = [name for name, _ in read_log(taken_path) if name.startswith(prefix + "-")]
    taken = set(arrived)
    lost, doubled, strange = accepted - taken, len(arrived) - len(taken), taken - accepted - uncertain
    print("accepted=%d delivered=%d lost=%d doubled=%d uncertain=%d of_these_delivered=%d never_accepted=%d" % (
        len(accepted), len(taken & accepted), len(lost), doubled, len(uncertain), len(uncertain & taken), len(strange)))
    for name in sorted(lost)[:5]:
        print("lost: " + name)
    return 1 if lost or strange or doubled > int(most_doubled) else 0


# --- all of them ----------------------------------------------------------------------------------------------------

class Results:
    """Rows of key=value; values() gives one figure of one candidate in every round."""

    def __init__(self, path):
        self.rows = [pairs(line) for line in open(path)]
        for row in self.rows:
            if float(row.get("messages", 0)):
                row["cpu_1000"] = float(row["cpu"]) * 1000 / float(row["messages"])
                row["sink_1000"] = float(row["sink_cpu"]) * 1000 / float(row["messages"])
                row["dns_1000"] = float(row["dns_cpu"]) * 1000 / float(row["messages"])

    def values(self, name, kind, key):
        return {row["round"]: float(row[key]) for row in self.rows
                if row["name"] == name and row["kind"] == kind and key in row}

    def names(self, prefix):
        """Names with a prefix, in the order measured."""
        return list(dict.fromkeys(r["name"] for r in self.rows if r["name"].startswith(prefix)))

    def unproved(self):
        """Measurements that lost or doubled something, left something behind, or delivered without a proof by DANE."""
        return [r for r in self.rows if "lost" in r and
                (r["lost"] != "0" or r["doubled"] != "0" or r["strange"] != "0" or r["accepted"] != r["messages"] or
                 r["unverified"] != "0" or r["verified"] == "0")]

    def counted(self):
        return sum(int(r["accepted"]) for r in self.rows if "lost" in r)


def number(value):
    return "%.0f" % value if value >= 100 else "%.1f" % value if value >= 10 else "%.2f" % value


def spread(values):
    values = list(values)
    if not values:
        return "-"
    middle = number(statistics.median(values))
    return middle if len(values) == 1 else "%s (%s-%s)" % (middle, number(min(values)), number(max(values)))


def ratios(ours, theirs):
    return [ours[r] / theirs[r] for r in ours if theirs.get(r) and ours[r]]


COMPARED = [("one", "kept sessions, 1 destination"), ("hundred", "kept sessions, 100 destinations"),
            ("resumed", "a connection each, TLS resumed, 100 destinations"),
            ("fresh-one", "a handshake each, 1 destination"), ("fresh-hundred", "a handshake each, 100 destinations")]
COLUMNS = [("rate", "end to end, messages/s", False), ("inject", "injection, messages/s", False),
           ("cpu_1000", "CPU seconds a 1,000", True), ("pss", "memory, MiB (PSS)", True)]

STEADY = [("single", "50 messages/s to 100, kept sessions"), ("fresh-single", "50 messages/s to 100, a handshake each")]
DELAYS = [("median_ms", "250 to delivered, median ms", True), ("p95_ms", "the same, 95th percentile", True),
          ("cpu_1000", "CPU seconds a 1,000", True)]


def comparison(results, name, title, columns, lines):
    for key, label, less_is_better in columns:
        ours, theirs = results.values(name, "danewayd", key), results.values(name, "postfix", key)
        if not ours:
            continue
        quotient = ratios(theirs, ours) if less_is_better else ratios(ours, theirs)
        lines.append("| %s | %s | %s | %s | %s |" % (
            title, label, spread(ours.values()), spread(theirs.values()), spread(quotient)))


def compared(results):
    lines = ["| load | figure | Daneway | Postfix | times better |", "|---|---|---|---|---|"]
    for name, title in COMPARED:
        comparison(results, name, title, COLUMNS, lines)
    for name, title in STEADY:
        comparison(results, name, title, DELAYS, lines)
    return lines if len(lines) > 2 else []


def curve(results, prefix, first, columns):
    names = results.names(prefix)
    if not names:
        return []
    lines = ["| %s | %s |" % (first, " | ".join(label for _, label in columns)), "|---" * (len(columns) + 1) + "|"]
    for name in names:
        lines.append("| %s | %s |" % ("{:,}".format(int(name[len(prefix):])), " | ".join(
            spread(results.values(name, "danewayd", key).values()) for key, _ in columns)))
    return lines


LIMITS = [("grouped", "durable writes of 10 KB/s, 16 writers sharing each fdatasync"),
          ("alone", "write and fdatasync/s, one after the other"),
          ("handshakes", "full TLS handshakes/s, connection and EHLO included"), ("resumed", "the same, resumed"),
          ("direct", "generator straight into the sink under TLS, messages/s"),
          ("direct_fresh", "the same, a connection and handshake each")]


def limits(results):
    lines = ["| limit of this machine | |", "|---|---|"]
    lines += ["| %s | %s |" % (label, spread(results.values("limits", "machine", key).values()))
              for key, label in LIMITS if results.values("limits", "machine", key)]
    share = ratios(results.values("fresh-one", "danewayd", "rate"), results.values("limits", "machine", "direct_fresh"))
    if share:
        lines.append("| share of the last line that Daneway reaches, a handshake each | %s |" % spread(share))
    return lines if len(lines) > 2 else []


def others(results):
    """What the measuring itself took of the same cores."""
    lines = []
    for name, title in COMPARED:
        for kind in ("danewayd", "postfix"):
            sink, dns = (results.values(name, kind, k).values() for k in ("sink_1000", "dns_1000"))
            if sink:
                lines.append("| %s, %s | %s | %s |" % (title, kind, spread(sink), spread(dns)))
    return ["| CPU seconds a 1,000 of what shares the cores | sink | Unbound |", "|---|---|---|"] + lines if lines else []


def print_tables(results):
    run = next((r for r in results.rows if r["name"] == "run"), {})
    print("%s cores, %s; %s round(s); others kept %s %% of the cores busy before the start (load %s)\n" % (
        run.get("cores"), run.get("model", "?").replace("_", " "), run.get("rounds"), run.get("busy"), run.get("load")))
    growth = [("cpu_1000", "CPU seconds a 1,000"), ("rate", "end to end, messages/s"), ("pss", "memory, MiB (PSS)")]
    for lines in (compared(results), limits(results),
                  curve(results, "queued-", "messages queued", growth + [("start", "start-up, s")]),
                  curve(results, "destinations-", "destinations", growth), others(results)):
        if lines:
            print("\n".join(lines) + "\n")


def print_json(results):
    kept = {}
    for row in results.rows:
        kept.setdefault(row["name"], {}).setdefault(row["kind"], []).append(
            {k: v if k in ("model", "kernel") else float(v) for k, v in row.items() if k not in ("name", "kind")})
    print(json.dumps(kept, indent=1))


def table(*arguments):
    results = Results(arguments[-1])
    (print_json if "--json" in arguments else print_tables)(results)
    bad = results.unproved()
    for row in bad:
        print("NOT PROVED: %s" % " ".join("%s=%s" % p for p in row.items()), file=sys.stderr)
    verdict = "%d measurements are not sound" % len(bad) if bad else "none lost, none doubled"
    print("%d messages followed by id: %s" % (results.counted(), verdict), file=sys.stderr)
    return 1 if bad else 0


COMMANDS = {"machine": machine, "reckon": reckon, "check": check, "table": table}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]))
