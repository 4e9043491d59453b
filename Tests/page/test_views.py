"""J7: what each view shows of real data."""
import gzip
import json
import os
import re

import stocking
from agents import Agent, environment_of, manifest
from browsing import VIEWS, ask
from origin import Origin
from stocking import refuse, telemetry
from suite import check, check_equal, test
from world import CLOCK, TOOL


def table(browser, caption):
    """Its rows, a closed part of the page included."""
    rows = browser.page.locator("table").filter(has=browser.page.locator("caption", has_text=re.compile(f"^{re.escape(caption)}$"))).first.locator("tbody tr")
    return [[cell.strip() for cell in row.locator("th, td").all_text_contents()] for row in rows.all()]


def facts(place):
    """{label: value}"""
    return dict(zip(place.locator("dt").all_text_contents(), place.locator("dd").all_text_contents()))


def saved(browser, number=0):
    """The bytes of a request as the browser saves them, and the file's name."""
    with browser.page.expect_download() as waiting:
        browser.page.get_by_role("link", name=re.compile("^Save request")).nth(number).click()
    with open(waiting.value.path(), "rb") as file:
        return file.read(), waiting.value.suggested_filename


def wire(world, tool, *arguments):
    """What the helper shows, to the byte."""
    path = world.path("wire")
    with open(path, "wb") as file:
        world.run(["sh", "-c", f"exec '{stocking.TELEMETRY}' show --wire --tool {tool} {' '.join(arguments)} >'{path}'"])
    with open(path, "rb") as file:
        return file.read()


@test("views/overview", "J7")
def overview(world):
    """Each tool with its state, who decided, what waits, a switch and a link; no other file is taken for a tool."""
    stocking.waiting(world)
    stocking.broken(world)
    stocking.own(world)
    agent = Agent(world)
    browser = world.browser()
    items = {item.locator("h3").inner_text(): item for item in browser.page.locator("ul.tools > li").all()}
    check_equal([*sorted(["broken", TOOL, "mine", "waiting"])], list(items), "tools")
    check("4 tools" in browser.text, "number of tools")
    on = facts(items["waiting"])
    check_equal(("preference file: the user enabled it", "3 events", "never", f"http: POST {stocking.NOBODY}"),
                tuple(on[name] for name in ("Decided by", "Waiting", "Last delivery", "Goes to")), "the tool with events")
    check_equal("preference file: the user disabled it", facts(items["mine"])["Decided by"], "the refused tool")
    check("broken.yaml:1:" in items["broken"].inner_text() and "enabeld: unknown key" in items["broken"].inner_text(), "the mistake")
    check(not items["broken"].locator(".warning").inner_text().startswith("status:"), "a command's name in a page")
    states = {name: item.get_by_role("switch").get_attribute("aria-checked") for name, item in items.items()}
    check_equal({"broken": "false", TOOL: "true", "mine": "false", "waiting": "true"}, states, "switches")
    items["waiting"].get_by_role("link", name="waiting").click()
    check_equal("/tool?tool=waiting", browser.where, "where the link goes")
    agent.end()


@test("views/empty", "J7")
def empty(world):
    """A user who has no tool sees that; a tool that nobody has is not found."""
    os.rename(world.path("home", ".config"), world.path("home", "away"))
    agent = Agent(world)
    browser = world.browser()
    check("No tool has recorded anything here" in browser.text, browser.text)
    for path in VIEWS[1:]:
        check("does not name a tool" in browser.go(path, expected=404), "without a tool")
        check("does not name a tool" in browser.go(path, "../x", expected=404), "with a name that none can have")
    check("Nothing that was recorded is here." in browser.go("/tool", "unknown"), "a tool that nobody has heard of")
    check(not os.path.exists(world.path("home", ".local", "state", "telemetry", "unknown")), "looking has made something")
    agent.end()


