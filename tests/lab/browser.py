#!/usr/bin/python3
"""browser.py COMMAND...: the dashboard in a headless Chromium, driven by ChromeDriver's own HTTP. Runs inside the lab.

  check URL TOKEN-FILE EXPECT-FILE   the page as a postmaster uses it: login, figures, plot, search, keyboard, phone, dark mode
  gone URL TOKEN-FILE PID            what it says when the daemon (PID) is ended under it, and what was there before
  shots URL TOKEN-FILE DIRECTORY     light.png, dark.png and phone.png of a made-up day, and trace.png
EXPECT-FILE is JSON: {"figures": {id: number}, "delivered_id", "waiting_id", "next_hop", "held", "exception"}.
It owns: one ChromeDriver and one Chromium with an empty profile; both end with it.
It must never load anything from elsewhere: every address that the page asks for must be the gateway's.
"""
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
         "--no-default-browser-check", "--disable-extensions"]
TAB, ENTER, SPACE, RIGHT = "\ue004", "\ue007", " ", "\ue014"
failures = 0


def check(what, good, detail=""):
    global failures
    print("  %s %s" % ("ok  " if good else "FAIL", what))
    if not good:
        failures += 1
        if detail != "":
            print("       %s" % (detail,))


class Browser:
    def __init__(self, zone="Asia/Kolkata"):
        self.profile = tempfile.mkdtemp(prefix="daneway-browser.")
        environment = dict(os.environ, TZ=zone, HOME=self.profile, XDG_CONFIG_HOME=self.profile, XDG_CACHE_HOME=self.profile)
        self.port = 9515
        self.driver = subprocess.Popen(["chromedriver", "--port=%d" % self.port], env=environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait(lambda: self.call("GET", "/status")["ready"], 20)
        options = {"args": FLAGS + ["--user-data-dir=" + self.profile + "/profile", "--window-size=1180,1000"],
                   "binary": shutil.which("chromium")}
        capabilities = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}
        self.session = "/session/" + self.call("POST", "/session", {"capabilities": capabilities})["sessionId"]

    def call(self, method, path, body=None):
        data = json.dumps(body if body is not None else {}).encode() if method == "POST" else None
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.port, path), data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError("%s %s: %s" % (method, path, json.load(error)["value"]["message"].split("\n")[0]))

    def wait(self, condition, seconds=15):
        end = time.time() + seconds
        while True:
            try:
                if condition():
                    return True
            except (OSError, RuntimeError):
                pass
            if time.time() > end:
                return False
            time.sleep(0.1)

    def open(self, url):
        self.call("POST", self.session + "/url", {"url": url})

    def run(self, script, *arguments):
        return self.call("POST", self.session + "/execute/sync", {"script": script, "args": list(arguments)})

    def cdp(self, command, **parameters):
        return self.call("POST", self.session + "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def text(self, selector):
        return self.run("const e = document.querySelector(arguments[0]); return e ? e.innerText : ''", selector)

    def keys(self, text):
        actions = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self.call("POST", self.session + "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def log(self, kind):
        return self.call("POST", self.session + "/se/log", {"type": kind})

    def state(self):
        return self.run("return document.body.dataset.state || ''")

    def shot(self, path, width, height, scale=1.0):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=width < 500)
        time.sleep(0.4)
        picture = self.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=False)["data"]
        with open(path, "wb") as out:
            out.write(base64.b64decode(picture))

    def close(self):
        try:
            self.call("DELETE", self.session)
        finally:
            self.driver.send_signal(signal.SIGTERM)
            self.driver.wait(10)
            shutil.rmtree(self.profile, ignore_errors=True)


def token_of(path):
    return open(path).read().strip()


def log_in(browser, url, token):
    browser.open(url)
    browser.wait(lambda: browser.state() == "login")
    browser.run("document.getElementById('token').focus()")
    browser.keys(token + ENTER)
    return browser.wait(lambda: browser.state() == "shown")


def check_login(browser, url, token):
    browser.open(url)
    check("without a token the page asks for it", browser.wait(lambda: browser.state() == "login"), browser.state())
    browser.keys("this-is-not-the-token" + ENTER)
    check("a wrong one is refused in words", browser.wait(lambda: "not the token" in browser.text("#login")), browser.text("#login"))
    check("the right one shows the gateway", log_in(browser, url, token), browser.state())
    check("no script can read the cookie", browser.run("return document.cookie") == "")


