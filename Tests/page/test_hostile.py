"""J7, J8: names and values that would be markup, or that nobody would see."""
import json
import re

import stocking
from agents import Agent, manifest
from browsing import VIEWS, ask
from origin import Origin
from stocking import telemetry
from suite import check, check_equal, test

SCRIPT = "<script>alert('script')</script>"
IMAGE = "\"><img src=x onerror=\"alert('image')\">"
CLOSING = "</pre></details></main></textarea></title><svg onload=alert('svg')>"
BIDI = "safe\u202egnp.exe\u2066\u200b\ufeff"
CONTROL = "\x1b[31mred\x07\x01\u0085\u2028\r\ndata: x\r\n\r\n"
VALUES = {"script": SCRIPT, "image": IMAGE, "closing": CLOSING, "bidi": BIDI, "control": CONTROL, "quotes": "'\"`&lt;&amp;&#60;", "javascript:alert(1)": "a",
          SCRIPT: IMAGE, "large": "<b>" + 8000 * "x" + "\U0001f600"}
# What the page is made of.
OURS = {"html", "head", "meta", "link", "title", "body", "a", "header", "nav", "ul", "li", "main", "h1", "h2", "h3", "section", "p", "form", "input", "button",
        "span", "dl", "div", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td", "pre", "code", "details", "summary", "time", "figure",
        "figcaption", "svg", "rect", "polyline", "footer", "noscript", "script"}
# Bytes that change how text is read or shown, and no page needs.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")


def recorded(world, tool):
    """All of it, as event, error, span and metric."""
    properties = json.dumps(VALUES)
    for name in (SCRIPT, IMAGE, CLOSING, BIDI):
        world.run(["sh", "-c", f"printf '%s' \"$1\" | '{stocking.TELEMETRY}' track \"$2\" --tool {tool} --properties -", "-", properties, name])
    for value in (SCRIPT, IMAGE, BIDI):
        telemetry(world, tool, "count", "jobs", "--attribute", f"kind={value}")
        telemetry(world, tool, "span", "--name", value, "--attribute", f"kind={value}", "--", "true")
    for wrong in (b"bad\xff\xfe<i>", b"\xed\xa0\x80", b"\xc0\xaf"):
        world.run([stocking.TELEMETRY, "track", wrong, "--property", b"bad=" + wrong, "--tool", tool], expected=None)


def looked_at(world, browser, tool):
    """Every view, with script and live."""
    for path in VIEWS:
        browser.go(path, tool)
        if path == "/live":
            browser.page.get_by_text("Live: changes are shown").wait_for()
        for details in browser.page.locator("details").all():
            details.evaluate("element => { element.open = true; }")
        tags = set(browser.page.evaluate("[...document.querySelectorAll('*')].map(each => each.localName)"))
        check_equal(set(), tags - OURS, f"elements of {path} that are not its own")
        scripts = browser.page.evaluate("[...document.scripts].map(each => each.getAttribute('src') + each.textContent)")
        check_equal(["/live.js"] if path == "/live" else [], scripts, f"scripts of {path}")
        wrong = browser.page.evaluate("[...document.querySelectorAll('*')].flatMap(each => each.getAttributeNames()).filter(each => /^on|^style$/.test(each))")
        check_equal([], wrong, f"attributes of {path}")
        links = browser.page.evaluate("[...document.querySelectorAll('[href], [src], [action]')].map(each => each.href ?? each.src ?? each.action)")
        check(all(str(each).startswith(browser.origin + "/") for each in links), f"links of {path}: {links}")
        _, _, body = ask(browser.origin, path + (f"?tool={tool}" if path != "/" else ""), cookie=browser.cookie)
        found = UNSEEN.search(body.decode("utf-8"))
        check(found is None, f"{path} has {found and body.decode()[max(0, found.start() - 60):found.end() + 60]!r}")
    check_equal(None, browser.page.evaluate("window.alarm ?? null"), "what a script has done")
    check_equal([], browser.complaints, "complaints")
    check_equal([], browser.others(), "requests to others")


@test("hostile/waiting", "J7 J8")
def waiting(world):
    """Markup, quotes, invisible characters, long values and broken text in all that waits: shown as text, and nothing runs."""
    manifest(world, "hostile", stocking.NOBODY, backend={"kind": "otlp", "endpoint": stocking.NOBODY, "signals": ["events", "metrics", "spans"],
                                                         "protocol": "http/json", "compression": "none"})
    recorded(world, "hostile")
    agent = Agent(world)
    browser = world.browser()
    looked_at(world, browser, "hostile")
    text = browser.go("/live", "hostile")
    check(SCRIPT in text and IMAGE in text and CLOSING in text, f"names as text: {text}")
    check("\u202e" not in text and "safe" in text, "the name with a mark of direction")
    text = browser.go("/waiting", "hostile")
    check("<script>alert" in text, "values as text")
    check(SCRIPT in browser.go("/tool", "hostile"), "an attribute of a metric as text")
    agent.end()


@test("hostile/sent", "J7 J8")
def sent(world):
    """The same of what was sent, of a manifest's texts, of addresses, receipts and errors of a receiver."""
    def refusing(_):
        return 400, {"Content-Type": "text/html"}, (SCRIPT + BIDI + IMAGE).encode()
    origin = world.closes(Origin())
    manifest(world, "hostile", origin.url + "/%3Cscript%3E?a='%22>", deletion={"endpoint": origin.url + "/'onload='x"},
             events={"known": {"type": "feature.used", "description": SCRIPT, "attributes": {"a": {"type": "string", "description": IMAGE}}}})
    for value in (SCRIPT, IMAGE, BIDI, CLOSING):
        world.run([stocking.TELEMETRY, "track", "known", "--property", "a=" + value, "--tool", "hostile"], expected=None)
    telemetry(world, "hostile", "deliver", "--now")
    telemetry(world, "hostile", "request-deletion", expected=None)
    origin.answer = refusing
    telemetry(world, "hostile", "track", "known", "--property", "a=" + IMAGE)
    telemetry(world, "hostile", "deliver", "--now", expected=None)
    agent = Agent(world)
    browser = world.browser()
    looked_at(world, browser, "hostile")
    check(SCRIPT in browser.go("/schema", "hostile"), "a description as text")
    # A name that is no name of a tool is not shown at all.
    for name in (SCRIPT, IMAGE, "a/../b", "%00", "x" * 500):
        check_equal(404, ask(browser.origin, "/tool?tool=" + "".join(f"%{byte:02X}" for byte in name.encode()), cookie=browser.cookie)[0], f"status for {name!r}")
    agent.end()