@test("views/state", "J7")
def state(world):
    """State and reasons are those of `status` and `explain`; a wrong manifest and a refusal are said in words."""
    agent = Agent(world)
    stocking.waiting(world)
    browser = world.browser()
    browser.go("/tool", "waiting")
    status = json.loads(telemetry(world, "waiting", "status", "--json").stdout)
    said = facts(browser.page.locator("main"))
    check_equal(("on", status["manifest"], "3 recorded, 0 delivered, 3 pending, 0 dropped, 0 refused"),
                tuple(said[name] for name in ("Your answer", "Manifest", "Events")), "facts")
    check_equal(["http", "3"], [table(browser, "Where it goes")[0][index] for index in (0, 2)], "where it goes")
    explained = json.loads(telemetry(world, "waiting", "explain", "--json").stdout)["sources"]
    rows = table(browser, "Sources of the decision, the highest first")
    check_equal([each["source"] for each in explained], [row[0] for row in rows], "sources")
    check_equal(["preference file"], [row[0] for row in rows if row[2] == "yes"], "who decides")
    refuse(world, "waiting")
    browser.page.reload()
    check("Telemetry is off: the user disabled it." in browser.text, "a refusal")
    stocking.broken(world)
    for path in VIEWS[1:]:
        text = browser.go(path, "broken")
        check("enabeld: unknown key" in text, f"the mistake in {path}: {text}")
    agent.end()


@test("views/waiting", "J7 A17")
def waiting(world):
    """A request that waits is shown, and saved as `show --wire` gives it; its receiver then gets exactly that."""
    origin = world.closes(Origin(503))
    manifest(world, "waiting", origin.url + "/in")
    for number in range(3):
        telemetry(world, "waiting", "track", f"event {number}", "--property", f"number:int={number}")
    agent = Agent(world)
    browser = world.browser()
    text = browser.go("/waiting", "waiting")
    bytes_, name = saved(browser)
    check_equal("waiting-request-1.bin", name, "the file's name")
    fields = ask(browser.origin, "/waiting/request?tool=waiting&number=1", cookie=browser.cookie)[1]
    check_equal(("application/octet-stream", 'attachment; filename="waiting-request-1.bin"'), (fields["Content-Type"], fields["Content-Disposition"]), "the file")
    check_equal(wire(world, "waiting"), bytes_ + b"\n", "show --wire")
    check(f"{len(bytes_)} bytes" in text, "its length")
    shown = browser.page.get_by_role("region", name="Request 1 of Events and metrics").text_content()
    check_equal(bytes_.decode().replace("\r", ""), shown, "what is shown")
    agent.end()
    before = len(origin.requests)
    origin.answer = 200
    telemetry(world, "waiting", "deliver", "--now")
    got, = origin.requests[before:]
    head, _, body = bytes_.partition(b"\r\n\r\n")
    check_equal(body, got.body, "the body that its receiver gets")
    lines = head.decode().split("\r\n")
    check_equal(lines[0], f"{got.method} {got.path} HTTP/1.1", "its first line")
    check_equal(sorted(lines[1:]), sorted(f"{name}: {value}" for name, value in got.headers.items()), "its header")


@test("views/binary", "J7 A17")
def binary(world):
    """A body in protobuf is shown as hexdump(1) shows it; the saved file is what its receiver unpacks."""
    origin = world.closes(Origin(503))
    stocking.binary(world, endpoint=origin.url)
    agent = Agent(world)
    browser = world.browser()
    text = browser.go("/waiting", "binary")
    check("compressed on its way" in text and "Content-Encoding: gzip" in text, "that it is compressed")
    bytes_, _ = saved(browser)
    check_equal(wire(world, "binary"), bytes_ + b"\n", "show --wire")
    head, _, body = bytes_.partition(b"\r\n\r\n")
    shown = browser.page.get_by_role("region", name="Request 1 of Events and metrics").text_content()
    dump = shown.partition("\n\n")[2]
    back = b"".join(bytes.fromhex(line[9:58]) for line in dump.splitlines())
    check_equal(body, back, "the dump")
    check(dump.splitlines()[0].endswith(" .........service"), dump.splitlines()[0])
    agent.end()
    before = len(origin.requests)
    origin.answer = 200
    telemetry(world, "binary", "deliver", "--now")
    got, = origin.requests[before:]
    check_equal(body, gzip.decompress(got.body), "what its receiver unpacks")


@test("views/long", "J7")
def long(world):
    """Of a long request the page shows the beginning, and says how much more the file has; other numbers are not found."""
    manifest(world, "long", stocking.NOBODY)
    for number in range(120):
        telemetry(world, "long", "track", "long", "--property", "text=" + "x" * 900, "--property", f"n:int={number}")
    agent = Agent(world)
    browser = world.browser()
    text = browser.go("/waiting", "long")
    bytes_, _ = saved(browser)
    body = bytes_.partition(b"\r\n\r\n")[2]
    check(len(body) > 65536, f"only {len(body)} bytes")
    check(f"… and {len(body) - 65536} bytes more, which the file has" in text, text[-700:])
    check("HTTP/1.1" in text, "the head")
    for query in ("part=0&number=0", "part=0&number=9999", "part=0&number=-1", "part=9&number=1", "part=-1&number=1", "part=0&number=x",
                  "part=99999999999999999999&number=1", "number=9223372036854775807", "part=0&number=-9223372036854775808", ""):
        check_equal(404, ask(browser.origin, f"/waiting/request?tool=long&{query}", cookie=browser.cookie)[0], f"status for {query}")
    agent.end()


