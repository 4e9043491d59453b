"""J8: who may see the page, and what may come over its port."""
import os
import secrets
import signal
import socket
import sys
import urllib.parse

import stocking
from agents import Agent, children
from browsing import FORM, VIEWS, ask, wait_until
from listening import exchange, get, is_open
from origin import Origin
from stocking import telemetry
from suite import Failed, Skipped, check, check_equal, test
from test_live import page_processes
from test_switch import answer
from world import USER

SENTENCE = b"The page is shown to a browser that was opened by 'telemetry view', whose address counts once. Run 'telemetry view' again."
# A page of another site tries all that a browser lets it try. What it got stands in `got`.
ATTACK = """<!DOCTYPE html><meta charset="utf-8"><title>other</title>
<form id="form" method="post" action="TARGET/answer" target="frame"><input name="tool" value="waiting"><input name="answer" value="off">
<input name="form" value="0123"></form>
<iframe name="frame"></iframe><iframe id="page" src="TARGET/"></iframe>
<script>
const got = {}, target = "TARGET";
const text = async (name, ...request) => {
  try { const answer = await fetch(...request); got[name] = answer.type === "opaque" ? "" : answer.status + " " + await answer.text(); }
  catch (error) { got[name] = ""; }
};
const loaded = (name, element, attribute, url) => new Promise(done => {
  element.onload = () => { got[name] = "loaded"; done(); };
  element.onerror = () => { got[name] = ""; done(); };
  element[attribute] = url;
  document.head.append(element);
});
const form = new URLSearchParams({tool: "waiting", answer: "off"});
const done = (async () => {
  await text("fetch", target + "/", {credentials: "include"});
  await text("fetch without cors", target + "/", {credentials: "include", mode: "no-cors"});
  await text("fetch /tool", target + "/tool?tool=waiting", {credentials: "include"});
  await text("fetch /live/stream", target + "/live/stream?tool=waiting", {credentials: "include"});
  await text("post", target + "/answer", {method: "POST", credentials: "include", mode: "no-cors", body: form});
  await text("post without referrer", target + "/answer", {method: "POST", credentials: "include", mode: "no-cors", body: form, referrerPolicy: "no-referrer"});
  await text("beacon", "data:,x");
  navigator.sendBeacon(target + "/answer", form);
  document.getElementById("form").submit();
  await loaded("script", document.createElement("script"), "src", target + "/live.js");
  await loaded("page as script", document.createElement("script"), "src", target + "/");
  await loaded("image", document.createElement("img"), "src", target + "/icon.svg");
  const style = document.createElement("link");
  style.rel = "stylesheet";
  await loaded("style", style, "href", target + "/style.css");
  await new Promise(done => {
    const source = new EventSource(target + "/live/stream?tool=waiting", {withCredentials: true});
    source.onmessage = event => { got.stream = event.data; source.close(); done(); };
    source.onerror = () => { got.stream = ""; source.close(); done(); };
  });
  try { got.frame = document.getElementById("page").contentDocument.body.innerText; } catch (error) { got.frame = ""; }
  delete got.beacon;
  return got;
})();
</script>"""


def arranged(world, *arguments, **options):
    """A tool with an event that waits, an agent, and a browser in which the page is open."""
    stocking.waiting(world, events=1)
    agent = Agent(world, *arguments, **options)
    return agent, world.browser()


def untouched(world):
    """Nothing was switched and nothing was erased."""
    check_equal(("true", None), (answer(world, "waiting"), answer(world, "_all")), "answers")
    check_equal(1, stocking.pending(world, "waiting"), "what waits")


@test("access/other-site", "J8 J7")
def other_site(world):
    """A page of another port or host, in the same browser, with its cookie: nothing is read, nothing is switched, nothing is shown."""
    agent, browser = arranged(world)
    target = browser.origin
    other = world.closes(Origin(lambda asked: (200, {"Content-Type": "text/html"}, ATTACK.replace("TARGET", target).encode())))
    for host in ("127.0.0.1", "localhost"):
        page = browser.context.new_page()
        page.goto(f"http://{host}:{other.port}/")
        got = page.evaluate("done")
        check_equal(12, len(got), f"attempts: {got}")
        check_equal({name: "" for name in got}, got, f"what a page of {host}:{other.port} got")
        # A window of it: the browser is told to show nothing of the page to a site that sent it there.
        with page.expect_popup() as waiting:
            page.evaluate("window.opened = window.open(target + '/'); null")
        opened = waiting.value
        opened.wait_for_load_state()
        check("waiting" not in opened.content(), f"a window that another site has opened: {opened.content()}")
        check_equal("", page.evaluate("(() => { try { return opened.document.body.innerText; } catch (error) { return ''; } })()"), "what is read in a window")
        opened.close()
        # A form that the person sends there: as a whole page.
        page.evaluate("form => { const it = document.getElementById('form'); it.target = '_self'; it.submit(); }")
        page.wait_for_url("**/answer")
        check("waiting" not in page.content(), page.content())
        page.close()
        untouched(world)
    check("waiting" in browser.go("/"), "the page itself")
    agent.end()


