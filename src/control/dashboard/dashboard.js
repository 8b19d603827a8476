/* dashboard: asks the gateway for its figures and shows them. Everything that comes from there is put in as text, never as HTML.
 * It owns the page; it keeps nothing between visits. It changes nothing at the gateway: it only asks. */
"use strict";
(function () {
  const EVERY = 10000, PATIENCE = 15000, LIVE_SHOWN = 12, LIST_SHOWN = 8;
  const DAY = 86400, HOUR = 3600, MINUTE = 60;
  const kinds = [
    { key: "dane_verified", name: "DANE", says: "verified by keys under DNSSEC" },
    { key: "verified", name: "MTA-STS or own rule", says: "certificate verified" },
    { key: "encrypted", name: "TLS, not verified", says: "encrypted, no policy asks for more" },
    { key: "clear", name: "In clear", says: "the other side has no TLS" },
  ];
  const tlsNames = { "dane-verified": "DANE", verified: "verified", encrypted: "TLS", clear: "in clear" };
  const state = { status: null, history: null, downgrades: null, span: "day", answered: 0, live: [], paused: false, lost: 0 };
  let stream = null;

  /* --- small tools --- */

  const $ = (id) => document.getElementById(id);

  function make(name, attributes, ...children) {
    const svg = ["svg", "rect", "line", "text", "path", "g", "title", "desc"].includes(name);
    const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {}))
      if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
    node.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return node;
  }
  const fill = (id, ...children) => $(id).replaceChildren(...children.flat().filter(Boolean));

  const whole = new Intl.NumberFormat("en");
  const number = (value) => whole.format(value || 0);
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
  const clockSeconds = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const dateTime = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
  const plural = (count, one, many) => number(count) + " " + (count === 1 ? one : many);

  /* A moment in the reader's own zone; UTC on hovering, and for machines. */
  function moment(seconds, format) {
    const date = new Date(seconds * 1000), utc = date.toISOString();
    return make("time", { datetime: utc, title: utc.slice(0, 19).replace("T", " ") + " UTC" }, (format || dateTime).format(date));
  }
  function span(seconds) {
    const s = Math.max(0, Math.round(seconds));
    if (s < MINUTE) return plural(s, "second", "seconds");
    if (s < HOUR) return plural(Math.floor(s / MINUTE), "minute", "minutes");
    if (s < DAY) return plural(Math.floor(s / HOUR), "hour", "hours");
    return plural(Math.floor(s / DAY), "day", "days");
  }
  function octets(value) {
    const units = ["B", "KB", "MB", "GB", "TB"];
    let unit = 0;
    for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
    return (unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)) + " " + units[unit];
  }
  const empty = (strong, rest) => make("p", { class: "empty" }, make("strong", {}, strong), rest ? " " + rest : null);
  const sum = (list) => list.reduce((a, b) => a + b, 0);

  async function ask(path) {
    const answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE), headers: { Accept: "application/json" } });
    if (answer.status === 401) throw new Error("login");
    const json = await answer.json();
    if (!answer.ok && answer.status !== 404) throw new Error(json.error || "HTTP " + answer.status);
    return answer.ok ? json : null;
  }

  /* --- the verdict --- */

  function issuesOf(status, downgrades, now) {
    const issues = [], add = (bad, text) => issues.push({ bad, text });
    const missing = status.missing.length;
    if (missing > 0) add(true, plural(missing, "worker does", "workers do") + " not answer: see the log of danewayd.");
    if (!status.validating) add(true, "DNSSEC is not validated, so mail that depends on it waits: " + (status.why || "the resolver does not say why."));
    for (const worker of status.details) {
      const error = worker.tls_policy && worker.tls_policy.error;
      if (error) { add(true, "The TLS table has an error, and the one before it stays in force: " + error); break; }
    }
    const open = (downgrades || []).filter((row) => !row.ended && !row.acknowledged && !row.proven);
    if (open.length > 0)
      add(open.some((row) => row.held), plural(open.length, "destination shows", "destinations show") + " less protection than before: " + names(open.map((row) => row.next_hop)) + ".");
    const held = status.queue.destinations_held || 0;
    if (held > 0) add(false, plural(held, "destination is", "destinations are") + " down, and mail for " + (held === 1 ? "it" : "them") + " waits: " + names(status.destinations.filter((d) => d.state === "down").map((d) => d.next_hop)) + ".");
    const oldest = status.queue.oldest;
    if (oldest && now - oldest > HOUR && held === 0) add(false, "The oldest message has been waiting for " + span(now - oldest) + ".");
    const ended = exceptionsOf(status).filter((row) => row.ended), soon = exceptionsOf(status).filter((row) => !row.ended && row.ends - now < 7 * DAY);
    if (ended.length > 0) add(false, plural(ended.length, "exception has", "exceptions have") + " ended: " + names(ended.map((row) => row.next_hop)) + ".");
    if (soon.length > 0) add(false, plural(soon.length, "exception ends", "exceptions end") + " within a week: " + names(soon.map((row) => row.next_hop)) + ".");
    const suspended = (status.submissions.suspended || []).length;
    if (suspended > 0) add(false, plural(suspended, "receiver of TLS reports keeps", "receivers of TLS reports keep") + " refusing them.");
    if (status.reports.failures > 0) add(false, plural(status.reports.failures, "TLS report", "TLS reports") + " could not be written: see the log.");
    return issues;
  }
  function names(list) {
    const once = [...new Set(list)];
    return once.slice(0, 3).join(", ") + (once.length > 3 ? " and " + (once.length - 3) + " more" : "");
  }
  const exceptionsOf = (status) => (status.details[0] && status.details[0].tls_policy && status.details[0].tls_policy.exceptions) || [];

  function say(level, text, more, issues) {
    const board = $("verdict"), marks = { good: "✓", warn: "!", bad: "✕" };
    const list = (issues || []).map((issue) => make("li", { class: issue.bad ? "bad" : "warn" }, issue.text));
    board.className = "verdict is-" + level;
    $("verdict-mark").textContent = marks[level];
    if ($("verdict-text").textContent !== text) $("verdict-text").textContent = text; /* spoken only when it changes */
    $("verdict-more").textContent = more;
    const before = [...$("issues").children].map((item) => item.textContent).join("\n");
    if (before !== list.map((item) => item.textContent).join("\n")) fill("issues", list);
    document.title = (level === "good" ? "" : "(!) ") + text + " · Daneway";
  }

  function showVerdict() {
    const status = state.status, issues = issuesOf(status, state.downgrades, state.history.now);
    const bad = issues.some((issue) => issue.bad), waiting = status.queue.messages || 0;
    const more = waiting === 0 ? "Nothing waits in the queue." : plural(waiting, "message is", "messages are") + " in the queue.";
    if (issues.length === 0) say("good", "All is well", "Every worker answers, DNSSEC is validated. " + more, []);
    else say(bad ? "bad" : "warn", bad ? "Something is wrong" : "Mail flows, with something to look at", more, issues);
  }

  function showGone(error) {
    const since = state.answered ? "Last heard of " + span((Date.now() - state.answered) / 1000) + " ago; the figures below are from then. " : "";
    say("bad", "The gateway does not answer", since + "On its machine: systemctl status danewayd. (" + error.message + ")", []);
    $("updated").textContent = "";
    document.body.dataset.state = "gone";
  }

  /* --- figures --- */

  function showFigures() {
    const status = state.status, totals = state.history.totals, now = state.history.now;
    const delivered = sum(kinds.map((kind) => totals[kind.key]));
    const secure = totals.dane_verified + totals.verified;
    const since = now - state.history.since >= DAY - HOUR ? "last 24 hours" : "since " + clock.format(new Date(state.history.since * 1000));
    const oldest = status.queue.oldest;
    const figure = (id, name, value, more) => make("div", {}, make("dt", {}, name), make("dd", { id: "figure-" + id, "data-value": value }, number(value)), make("dd", { class: "quiet" }, more));
    fill("figures",
      figure("delivered", "Delivered", delivered, delivered ? Math.round(100 * secure / delivered) + "% to a verified host, " + since : since),
      figure("accepted", "Accepted", totals.accepted, since),
      figure("deferred", "Deferred", totals.deferred, "attempts that will be repeated"),
      figure("bounced", "Returned", totals.bounced, "to their senders"),
      figure("queue", "In the queue", status.queue.messages, oldest ? "oldest: " + span(now - oldest) : "nothing waits"));
  }

  /* --- the plot --- */

  function bars() {
    const history = state.history, hour = state.span === "hour";
    const width = hour ? MINUTE : 30 * MINUTE, count = hour ? 60 : 49; /* the first half-hour of a day is cut */
    const end = (Math.floor(history.now / width) + 1) * width, begin = end - count * width;
    const column = (key) => history.columns.indexOf(key) + 1;
    const list = Array.from({ length: count }, (unused, i) => ({ time: begin + i * width, width, values: kinds.map(() => 0) }));
    for (const row of history.minutes) {
      const bar = list[Math.floor((row[0] - begin) / width)];
      if (row[0] >= begin && bar) kinds.forEach((kind, i) => { bar.values[i] += row[column(kind.key)]; });
    }
    return list;
  }
  function niceTop(value) {
    const power = Math.pow(10, Math.floor(Math.log10(Math.max(value, 1))));
    return [1, 2, 4, 5, 8, 10].map((step) => step * power).find((top) => top >= value && top >= 4) || 4;
  }
  const short = (value) => value >= 1e6 ? (value / 1e6).toFixed(1).replace(".0", "") + "M" : value >= 1e4 ? Math.round(value / 1e3) + "k" : number(value);

  function showPlot() {
    const list = bars(), narrow = $("plot").clientWidth < 480, W = narrow ? 340 : 900, H = narrow ? 190 : 220;
    const left = 38, right = 6, top = 10, bottom = 24, inner = W - left - right, height = H - top - bottom;
    const sums = list.map((bar) => sum(bar.values)), most = Math.max(...sums), ceiling = niceTop(most), total = sum(sums);
    const y = (value) => top + height - height * value / ceiling, step = inner / list.length;
    const svg = make("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": sentence(list, total) });
    for (let i = 0; i <= 4; i += 2) {
      const value = ceiling * i / 4;
      svg.append(make("line", { class: "grid", x1: left, x2: W - right, y1: y(value), y2: y(value) }), make("text", { class: "tick-y", x: left - 6, y: y(value) + 4 }, short(value)));
    }
    list.forEach((bar, i) => {
      let base = 0;
      const x = left + i * step + step * 0.12, width = step * 0.76, group = make("g", {});
      group.append(make("title", {}, clock.format(new Date(bar.time * 1000)) + " to " + clock.format(new Date((bar.time + bar.width) * 1000)) + "\n" + kinds.map((kind, k) => kind.name + ": " + number(bar.values[k])).join("\n")));
      bar.values.forEach((value, k) => {
        if (value > 0) group.append(make("rect", { class: "s-" + kinds[k].key, x: x.toFixed(2), width: width.toFixed(2), y: y(base + value).toFixed(2), height: Math.max(y(base) - y(base + value), 0.75).toFixed(2) }));
        base += value;
      });
      svg.append(group);
      const every = state.span === "hour" ? (narrow ? 20 : 10) * MINUTE : (narrow ? 6 : 3) * HOUR;
      const local = bar.time - new Date(bar.time * 1000).getTimezoneOffset() * MINUTE;
      if (local % every === 0 && i > 0) svg.append(make("text", { class: "tick-x", x: left + i * step, y: H - 6 }, clock.format(new Date(bar.time * 1000))));
    });
    if (total === 0) svg.append(make("text", { class: "none", x: left + inner / 2, y: top + height / 2 }, "Nothing was delivered in this time."));
    fill("plot", svg);
    showLegend(list, total);
    showTable(list);
  }
  function sentence(list, total) {
    if (total === 0) return "Nothing was delivered in this time.";
    const parts = kinds.map((kind, k) => kind.name + " " + number(sum(list.map((bar) => bar.values[k]))));
    return "Deliveries in the last " + (state.span === "hour" ? "hour" : "24 hours") + ": " + number(total) + ". " + parts.join(", ") + ". The table below has them by time.";
  }
  function showLegend(list, total) {
    fill("legend", kinds.map((kind, k) => {
      const value = sum(list.map((bar) => bar.values[k]));
      return make("div", { title: kind.says },
        make("dt", {}, make("span", { class: "swatch s-" + kind.key, "aria-hidden": "true" }), kind.name),
        make("dd", { id: "kind-" + kind.key, "data-value": value }, number(value), make("span", { class: "quiet" }, total ? "  " + percent(value, total) : "")));
    }));
  }
  const percent = (value, total) => value > 0 && value / total < 0.01 ? "under 1%" : Math.round(100 * value / total) + "%";
  function showTable(list) {
    const rows = list.filter((bar) => sum(bar.values) > 0).reverse();
    fill("flow-table", make("caption", { class: "hidden" }, "Deliveries by time and protection"),
      make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "From"), kinds.map((kind) => make("th", { scope: "col" }, kind.name)))),
      make("tbody", {}, rows.length ? rows.map((bar) => make("tr", {}, make("th", { scope: "row" }, moment(bar.time, clock)), bar.values.map((value) => make("td", {}, number(value)))))
        : make("tr", {}, make("td", { colspan: kinds.length + 1 }, "Nothing was delivered in this time."))));
  }

  /* --- lists --- */

  function list(items, more) {
    const rest = items.length - LIST_SHOWN;
    return [make("ul", { class: "list", role: "list" }, items.slice(0, LIST_SHOWN)), rest > 0 ? make("p", { class: "quiet" }, "and " + number(rest) + " more: ", make("code", {}, more)) : null];
  }
  const line = (left, right) => make("div", { class: "line" }, make("span", {}, left), make("span", {}, right));
  const note = (...text) => make("div", { class: "quiet small" }, text);

  function meter(share) {
    return make("svg", { class: "meter", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" }, make("rect", { width: 100, height: 4 }), make("rect", { class: "full", width: (100 * share).toFixed(1), height: 4 }));
  }
  function showReasons() {
    const all = state.history.reasons, most = all.length ? all[0].count : 1;
    fill("reasons", all.length === 0 ? empty("Nothing was.", "Every attempt of the last day was a delivery.")
      : list(all.map((row) => make("li", {}, line(make("code", {}, row.reason), number(row.count)), meter(row.count / most), note(row.text, " Who can mend it: ", row.who, "."))), "daneway reasons"));
  }
  function showHeld() {
    const down = state.status.destinations.filter((d) => d.state === "down"), byName = new Map();
    for (const d of down) {
      const one = byName.get(d.next_hop) || { ...d, waiting: 0 };
      one.waiting += d.waiting;
      byName.set(d.next_hop, one);
    }
    fill("held", byName.size === 0 ? empty("None.", "No destination is down; what waits does so by its own timetable.")
      : list([...byName.values()].map((d) => make("li", {}, line(make("strong", {}, d.next_hop), make("code", { class: "quiet" }, d.reason || "")), note(d.text || ""), note("Tried again ", d.probe_at ? moment(d.probe_at, clockSeconds) : "soon", "."))), "daneway status"));
  }
  function showDowngrades() {
    if (state.downgrades === null) { fill("downgrades", empty("Nothing is remembered:", "downgrade_memory is 0.")); return; }
    const open = state.downgrades.filter((row) => !row.ended && !row.acknowledged);
    fill("downgrades", open.length === 0 ? empty("None.", "Every destination shows at least what it showed before.")
      : list(open.map((row) => make("li", {}, line(make("strong", {}, row.next_hop), make("span", { class: row.proven ? "warn" : "bad" }, row.proven ? "changed, with proof" : row.held ? "mail is held" : "downgrade")),
        note(row.text), note("Since ", moment(row.first), ". Meant so: ", make("code", {}, "daneway downgrades acknowledge " + row.next_hop)))), "daneway downgrades"));
  }
  function showExceptions() {
    const now = state.history.now, rows = [...exceptionsOf(state.status)].sort((a, b) => a.ends - b.ends);
    fill("exceptions", rows.length === 0 ? empty("None.", "No row of the TLS table has an end (until=).")
      : list(rows.map((row) => make("li", {}, line(make("strong", {}, row.next_hop), make("span", { class: row.ended || row.ends - now < 7 * DAY ? "warn" : "quiet" }, row.ended ? "has ended" : "ends in " + span(row.ends - now))),
        note(row.level, " until ", moment(row.ends), row.reason ? ": " + row.reason : "", row.owner ? " (" + row.owner + ")" : "", ", ", make("code", {}, row.rule.replace(/.*\//, ""))))), "daneway status"));
  }
  function showReports() {
    const reports = state.status.reports, sent = state.status.submissions, items = [];
    const add = (name, value, kind) => items.push(make("li", {}, line(name, make("span", { class: kind || "" }, value))));
    add("Last day written", reports.last_day ? reports.last_day + ", " + plural(reports.last_files, "report", "reports") : "none since the gateway was started");
    if (sent.configured) {
      add("Taken by receivers", number((sent.mail_taken || 0) + (sent.https_taken || 0)));
      add("Still to be sent", number(sent.waiting));
      add("Given up", number(sent.dropped), sent.dropped ? "warn" : "");
      add("Receivers that keep refusing", number((sent.suspended || []).length), (sent.suspended || []).length ? "warn" : "");
    } else add("Sending", "not set up: no contact_info or key in section report");
    fill("reports", make("ul", { class: "list", role: "list" }, items));
  }

  /* --- live decisions --- */

  function follow() {
    if (stream || !window.EventSource) return;
    stream = new EventSource("/events");
    stream.onmessage = (event) => {
      const decision = JSON.parse(event.data);
      if (decision.lost) state.lost += decision.lost;
      else state.live.unshift(decision);
      state.live.length = Math.min(state.live.length, LIVE_SHOWN);
      if (!state.paused) requestLive();
    };
    stream.onerror = () => { if (stream.readyState === EventSource.CLOSED) stream = null; };
  }
  let livePending = false;
  function requestLive() {
    if (livePending) return;
    livePending = true;
    setTimeout(() => { livePending = false; if (!state.paused) showLive(); }, 400);
  }
  function showLive() {
    const words = { delivered: ["good", "delivered"], deferred: ["warn", "waits"], bounced: ["bad", "returned"] };
    fill("live", state.live.length === 0 ? empty("Quiet.", "Decisions show here as they are made, from now on.")
      : make("ul", { class: "list", role: "list" }, state.live.map((d) => make("li", {},
        line([make("strong", { class: (words[d.verdict] || [""])[0] }, (words[d.verdict] || ["", String(d.verdict)])[1]), " ", d.next_hop], moment(d.time, clockSeconds)),
        note(explainButton(d.queue_id), " ", [d.host ? String(d.host).replace(/\[.*/, "") : null, d.tls ? tlsNames[d.tls] : null, d.level ? "rule " + d.level : null, d.reason, d.dsn].filter(Boolean).join(" · "))))),
    state.lost > 0 ? note(number(state.lost) + " more came too fast to be shown.") : null);
  }
  function explainButton(id) {
    return make("a", { href: "#trace=" + encodeURIComponent(id), class: "code", "aria-label": "Explain message " + id }, id);
  }

  /* --- a message --- */

  function outcomeOf(recipient) {
    const kind = { delivered: ["good", "Delivered"], deferred: ["warn", "Waits"], bounced: ["bad", "Returned"] }[recipient.disposition] || ["", recipient.disposition];
    return make("div", { class: "outcome " + kind[0] },
      make("p", {}, make("span", { class: "word" }, kind[1]), " ", make("strong", {}, recipient.address || ""), " ", make("span", { class: "quiet" }, [recipient.status, recipient.reason, tlsNames[recipient.tls]].filter(Boolean).join(" · "))),
      make("p", {}, recipient.text || recipient.reply || ""),
      recipient.who ? make("p", { class: "quiet" }, "Who can mend it: ", recipient.who, ". How: ", recipient.advice) : null);
  }

  /* What DNS and MTA-STS said, each with its DNSSEC status. */
  function factsOf(evidence) {
    const found = (name, fact) => fact && fact.status !== "not-asked" ? name + " " + (fact.presence === "found" ? "" : "none, ") + fact.status + (fact.why ? " (" + fact.why + ")" : "") : null;
    const hosts = (evidence.hosts || []).slice(0, 10).map((host) => make("li", {}, make("strong", {}, host.name), " ",
      make("span", { class: "quiet" }, [found("addresses", host.addresses_status), found("TLSA", host.tlsa)].filter(Boolean).join(", "))));
    const sts = evidence.sts, policy = sts && { "no-policy": "no policy", "lookup-failed": "the look-up failed" }[sts.source];
    return make("details", {}, make("summary", {}, "What the DNS said: " + [found("MX", evidence.mx), sts ? "MTA-STS " + (policy || sts.mode + ", " + sts.source) : null].filter(Boolean).join("; ")),
      make("ul", { class: "list small", role: "list" }, hosts));
  }
  function certificateOf(tls) {
    const certificate = tls && tls.chain && tls.chain[0];
    if (!certificate) return null;
    return note("Certificate ", certificate.subject, ", from ", moment(certificate.not_before), " to ", moment(certificate.not_after), certificate.spki_sha256 ? ", as TLSA " : "", certificate.spki_sha256 ? make("code", {}, "3 1 1 " + certificate.spki_sha256) : "");
  }
  function attemptOnHost(tried) {
    const ending = tried.ending || {}, verdict = tried.verdict || {}, tls = tried.tls, refused = verdict.action === "skip-host";
    const events = (tried.events || []).map((event) => make("li", {}, make("span", { class: "quiet" }, ((event.ms || 0) / 1000).toFixed(3) + " s"),
      make("span", { class: "code" }, ({ command: "→ ", reply: "← ", greeting: "← " }[event.what] || event.what + " ") + (event.text || ""))));
    const word = refused ? "refused: " + (verdict.reason || "") : tlsNames[verdict.protection] || ending.reason || "";
    return make("li", {}, line(make("strong", {}, tried.host || ""), make("span", { class: "small " + (refused ? "warn" : "quiet") }, word)),
      note("[" + (tried.address || "") + "]:" + (tried.port || "") + (tls ? ", " + [tls.protocol, tls.cipher].filter(Boolean).join(" ") : ", no TLS") + (verdict.matched ? ", matches " + verdict.matched : "") + (ending.detail ? ": " + ending.detail : "")),
      certificateOf(tls),
      events.length ? make("details", {}, make("summary", {}, "The dialogue"), make("ol", { class: "dialogue" }, events)) : null);
  }
  function attempt(entry, index, count) {
    const trace = entry.trace || {}, result = trace.result || {}, recipients = result.recipients || [];
    const skipped = ((trace.plan && trace.plan.hosts) || []).filter((host) => host.skip);
    return make("article", {}, make("h3", {}, "Attempt " + (index + 1) + " of " + count + ", ", moment(entry.time), ", to " + (entry.next_hop || "")),
      recipients.slice(0, 50).map(outcomeOf), recipients.length > 50 ? note("and " + number(recipients.length - 50) + " more recipients") : null,
      trace.rules ? note("Rules: ", make("code", {}, trace.rules.join(", "))) : null,
      trace.evidence ? factsOf(trace.evidence) : null,
      skipped.length ? note("Passed over: ", skipped.map((host) => host.name + " (" + host.skip + ")").join(", ")) : null,
      (trace.tried || []).length ? make("ul", { class: "list tried", role: "list" }, trace.tried.map(attemptOnHost)) : note("No host was tried."));
  }
  async function explain(id) {
    const place = $("trace");
    $("queue-id").value = id;
    place.replaceChildren(make("p", { class: "quiet" }, "Asking …"));
    try {
      const query = "?queue_id=" + encodeURIComponent(id);
      const [traces, queue] = await Promise.all([ask("/explain" + query), ask("/queue" + query)]);
      const waiting = (queue && queue.queue[0]) || null, all = (traces && traces.traces) || [];
      const head = waiting ? make("p", {}, "In the queue since ", moment(waiting.arrival), ", " + octets(waiting.size) + ", tried " + plural(waiting.attempts, "time", "times") + "; next attempt ", moment(waiting.next_attempt, clockSeconds), ".")
        : all.length ? make("p", {}, "No longer in the queue.") : null;
      const articles = all.map((entry, i) => attempt(entry, i, all.length));
      place.replaceChildren(...[head, ...articles.reverse(), all.length === 0 ? empty(waiting ? "Not tried yet." : "No message with that id is known.", waiting ? "" : "Traces are kept for as long as mail may stay in the queue.") : null].filter(Boolean));
    } catch (error) {
      place.replaceChildren(make("p", { class: "bad", role: "alert" }, "The gateway could not say: " + error.message));
    }
  }
  function explainFromAddress() {
    const match = location.hash.match(/^#trace=(.+)$/);
    if (!match) return;
    explain(decodeURIComponent(match[1]));
    $("trace-title").scrollIntoView();
  }

  /* --- all of it --- */

  function showAll() {
    const status = state.status;
    $("hostname").textContent = status.hostname;
    $("version").textContent = "danewayd " + status.version + " on " + status.hostname + ", " + plural(status.workers, "worker", "workers") + ". The history of a day is kept in memory, and begins anew when the gateway does: ";
    $("version").append(moment(state.history.since), ".");
    $("updated").replaceChildren("as of ", moment(state.history.now, clockSeconds));
    showVerdict(); showFigures(); showPlot(); showReasons(); showHeld(); showDowngrades(); showExceptions(); showReports(); showLive();
    document.body.dataset.state = "shown";
  }
  function showLogin() {
    $("login").hidden = false;
    $("board").hidden = true;
    $("login-wrong").hidden = !location.search.includes("login=wrong");
    $("token").focus();
    document.body.dataset.state = "login";
  }
  async function refresh() {
    try {
      const [status, history, downgrades] = await Promise.all([ask("/status"), ask("/history"), ask("/downgrades")]);
      Object.assign(state, { status, history, downgrades: downgrades && downgrades.downgrades, answered: Date.now() });
      $("board").hidden = false;
      $("login").hidden = true;
      showAll();
      follow();
    } catch (error) {
      if (error.message === "login") { showLogin(); return; }
      $("board").hidden = false;
      showGone(error);
    }
    setTimeout(refresh, EVERY);
  }

  for (const input of document.querySelectorAll("input[name=span]"))
    input.addEventListener("change", () => { state.span = input.value; if (state.history) showPlot(); });
  $("search").addEventListener("submit", (event) => {
    event.preventDefault();
    const id = $("queue-id").value.trim();
    if (id) { history.replaceState(null, "", "#trace=" + encodeURIComponent(id)); explain(id); }
  });
  $("live-pause").addEventListener("click", () => {
    state.paused = !state.paused;
    $("live-pause").setAttribute("aria-pressed", String(state.paused));
    $("live-pause").textContent = state.paused ? "Go on" : "Pause";
    if (!state.paused) showLive();
  });
  window.addEventListener("hashchange", explainFromAddress);
  window.addEventListener("resize", () => { if (state.history) showPlot(); });
  refresh().then(explainFromAddress);
})();
