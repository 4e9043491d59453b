"""J7: for everybody: keyboard alone, two colour schemes, two widths, axe-core; and no request to anybody else."""
import json
import os

import axe_playwright_python
import stocking
from agents import Agent
from browsing import VIEWS, ask, wait_until
from suite import check, check_equal, test

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}
NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
TOOLS = ("sent", "waiting", "mine")


def axe():
    with open(os.path.join(os.path.dirname(axe_playwright_python.__file__), "axe.min.js"), encoding="utf-8") as file:
        return file.read()


def places(*tools):
    """(path, tool) of every view."""
    return [("/", None), *[(path, tool) for tool in tools for path in VIEWS[1:]]]


def stocked(world):
    # Of one tool the user keeps what the author gets, too.
    stocking.own(world, others=["sent"])
    stocking.sent(world, rounds=2)
    stocking.waiting(world)
    stocking.erased(world)
    stocking.broken(world)
    return Agent(world)


def opened(browser, path, tool):
    """With all that can be opened on it."""
    browser.go(path, tool)
    browser.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")


def examined(browser, where):
    """By axe-core."""
    found = browser.page.evaluate("rules => axe.run(document, rules)", RULES)
    check(found["testEngine"]["version"] >= "4.1" and found["url"] == browser.page.url, f"{found['testEngine']}")
    wrong = [(each["id"], [node["html"][:200] + " " + node["failureSummary"] for node in each["nodes"][:3]]) for each in found["violations"]]
    check_equal([], wrong, f"violations in {where}")


@test("reach/axe", "J7")
def accessible(world):
    """Every view, in light and dark, narrow and wide: axe-core finds nothing, and the page does not move sideways."""
    agent = stocked(world)
    source = axe()
    browser = world.browser()
    seen = 0
    for path, tool in [*places("sent"), ("/tool", "mine"), ("/waiting", "waiting"), ("/receipts", "erased"), ("/tool", "broken")]:
        opened(browser, path, tool)
        browser.page.evaluate(source)
        for scheme in ("light", "dark"):
            browser.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for size in (NARROW, WIDE):
                browser.page.set_viewport_size(size)
                where = f"{path} of {tool}, {scheme}, {size['width']}"
                paper = browser.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
                check_equal("rgb(255, 255, 255)" if scheme == "light" else "rgb(13, 17, 23)", paper, f"paper of {where}")
                moves = browser.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
                check(moves[0] <= moves[1], f"{where} is {moves[0]} wide of {moves[1]}")
                examined(browser, where)
                seen += 1
        browser.page.set_viewport_size({"width": 320, "height": 740})
        moves = browser.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        check(moves[0] <= moves[1], f"{path} of {tool} is {moves[0]} wide of {moves[1]}")
    # What is refused and what is not found has the same form.
    browser.go("/tool", expected=404)
    browser.page.evaluate(source)
    examined(browser, "a page that is not there")
    agent.end()
    return f"{seen} combinations"


STOPS = """() => {
  const each = document.activeElement;
  if (each === null || each === document.body) return null;
  each.scrollIntoViewIfNeeded();
  const style = getComputedStyle(each), box = each.getBoundingClientRect();
  const number = [...document.querySelectorAll('*')].indexOf(each);
  return {number, tag: each.localName, text: (each.ariaLabel ?? each.textContent).trim().slice(0, 60), href: each.getAttribute('href'),
          outline: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
          visible: box.width > 0 && box.height > 0 && box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight};
}"""
EXPECTED = """() => [...document.querySelectorAll('a[href], button, summary, [tabindex="0"], input:not([type=hidden])')]
  .filter(each => each.checkVisibility()).map(each => [...document.querySelectorAll('*')].indexOf(each))"""
SCROLLED = """() => [...document.querySelectorAll('main *')].filter(each => /auto|scroll/.test(getComputedStyle(each).overflowX)
  && each.scrollWidth > each.clientWidth && each.tabIndex !== 0).map(each => each.outerHTML.slice(0, 100))"""