@test("access/rebound", "J8 J7")
def rebound(world):
    """A host name of somebody else that leads to this machine is refused, whatever is asked."""
    agent, browser = arranged(world)
    token = urllib.parse.urlsplit(world.address())
    port = token.port
    chromium = world.chromium.start("--host-resolver-rules=MAP evil.example 127.0.0.1")
    try:
        page = chromium.new_page()
        for path in ("/?" + token.query, "/", "/tool?tool=waiting", "/live.js", "/style.css"):
            got = page.goto(f"http://evil.example:{port}{path}")
            check_equal(403, got.status, f"status of {path}")
            check_equal([], page.context.cookies(), "cookies")
        page.goto(f"http://localhost:{port}/?{token.query}")
        check("For all tools" in page.content(), "the token is still good for the machine's own name")
    finally:
        chromium.close()
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1@evil.example", "10.0.0.1", "0.0.0.0", ""):
        status, _, body = ask(browser.origin, "/", cookie=browser.cookie, host=host or " ")
        check(status in (400, 403) and b"waiting" not in body, f"{host}: {status}")
    agent.end()


@test("access/other-user", "J8 J7")
def other_user(world):
    """Another user of the machine has the token and the cookie, and gets not a byte."""
    if os.geteuid() != 0:
        raise Skipped("only root can be another user")
    agent, browser = arranged(world)
    address = world.address()
    port = urllib.parse.urlsplit(address).port
    client = ("import socket, sys\ns = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
              "try:\n    s.sendall(sys.argv[2].encode().replace(b'|', b'\\r\\n')); got = s.recv(1000)\nexcept ConnectionError:\n    got = b''\nprint(got)")
    for request in (f"GET {address[address.index('/?'):]} HTTP/1.1|Host: 127.0.0.1:{port}||",
                    f"GET / HTTP/1.1|Host: 127.0.0.1:{port}|Cookie: {browser.cookie}||", f"GET /style.css HTTP/1.1|Host: 127.0.0.1:{port}||"):
        check_equal("b''", world.run([sys.executable, "-c", client, str(port), request], user=USER).stdout.strip(), "the answer to another user")
        check("HTTP/1.1" in world.run([sys.executable, "-c", client, str(port), f"GET /style.css HTTP/1.1|Host: 127.0.0.1:{port}||"]).stdout, "to the user")
    check_equal(3, agent.status()["connections_of_others"], "counted")
    check_equal(303, ask(address.partition("/?")[0], "/?" + address.partition("/?")[2])[0], "the token is still good")
    agent.end()