def check_figures(browser, expect):
    def value(key):
        return browser.run("const e = document.getElementById(arguments[0]); return e ? Number(e.dataset.value) : null", key)
    browser.wait(lambda: all(value(key) == number for key, number in expect["figures"].items()), 25)
    for key, number in sorted(expect["figures"].items()):
        check("%s is what the mail hosts counted: %d" % (key, number), value(key) == number, "the page has %s" % value(key))
    kinds = ["dane_verified", "verified", "encrypted", "clear"]
    drawn = browser.run("""
        const drawn = {}, scale = [...document.querySelectorAll('#plot .tick-y')].map((t) => Number(t.textContent.replace(/,/g, '')));
        const grid = [...document.querySelectorAll('#plot .grid')].map((l) => Number(l.getAttribute('y1')));
        const unit = (grid[0] - grid[grid.length - 1]) / scale[scale.length - 1];
        for (const kind of arguments[0])
            drawn[kind] = [...document.querySelectorAll('#plot rect.s-' + kind)].reduce((s, r) => s + Number(r.getAttribute('height')), 0) / unit;
        return drawn""", kinds)
    for kind in kinds:
        number = expect["figures"].get("kind-" + kind)
        check("the plot draws %s %s" % (number, kind), abs(drawn[kind] - number) < 0.2, drawn)


def check_words(browser, expect):
    verdict = browser.run("return document.getElementById('verdict').className")
    check("the verdict: something to look at", "is-warn" in verdict, verdict + ": " + browser.text("#verdict"))
    check("it names the destination held", expect["held"] in browser.text("#verdict"), browser.text("#verdict"))
    check("the list has it, with its reason", expect["held"] in browser.text("#held") and "tlsa-mismatch" in browser.text("#held"), browser.text("#held"))
    check("reasons: tlsa-mismatch first, and who can mend it", "tlsa-mismatch" in browser.text("#reasons") and "Who can mend it" in browser.text("#reasons"), browser.text("#reasons"))
    check("exceptions: the row with an end", expect["exception"] in browser.text("#exceptions") and "ends in" in browser.text("#exceptions"), browser.text("#exceptions"))
    check("no downgrade, said in words", "shows at least what it showed before" in browser.text("#downgrades"), browser.text("#downgrades"))
    check("reports: their state", "Last day written" in browser.text("#reports"), browser.text("#reports"))
    zone = browser.run("const t = document.querySelector('#updated time'); return [t.textContent, t.title, new Date().getTimezoneOffset()]")
    check("times are the reader's, UTC stands in the title", zone[1].endswith("UTC") and zone[2] == -330 and zone[0][:2] != zone[1][11:13], zone)


def check_search(browser, expect):
    browser.run("document.getElementById('queue-id').focus()")
    browser.keys(expect["waiting_id"] + ENTER)
    check("a message that waits: its attempts, why, and who can mend it",
          browser.wait(lambda: "Waits" in browser.text("#trace") and "tlsa-mismatch" in browser.text("#trace") and "Who can mend it" in browser.text("#trace")), browser.text("#trace"))
    check("with the host, its certificate, what the DNS said, the dialogue", all(word in browser.text("#trace") for word in ("mx.dane-mismatch.example", "refused: tlsa-mismatch", "MX secure", "3 1 1 ")) and browser.run("return document.querySelectorAll('#trace .tried details').length") > 0, browser.text("#trace"))
    browser.run("location.hash = '#trace=' + arguments[0]", expect["delivered_id"])
    check("a message that went out, by its address", browser.wait(lambda: "Delivered" in browser.text("#trace") and "No longer in the queue" in browser.text("#trace")), browser.text("#trace"))
    browser.run("location.hash = '#trace=%3Cimg%20src%3Dx%3E'")
    check("an id that is none, with markup in it, is only text", browser.wait(lambda: "No message with that id" in browser.text("#trace")) and browser.run("return document.querySelectorAll('#trace img').length") == 0, browser.text("#trace"))