@test("views/sent", "J7")
def sent(world):
    """What was sent, with the verification; after a byte has been altered the page says where."""
    receiver = stocking.sent(world, rounds=3)
    agent = Agent(world)
    browser = world.browser()
    text = browser.go("/sent", "sent")
    check_equal(3, text.count("Verified: 3 entries, unbroken."), "unbroken logs")
    check_equal(["Events", "Metrics", "Spans"], browser.page.locator("main h2").all_text_contents()[:3], "parts")
    first = browser.page.locator("section[aria-label=Events] details").last
    first.locator("summary").click()
    entry, = json.loads(first.locator("pre").inner_text())
    check_equal(("export", 1200), (entry["events"][0]["name"], entry["events"][0]["metadata"]["rows"]), "the first entry")
    check(receiver.url in first.locator("summary").inner_text(), "to whom")
    log = world.path("home", ".local", "state", "telemetry", "sent", "sent.jsonl")
    with open(log, "rb") as file:
        lines = file.read().split(b"\n")
    lines[1] = lines[1].replace(b"1200", b"1201")
    with open(log, "wb") as file:
        file.write(b"\n".join(lines))
    text = browser.go("/sent", "sent")
    check_equal(2, text.count("Verified: 3 entries, unbroken."), "the other logs")
    check(re.search(re.escape(os.path.basename(log)) + r", line 2\b", text) and "Broken: " in text, f"where: {text[:900]}")
    # What is no entry at all, and what is nested deeper than anybody writes.
    for damage in (b"\xff\xfe<b>", b"[" * 200_000, b'{"seq":' + b"[" * 100_000 + b"]" * 100_000 + b"}", b'{"seq":1,"event":{"a":"\\', b"{}"):
        with open(log, "wb") as file:
            file.write(b"\n".join([lines[0], damage, *lines[2:]]))
        text = browser.go("/sent", "sent")
        check("Broken: " in text, f"after {damage[:20]}: {text[:500]}")
        browser.go("/tool", "sent")
    agent.end()


@test("views/pages", "J7")
def pages(world):
    """Of many entries 25 are shown at a time, and links go to older and newer ones."""
    origin = world.closes(Origin())
    manifest(world, "many", origin.url)
    for number in range(30):
        telemetry(world, "many", "track", f"event {number}")
        telemetry(world, "many", "deliver", "--now")
    agent = Agent(world)
    browser = world.browser()
    seen = []
    browser.go("/sent", "many")
    while True:
        seen += browser.page.locator("details.entry summary span:first-child").all_text_contents()
        older = browser.page.get_by_role("link", name="Older entries")
        if older.count() == 0:
            break
        older.click()
    check_equal([str(number) for number in range(30, 0, -1)], seen, "entries")
    browser.page.get_by_role("link", name="Newer entries").click()
    check_equal("30", browser.page.locator("details.entry summary span:first-child").first.text_content(), "newer ones")
    for query in ("chain=0&before=-5", "chain=0&before=99999", "chain=0&before=9223372036854775807", "chain=-1&before=x", "chain=0&before=0"):
        check_equal(200, browser.page.goto(f"{browser.origin}/sent?tool=many&{query}").status, query)
    agent.end()


@test("views/receipts", "J7")
def receipts(world):
    """Schema, and the receipt of a request for erasure, as the commands have them."""
    agent = Agent(world)
    stocking.erased(world)
    browser = world.browser()
    check("Nobody was asked from here" in browser.go("/receipts", TOOL), "a tool without one")
    browser.go("/receipts", "erased")
    receipt = json.loads(telemetry(world, "erased", "request-deletion", "--list", "--json").stdout)["receipts"][0]
    check_equal({name: str(value) for name, value in receipt.items() if value is not None},
                {name: value for name, value in facts(browser.page.locator("main")).items() if value != "none"}, "the receipt")
    browser.go("/schema", "erased")
    check_equal(telemetry(world, "erased", "show", "--schema").stdout.strip(), browser.page.locator("pre").inner_text().strip(), "the schema")
    agent.end()