@test("access/requests", "J8 J7")
def requests(world):
    """No cookie, a wrong one, no form token, another session's, other methods and content types, forms that are too long: refused."""
    agent, browser = arranged(world)
    origin, cookie, form = browser.origin, browser.cookie, browser.form_token
    other = world.browser()
    wrong = [None, "telemetry-session=", "telemetry-session=" + 32 * "0", cookie[:-1], cookie + "0", cookie.upper(), "other=" + cookie.partition("=")[2],
             "telemetry-session", ";;=;", "telemetry-session=" + form]
    for given in wrong:
        for path in (*VIEWS, "/waiting/request?tool=waiting&number=1", "/live/stream?tool=waiting"):
            status, fields, body = ask(origin, path, cookie=given)
            check_equal((403, SENTENCE), (status, body.strip()), f"{path} with cookie {given!r}")
            check("Set-Cookie" not in fields, "a cookie is given")
        check_equal(403, ask(origin, "/answer", "POST", f"form={form}&tool=waiting&answer=off", given, Content_Type=FORM)[0], f"answer with cookie {given!r}")
    check_equal(200, ask(origin, "/", cookie=f"a=b; {cookie}; c=d")[0], "the cookie among others")
    for body in ("tool=waiting&answer=off", "form=&tool=waiting&answer=off", f"form={32 * '0'}&tool=waiting&answer=off", f"form={form[:-1]}&tool=waiting&answer=off",
                 f"form={other.form_token}&tool=waiting&answer=off", f"form={32 * '0'}&form={form}&tool=waiting&answer=off", f"form%00={form}&tool=waiting&answer=off"):
        check_equal(403, ask(origin, "/answer", "POST", body, cookie, Content_Type=FORM)[0], f"status of {body}")
    right = f"form={form}&tool=waiting&answer=off"
    for kind in ("text/plain", "multipart/form-data; boundary=x", "application/json", ""):
        check_equal(415, ask(origin, "/answer", "POST", right, cookie, Content_Type=kind)[0], f"status of {kind}")
    check_equal(413, ask(origin, "/answer", "POST", right + "&x=" + 5000 * "x", cookie, Content_Type=FORM)[0], "a long form")
    # The parameters of the address count for nothing in a form.
    check_equal(403, ask(origin, "/answer?" + right, "POST", "", cookie, Content_Type=FORM)[0], "the form in the address")
    check_equal(405, ask(origin, "/answer?" + right, cookie=cookie)[0], "GET of an answer")
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
        check(ask(origin, "/answer", method, cookie=cookie)[0] in (404, 405, 501), method)
    check_equal(405, ask(origin, "/", "POST", right, cookie, Content_Type=FORM)[0], "POST of a view")
    for origin_field in ("null", "http://evil.example", "http://127.0.0.1.evil.example"):
        check_equal(403, ask(origin, "/answer", "POST", right, cookie, Content_Type=FORM, Origin=origin_field)[0], f"Origin: {origin_field}")
    for site in ("cross-site", "same-site"):
        check_equal(403, ask(origin, "/answer", "POST", right, cookie, Content_Type=FORM, Sec_Fetch_Site=site)[0], f"Sec-Fetch-Site: {site}")
    for path in VIEWS:
        status, fields, body = ask(origin, path + "?tool=waiting", "HEAD", cookie=cookie)
        check_equal((200, b""), (status, body), f"HEAD of {path}")
        check(int(fields["Content-Length"]) > 500, f"its length: {fields}")
    untouched(world)
    # Forms that are signed, and wrong in themselves.
    for body, expected in ((f"form={form}&tool=waiting", 404), (f"form={form}&tool=..%2Fx&answer=off", 404), (f"form={form}&tool=&answer=off", 404)):
        check_equal(expected, ask(origin, "/answer", "POST", body, cookie, Content_Type=FORM)[0], body)
    untouched(world)
    check_equal(303, ask(origin, "/answer", "POST", right, cookie, Content_Type=FORM)[0], "the right one")
    check_equal("false", answer(world, "waiting"), "the answer")
    agent.end()