def check_keyboard(browser):
    browser.run("document.activeElement.blur(); window.scrollTo(0, 0); document.body.focus()")
    browser.run("document.querySelector('.skip').focus()")
    seen = ["skip"]
    for _ in range(60):
        browser.keys(TAB)
        seen.append(browser.run("const e = document.activeElement; return e.id || e.tagName"))
    for wanted in ("span-day", "live-pause", "queue-id", "SUMMARY"):
        check("the keyboard reaches %s" % wanted, wanted in seen, seen)
    browser.run("document.getElementById('span-day').focus()")
    browser.keys(RIGHT)
    check("and changes the time shown", browser.run("return document.getElementById('span-hour').checked") and "hour" in browser.run("return document.querySelector('#plot svg').getAttribute('aria-label')"))
    unnamed = browser.run("""
        return [...document.querySelectorAll('button, input, a, [role=img], [role=region]')].filter((e) => e.checkVisibility() &&
            !(e.innerText || '').trim() && !e.getAttribute('aria-label') && !(e.labels && e.labels.length)).map((e) => e.outerHTML)""")
    check("everything that can be used has a name for screen readers", unnamed == [], unnamed)


CONTRAST = """
    const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
    const bad = [];
    for (const e of document.querySelectorAll('body *')) {
        if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility() || e.closest('.hidden, .skip, svg')) continue;
        const a = light(rgb(getComputedStyle(e).color)), b = light(ground(e)), ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) bad.push(e.tagName + ' ' + e.className + ' ' + ratio.toFixed(2) + ' ' + e.textContent.slice(0, 30));
    }
    return bad;"""


def check_looks(browser):
    for scheme in ("light", "dark"):
        browser.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        ground = browser.run("return getComputedStyle(document.body).backgroundColor")
        dark = int(ground.split("(")[1].split(",")[0]) < 80
        check("%s scheme is followed" % scheme, dark == (scheme == "dark"), ground)
        poor = browser.run(CONTRAST)
        check("contrast of all text is 4.5 or more (%s)" % scheme, poor == [], poor)
    for width in (320, 375, 768):
        browser.cdp("Emulation.setDeviceMetricsOverride", width=width, height=640, deviceScaleFactor=1, mobile=True)
        time.sleep(0.3)
        wide = browser.run("""const w = document.documentElement.clientWidth; return [document.documentElement.scrollWidth, w,
            ...[...document.querySelectorAll('main *')].filter((e) => e.getBoundingClientRect().right > w + 1 && !e.closest('.scroll, .hidden')).slice(0, 4).map((e) => e.outerHTML.slice(0, 90))]""")
        check("nothing is wider than %d pixels" % width, wide[0] <= width and len(wide) == 2, wide)
    browser.cdp("Emulation.clearDeviceMetricsOverride")


def check_quiet(browser, url):
    wrong = [entry["message"] for entry in browser.log("browser") if entry["level"] == "SEVERE" and "401" not in entry["message"]]
    check("no error on the console, nothing that the Content-Security-Policy had to stop", wrong == [], wrong)
    asked = set()
    for entry in browser.log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.add(message["params"]["request"]["url"])
    foreign = [address for address in asked if not address.startswith((url, "data:", "chrome", "about:"))]
    check("nothing is asked of anybody else (%d addresses)" % len(asked), foreign == [] and len(asked) > 5, foreign)


def run_check(browser, url, token_file, expect_file):
    expect = json.load(open(expect_file))
    check_login(browser, url, token_of(token_file))
    check_figures(browser, expect)
    check_words(browser, expect)
    check_search(browser, expect)
    check_keyboard(browser)
    check_looks(browser)
    check_quiet(browser, url)


def run_gone(browser, url, token_file, pid):
    check("the gateway is shown", log_in(browser, url, token_of(token_file)))
    before = browser.text("#figure-delivered")
    os.kill(int(pid), signal.SIGTERM)
    check("when the daemon goes, the page says so", browser.wait(lambda: "does not answer" in browser.text("#verdict-text"), 40), browser.text("#verdict"))
    check("in red, with what to do", "is-bad" in browser.run("return document.getElementById('verdict').className") and "systemctl" in browser.text("#verdict"))
    check("and keeps the figures, as of then", browser.text("#figure-delivered") == before != "")