@test("reach/keyboard", "J7")
def keyboard(world):
    """Tab comes to each link, button and scrolled part, in their order; each is seen to have the focus; the first skips to the content."""
    agent = stocked(world)
    browser = world.browser(viewport=NARROW)
    for path, tool in [*places("sent"), ("/waiting", "waiting"), ("/tool", "mine")]:
        browser.go(path, tool)
        if path == "/live":
            browser.page.get_by_text("Live: changes").wait_for()
        expected = browser.page.evaluate(EXPECTED)
        check_equal([], browser.page.evaluate(SCROLLED), f"parts of {path} that move and cannot be reached")
        stops = []
        for _ in range(len(expected)):
            browser.page.keyboard.press("Tab")
            stop = browser.page.evaluate(STOPS)
            check(stop is not None, f"{path}: Tab leaves the page after {stops}")
            check(stop["outline"] and stop["visible"], f"{path}: the focus is not seen: {stop}")
            stops.append(stop)
        check_equal(expected, [stop["number"] for stop in stops], f"order in {path} of {tool}: {[stop['text'] for stop in stops]}")
        check_equal(("Skip to the content", "#main"), (stops[0]["text"], stops[0]["href"]), f"the first stop of {path}")
    # The skip link skips, a part of the page opens, and a long text moves, all by keys.
    browser.go("/sent", "sent")
    browser.page.keyboard.press("Tab")
    browser.page.keyboard.press("Enter")
    browser.page.keyboard.press("Tab")
    check_equal("summary", browser.page.evaluate(STOPS)["tag"], "after the skip link")
    browser.page.keyboard.press("Enter")
    check_equal(True, browser.page.evaluate("document.activeElement.parentElement.open"), "whether Enter opens an entry")
    browser.go("/waiting", "waiting")
    browser.page.locator("pre").focus()
    browser.page.keyboard.press("ArrowRight")
    wait_until(lambda: browser.page.locator("pre").evaluate("each => each.scrollLeft") > 0, "the text moves")
    agent.end()


@test("reach/requests", "J7 J8")
def requests(world):
    """Each view asks nobody but the agent, and its policy lets it ask nobody; there is no code or style in the page itself."""
    agent = stocked(world)
    browser = world.browser()
    connections = browser.context.new_cdp_session(browser.page)
    connections.send("Network.enable")
    asked = []
    connections.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
    connections.on("Network.webSocketCreated", lambda event: asked.append(event["url"]))
    for path, tool in places(*TOOLS):
        browser.go(path, tool)
        fields = browser.last.headers
        for name, value in {"x-frame-options": "DENY", "referrer-policy": "same-origin", "x-content-type-options": "nosniff", "cache-control": "no-store",
                            "cross-origin-opener-policy": "same-origin"}.items():
            check_equal(value, fields.get(name), f"{name} of {path}")
        policy = fields["content-security-policy"]
        for part in ("default-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"):
            check(part in policy.split("; "), f"{part} in {policy}")
        check("unsafe" not in policy, policy)
        inline = browser.page.evaluate("[...document.querySelectorAll('script:not([src]), style, [style], [onclick], [onload]')].map(each => each.outerHTML)")
        check_equal([], inline, f"code and style in {path}")
    # The policy is not only there: Chromium keeps to it.
    browser.page.evaluate("fetch('http://127.0.0.1:9/').catch(() => {})")
    browser.page.evaluate("new Promise(done => { const image = new Image(); image.onerror = done; image.src = 'http://127.0.0.1:9/x.png'; })")
    check(sum("Content Security Policy" in each for each in browser.complaints) >= 2, f"{browser.complaints}")
    others = {each for each in asked if not each.startswith((browser.origin + "/", "data:"))} - {"http://127.0.0.1:9/", "http://127.0.0.1:9/x.png"}
    check_equal(set(), others, "requests to others")
    check(len(asked) > 2 * len(places(*TOOLS)), f"only {len(asked)} requests were seen")
    for path, kind in {"/style.css": "text/css", "/live.js": "text/javascript", "/icon.svg": "image/svg+xml"}.items():
        status, fields, body = ask(browser.origin, path)
        check_equal((200, kind, "nosniff"), (status, fields["Content-Type"].partition(";")[0], fields["X-Content-Type-Options"]), path)
        # They say nothing about anybody, and name nobody else.
        check(b"http" not in body.replace(b"http://www.w3.org/2000/svg", b"") and b"url(" not in body, path)
    agent.end()
    return json.dumps({"requests": len(asked)})