@test("access/guesses", "J8 J7 J9")
def guesses(world):
    """2,000 guessed tokens open nothing and lock nobody out; of ten unused addresses the last eight count."""
    agent, browser = arranged(world)
    addresses = [world.address() for _ in range(10)]
    port = urllib.parse.urlsplit(addresses[0]).port
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(30)
        for _ in range(20):
            client.sendall(b"".join(f"GET /?token={secrets.token_hex(16)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for _ in range(100)))
            got = b""
            while got.count(b"HTTP/1.1 ") < 100 or not got.endswith(SENTENCE + b"\n"):
                got += client.recv(65536)
            check_equal(100, got.count(b"HTTP/1.1 403"), "refusals")
    for address, expected in zip(addresses, [403, 403, *[303] * 8]):
        origin, _, query = address.partition("/?")
        check_equal(expected, ask(origin, "/?" + query)[0], "status")
    check_equal(403, ask(origin, "/?token=")[0], "no token")
    # The oldest of nine sessions has gone.
    check_equal(403, browser.page.goto(browser.origin + "/").status, "the first browser, after eight others")
    agent.end()


@test("access/port", "J8 J7")
def port(world):
    """Over the page's own port there is nothing but the page, and it is open on 127.0.0.1 alone; with --listen the page is there, behind its token."""
    agent = Agent(world)
    before = {line.split()[1] for line in open("/proc/net/tcp") if " 0A " in line}
    stocking.waiting(world, events=1)
    browser = world.browser()
    port = urllib.parse.urlsplit(browser.origin).port
    opened = {line.split()[1] for line in open("/proc/net/tcp") if " 0A " in line} - before
    check_equal([f"0100007F:{port:04X}"], [each for each in opened if each.endswith(f":{port:04X}")], "where it listens")
    for path, method in (("/metrics", "GET"), ("/agent/status", "GET"), ("/agent/stop", "POST"), ("/agent/wake", "POST"), ("/agent/view", "POST"),
                         ("/v1/logs", "POST"), ("/v1/traces", "POST"), ("/v1/metrics", "POST"), ("/favicon.ico", "GET"), ("/..%2f", "GET"), ("//", "GET")):
        check_equal(404, ask(browser.origin, path, method, cookie=browser.cookie)[0], f"{method} {path}")
    check_equal(None, agent.process.poll(), "the agent")
    check(exchange(port, b'{"tool":"waiting","name":"x"}\n', shutdown=True).startswith(b"HTTP/1.1 400"), "a line over the port")
    stocking_untouched = stocking.pending(world, "waiting")
    check_equal(1, stocking_untouched, "what waits")
    # Over the Unix socket the user needs no token.
    check("For all tools" in get(agent.socket, "/")[2], "over the Unix socket")
    check(not is_open(port) or get(port, "/")[0] == 403, "over the port without a cookie")
    agent.end()
    check(not is_open(port), "the port is open after the agent's end")
    agent = Agent(world, "--listen", "127.0.0.1:0")
    browser = world.browser()
    check_equal(agent.port, urllib.parse.urlsplit(browser.origin).port, "the port that was asked for")
    check_equal((403, 200), (get(agent.port, "/")[0], get(agent.port, "/metrics")[0]), "the page and the metrics over it, without a cookie")
    agent.end()


@test("access/many", "J9 J7")
def many(world):
    """At most 8 pages are made at once and 4 views last; one more gets 503 and Retry-After, and all is well afterwards."""
    agent, browser = arranged(world)
    address = urllib.parse.urlsplit(browser.origin)

    def started(path, request_end=b""):
        client = socket.create_connection((address.hostname, address.port), timeout=30)
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nCookie: {browser.cookie}\r\n\r\n".encode() + request_end)
        return client
    streams = [started("/live/stream?tool=waiting") for _ in range(4)]
    for each in streams:
        check(each.recv(17).startswith(b"HTTP/1.1 200"), "a view that lasts")
    status, fields, _ = ask(browser.origin, "/live/stream?tool=waiting", cookie=browser.cookie)
    check_equal((503, "2"), (status, fields.get("Retry-After")), "a fifth view")
    check("waiting" in browser.go("/"), "a page meanwhile")
    check_equal(200, get(agent.socket, "/agent/status")[0], "the agent meanwhile")
    for each in streams:
        each.close()
    wait_until(lambda: not page_processes(agent), "views whose browsers have gone end")
    # Clients that never read a long page: their processes wait for them.
    stocking.waiting(world, "heavy", events=1)
    for number in range(60):
        telemetry(world, "heavy", "track", "x" * 200, "--property", "text=" + "<" * 1000)
    path = "/waiting?tool=heavy"

    def deaf():
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect((address.hostname, address.port))
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nCookie: {browser.cookie}\r\n\r\n".encode())
        return client
    held = [deaf() for _ in range(8)]
    statuses = []

    def full():
        statuses.append(ask(browser.origin, "/", cookie=browser.cookie)[:2])
        return statuses[-1][0] == 503
    try:
        wait_until(full, "a ninth page is refused", 5)
        check_equal("2", statuses[-1][1].get("Retry-After"), "Retry-After")
        check_equal(200, get(agent.socket, "/agent/status")[0], "the agent meanwhile")
    except Failed:
        raise Failed(f"eight clients that do not read hold {len(page_processes(agent))} processes") from None
    finally:
        for each in held:
            each.close()
    wait_until(lambda: not page_processes(agent), "processes of clients that have gone end")
    check("waiting" in browser.go("/"), "a page afterwards")
    # Twenty at once: each is answered, with the page or with 503.
    clients = [started("/tool?tool=waiting") for _ in range(20)]
    first = []
    for each in clients:
        got = b""
        while b"\r\n" not in got:
            got += each.recv(100)
        first.append(got[9:12])
        each.close()
    check(set(first) <= {b"200", b"503"} and first.count(b"200") >= 8, f"{first}")
    agent.end()


@test("access/killed", "J9 J7")
def killed(world):
    """Processes that are killed in the middle of a page, or that stop, cost that page alone."""
    agent, browser = arranged(world)
    for number in range(60):
        telemetry(world, "waiting", "track", "x" * 200, "--property", "text=" + "<" * 1000)
    address = urllib.parse.urlsplit(browser.origin)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.connect((address.hostname, address.port))
    client.sendall(f"GET /waiting?tool=waiting HTTP/1.1\r\nHost: {address.netloc}\r\nCookie: {browser.cookie}\r\n\r\n".encode())
    wait_until(lambda: page_processes(agent), "a process")
    for process in page_processes(agent):
        os.kill(process, signal.SIGKILL)
    wait_until(lambda: not page_processes(agent), "it is gone")
    client.close()
    check("waiting" in browser.go("/tool", "waiting"), "the next page")
    check_equal([], [each for each in children(agent.id) if zombie(each)], "ended processes that nobody has waited for")
    agent.end()


def zombie(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


@test("access/leaves-nothing", "J7")
def leaves_nothing(world):
    """A browser that these tests have started and ended leaves no process."""
    before = set(world.chromium.processes())
    browser = world.chromium.start()
    browser.new_page().goto("about:blank")
    check(set(world.chromium.processes()) - before, "no browser was seen")
    browser.close()
    wait_until(lambda: not set(world.chromium.processes()) - before, "its processes end")