# A made-up day in place of the lab's minute: the shape of an office's mail, computed, the same each time.
SAMPLE = """
(() => {
  const real = window.fetch.bind(window);
  const wave = (t, i) => { const h = (t / 3600 + 5.5) % 24; const day = Math.exp(-((h - 10.5) ** 2) / 9) + 0.8 * Math.exp(-((h - 15) ** 2) / 7) + 0.06;
    return day * (0.8 + 0.4 * Math.abs(Math.sin(t / 617 + i * 1.7))); };
  const change = {
    '/history': (j) => {
      const totals = Object.fromEntries(j.columns.map((c) => [c, 0])), share = { accepted: 1.03, dane_verified: 0.31, verified: 0.17, encrypted: 0.49, clear: 0.025, deferred: 0.02, bounced: 0.004 };
      j.since = j.now - 6 * 86400; j.minutes = [];
      for (let m = Math.floor(j.now / 60) - 1439; m <= Math.floor(j.now / 60); m++) {
        const row = [m * 60, ...j.columns.map((c, i) => Math.round(26 * share[c] * wave(m * 60, i) + (share[c] < 0.1 ? 0.45 * Math.sin(m * 12.9898) : 0)))].map((v) => Math.max(0, v));
        j.minutes.push(row); j.columns.forEach((c, i) => { totals[c] += row[i + 1]; });
      }
      j.totals = totals;
      const row = (reason, count, text, who) => ({ reason, count, text, who });
      j.reasons = [row('tlsa-mismatch', 131, 'The certificate of the mail host matches none of its TLSA records.', "the recipient's postmaster"),
        row('reply-temporary', 96, 'The mail host refused for now.', "the recipient's postmaster"),
        row('connect-timeout', 58, 'The mail host did not answer in time.', 'the operator of the network between')];
      return j; },
    '/status': (j) => { j.hostname = 'gw.example.org'; j.queue.messages = 37; j.queue.destinations_held = 1; j.queue.oldest = Math.floor(Date.now() / 1000) - 2460;
      j.reports = { ...j.reports, last_day: new Date(Date.now() - 86400000).toISOString().slice(0, 10), last_files: 412, days: 6, failures: 0 };
      j.submissions = { ...j.submissions, configured: true, mail_taken: 1190, https_taken: 203, waiting: 14, dropped: 0, suspended: [] };
      return j; },
  };
  window.fetch = async (path, options) => {
    const answer = await real(path, options);
    if (!change[path] || !answer.ok) return answer;
    return new Response(JSON.stringify(change[path](await answer.json())), { status: 200 });
  };
})();"""


def run_shots(browser, url, token_file, directory):
    browser.cdp("Page.addScriptToEvaluateOnNewDocument", source=SAMPLE)
    log_in(browser, url, token_of(token_file))
    time.sleep(1)
    for scheme in ("light", "dark"):
        browser.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        browser.shot("%s/dashboard-%s.png" % (directory, scheme), 1180, 1330)
    browser.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])
    browser.shot("%s/dashboard-phone.png" % directory, 360, 1280)
    browser.cdp("Emulation.clearDeviceMetricsOverride")
    browser.run("fetch('/queue?limit=1').then((a) => a.json()).then((j) => { location.hash = '#trace=' + j.queue[0].queue_id; })")
    browser.wait(lambda: "Who can mend it" in browser.text("#trace"))
    browser.run("document.querySelector('#trace .tried details').open = true; document.getElementById('trace-title').parentElement.scrollIntoView()")
    browser.shot("%s/dashboard-trace.png" % directory, 1180, 800)
    for name in ("light", "dark", "phone", "trace"):
        size = os.path.getsize("%s/dashboard-%s.png" % (directory, name))
        check("dashboard-%s.png: %d octets, below 200 KB" % (name, size), 10000 < size < 200000)


def main():
    commands = {"check": run_check, "gone": run_gone, "shots": run_shots}
    if len(sys.argv) < 4 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    browser = Browser()
    try:
        commands[sys.argv[1]](browser, *sys.argv[2:])
    finally:
        browser.close()
    sys.exit(1 if failures else 0)


main()