@test("views/charts", "J7")
def charts(world):
    """The numbers of the bars add up to the records; metrics over time are those that were sent."""
    stocking.sent(world, rounds=3)
    agent = Agent(world)
    manifest(world, "sent", stocking.NOBODY, backend={"kind": "otlp", "endpoint": stocking.NOBODY, "signals": ["events", "metrics", "spans"]})
    telemetry(world, "sent", "track", "later")
    browser = world.browser()
    browser.go("/tool", "sent")
    figure = browser.page.locator("figure").first
    caption = figure.locator("figcaption").inner_text().rstrip(".")
    rows = table(browser, caption)
    check_equal([6, 1, 0], [sum(int(row[column]) for row in rows) for column in (1, 2, 3)], "sent, waiting and not taken")
    check(figure.locator(".chart rect").count() >= 2, "bars")
    check_equal(["sent: 6", "waiting: 1", "not taken: 0"], [each.strip() for each in figure.locator("li").all_text_contents()], "legend")
    label = figure.locator("[role=img]").get_attribute("aria-label")
    highest = max(int(row[1]) + int(row[2]) + int(row[3]) for row in rows)
    check(label.endswith(f"the highest bar is {highest}"), label)
    check_equal(["3", "4", "5"], [row[1] for row in table(browser, "jobs (kind=nightly): added since the request before")], "the counter in each request")
    check_equal(["10", "9", "8"], [row[1] for row in table(browser, "queue")], "the gauge")
    check_equal(["3", "3", "3"], [row[1] for row in table(browser, "seconds: added since the request before")], "the histogram's values")
    check_equal(9, sum(int(row[1]) for row in table(browser, "seconds by size")), "values in the buckets")
    now = {row[0]: row[2] for row in table(browser, "Values of the metrics")}
    check_equal(("12", "8.0"), (now["jobs"], now["queue"]), "values now")
    agent.end()


@test("views/times", "J7")
def times(world):
    """Records of any time are in the chart: what a clock has made that went wrong, too."""
    manifest(world, "clock", stocking.NOBODY)
    clock = world.preload("clock", CLOCK)
    for years in (-56, -10, 0, 30):
        telemetry(world, "clock", "track", "x", environment={"LD_PRELOAD": clock, "SHIFT": str(years * 31556952)})
    agent = Agent(world)
    browser = world.browser()
    browser.go("/tool", "clock")
    caption = browser.page.locator("figcaption").first.inner_text().rstrip(".")
    check_equal(4, sum(int(row[2]) for row in table(browser, caption)), f"records in the chart: {table(browser, caption)}")
    agent.end()


@test("views/own", "J7 H14")
def own(world):
    """What is kept for the user's own receivers is shown beside a refusal, and the page does not say that it stays here."""
    receiver = stocking.own(world)
    agent = Agent(world)
    browser = world.browser()
    text = browser.go("/waiting", "mine")
    check("nothing goes to the author" in text and "What receivers of your own get is sent all the same." in text, text)
    check(f"POST {receiver.url}/v1/metrics" in text and '"asInt":"9"' in text, "the next request")
    text = browser.go("/sent", "mine")
    check("Metrics, to receivers of your own" in text and "Spans, to receivers of your own" in text, text)
    browser.go("/tool", "mine")
    check_equal([["visits", "", "9", "counter"]], table(browser, "Values of the metrics kept for you"), "metrics")
    check_equal(["7"], [row[1] for row in table(browser, "visits, kept for you: added since the request before")], "sent")
    check(facts(browser.page.locator("main"))["Kept for you"].startswith("yes: "), "who asks for it")
    agent.end()


@test("views/curl", "J7")
def curl(world):
    """The command of docs/page.md shows the same over the Unix socket, without a token."""
    with open(os.path.join(os.path.dirname(__file__), "..", "..", "docs", "page.md"), encoding="utf-8") as file:
        command, = re.findall(r"^curl --unix-socket .*$", file.read(), re.MULTILINE)
    stocking.waiting(world, tool="mytool")
    agent = Agent(world)
    shown = world.run(["sh", "-c", command], environment=environment_of(world)).stdout
    check("event 2" in shown and shown.rstrip().endswith("</html>"), shown[-500:])
    check_equal(json.loads(telemetry(world, "mytool", "status", "--json").stdout)["events"]["pending"], 3, "what waits")
    agent.end()
