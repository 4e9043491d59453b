"""Redirects. Elsewhere a key in the body went to whatever host a Location named, a page that a POST was turned into a GET for counted
as success, and logs named the receiver that was asked. Here nothing secret leaves its origin, and what took the events is named."""
import json

from origin import Origin, redirect
from records import EVENTS, of_both
from suite import check, check_equal, test

KEY = "redirect-canary-7c1e"
KINDS = ["http", "otlp", "datadog", "posthog", "segment", "splunk_hec", "clickhouse"]
BODY_KEYS = ["posthog", "segment"]
MODES = ["in-process", "helper"]


def send(stage, endpoint, mode="in-process", guarantee="at-least-once", kind=None, **backend):
    """Records an event in a C program and has it delivered, by the program or by the helper; what status says."""
    sections = {"delivery": {"guarantee": guarantee, "mode": "in-process"}}
    stage.manifest(endpoint, sections, kind=kind or stage.records.kind, allow_http=True, **backend)
    stage.send(f"manifest={stage.manifest_file}", "track=1", f"close={5000 if mode == 'in-process' else 0}")
    if mode == "helper":
        stage.helper("deliver", "--now", expected=None)
    return stage.status()


def sent(stage):
    """The audit log's entries; the log holds as a whole."""
    stage.helper("show", "--sent", "--verify")
    with open(stage.path(stage.spool, "sent.jsonl")) as file:
        return [json.loads(line) for line in file]


@of_both("redirects/key", "F")
def key(stage):
    """Every kind, by header and by body: the key stays with its origin, whoever delivers, and so do the author's headers."""
    for kind in KINDS if stage.records is EVENTS else [stage.records.kind]:
        for mode in MODES:
            with type(stage)(stage.shared, stage.records) as world:
                other = world.closes(Origin())
                first = world.closes(Origin(redirect(307, f"{other.url}/elsewhere")))
                status = send(world, first.url, mode, kind=kind, api_key=KEY, headers={"X-Author": "author-canary"})
                check(b"author-canary" in first.seen(), f"{kind} {mode}: the origin has not got the author's header")
                for secret in (KEY, "author-canary"):
                    check(secret.encode() not in other.seen(), f"{kind} {mode}: {secret} reached the other origin")
                if kind in BODY_KEYS:
                    check_equal([], other.requests, f"{kind} {mode}: requests at the other origin")
                    world.expect(1, pending=1)
                    error = status["last_delivery"]["last_error"]
                    check(f"redirect refused: the body holds the key, which is not for {other.url}" in error, error)
                else:
                    world.expect(1, delivered=1)


@test("redirects/taker", "F")
def taker(stage):
    """Audit log, status and doctor name the address that took the events; a later delivery without a redirect, nobody."""
    other = stage.closes(Origin())
    first = stage.closes(Origin(redirect(308, f"{other.url}/elsewhere")))
    status = send(stage, first.url + "/asked")
    named = f"http: POST {other.url}/elsewhere, where {first.url}/asked redirects to"
    check_equal([named], [entry["backend"] for entry in sent(stage)], "who the audit log says has the event")
    check_equal(named, status["last_delivery"]["taken_by"], "who status says has it")
    check(f"taken by:" in stage.helper("status"), "status as text does not say it")
    check(f"{other.url}/elsewhere" in stage.helper("doctor", expected=None), "doctor does not say it")
    first.answer = 200
    status = send(stage, first.url + "/asked")
    check_equal(None, status["last_delivery"]["taken_by"], "who status names without a redirect")
    stage.expect(2, delivered=2)


@test("redirects/several", "F")
def several(stage):
    """Of several backends, the one that is redirected says so."""
    other = stage.closes(Origin())
    first = stage.closes(Origin(redirect(307, f"{other.url}/there")))
    stage.manifest(None, {"delivery": {"mode": "in-process"}, "backends": [
        {"kind": "file"}, {"kind": "http", "name": "led", "endpoint": first.url}]})
    stage.send(f"manifest={stage.manifest_file}", "track=1", "close=5000")
    backends = {each["name"]: each["taken_by"] for each in stage.status()["backends"]}
    check_equal({"file": None, "led": f"http: POST {other.url}/there, where {first.url} redirects to"}, backends, "taken_by")


@test("redirects/statuses", "F")
def statuses(stage):
    """RFC 9110, section 15.4: 301, 302, 307 and 308 repeat the POST; 303 and the others are no acceptance, and nothing follows them."""
    for code in (300, 301, 302, 303, 304, 305, 306, 307, 308):
        with type(stage)(stage.shared) as world:
            other = world.closes(Origin())
            first = world.closes(Origin(redirect(code, f"{other.url}/x")))
            status = send(world, first.url)
            if code in (301, 302, 307, 308):
                check_equal(["POST /x"], other.paths(), f"{code}: requests at the target")
                world.expect(1, delivered=1)
            else:
                check_equal([], other.paths(), f"{code}: requests at the target")
                world.expect(1, pending=1)
                check(f"HTTP {code}" in status["last_delivery"]["last_error"], f"{code}: {status['last_delivery']}")


@test("redirects/url", "F")
def url(stage):
    """A query, or a long part of a path, that a server copies into its Location goes to no other origin; to the same one it does."""
    secret = "/hook/T02AB34CD56EF78GH?code=s3cretvalue"
    for location in ("{other}/hook/x?code=s3cretvalue", "{other}/hook/T02AB34CD56EF78GH", "{other}/login?next=%2F&c=s3cretvalue"):
        with type(stage)(stage.shared) as world:
            other = world.closes(Origin())
            first = world.closes(Origin(redirect(307, location.format(other=other.url))))
            status = send(world, first.url + secret)
            check_equal([], other.paths(), f"{location}: requests at the other origin")
            world.expect(1, pending=1)
            error = status["last_delivery"]["last_error"]
            check("redirect refused: it repeats" in error and "s3cret" not in error, error)
    same = stage.closes(Origin(lambda asked: 200 if asked.path.startswith("/new") else redirect(307, "/new" + secret)))
    send(stage, same.url + secret)
    stage.expect(1, delivered=1)


@test("redirects/back", "F")
def back(stage):
    """Who leads a request away has no say in where the key goes: it does not come back to the origin either."""
    first = stage.closes(Origin())
    other = stage.closes(Origin(redirect(307, f"{first.url}/chosen")))
    first.answer = lambda asked: 200 if asked.path == "/chosen" else redirect(307, f"{other.url}/x")
    send(stage, first.url, api_key=KEY)
    check_equal(["POST /", "POST /chosen"], first.paths(), "requests at the origin")
    check(KEY.encode() not in first.requests[1].bytes, "the key went where the other origin said")


@test("redirects/once", "F")
def once(stage):
    """At most once: who redirects has not taken the events. What cannot be led on is kept."""
    for location in ("http://127.0.0.1:9/nobody", "ftp://127.0.0.1/", "http://127.0.0.1:{port}/"):
        with type(stage)(stage.shared) as world:
            first = world.closes(Origin())
            first.answer = redirect(307, location.format(port=first.port))
            send(world, first.url, guarantee="at-most-once")
            world.takes_later(first)


@test("redirects/proxy", "F")
def proxy(stage):
    """A proxy's credentials go to the proxy alone, and the key not to a proxy that only opens a tunnel."""
    tunnel = stage.closes(Origin(502))
    tunnel.server.RequestHandlerClass.do_CONNECT = tunnel.server.RequestHandlerClass.do_HEAD
    first = stage.closes(Origin(redirect(307, "https://receiver.example.com/x")))
    stage.manifest(first.url, {"delivery": {"mode": "in-process"}}, api_key=KEY, headers={"X-Author": "author-canary"})
    stage.send(f"manifest={stage.manifest_file}", "track=1", "close=5000",
               environment={"https_proxy": f"http://user:proxy-canary@127.0.0.1:{tunnel.port}"})
    check_equal(["CONNECT receiver.example.com:443"], tunnel.paths(), "requests at the proxy")
    check(b"Proxy-Authorization" in tunnel.seen() and b"Proxy-Authorization" not in first.seen(), "who got the proxy's credentials")
    check(KEY.encode() not in tunnel.seen() and b"author-canary" not in tunnel.seen(), "the proxy got what is the receiver's")
    stage.expect(1, pending=1)


@test("redirects/deletion", "F")
def deletion(stage):
    """A request for erasure: the author's headers stay, the receipt names who accepted it, and a page accepts nothing."""
    other = stage.closes(Origin(202))
    first = stage.closes(Origin(redirect(307, f"{other.url}/erase")))
    # No other way to ask is open.
    stage.manifest(None, {"backends": [{"kind": "file"}], "deletion": {"endpoint": first.url, "headers": {"X-Author": "author-canary"}}})
    stage.send(f"manifest={stage.manifest_file}", "track=1", "close=5000")
    other.answer = 200, {"Content-Type": "text/html"}, b"ok"
    check(b"author-canary" not in other.seen(), "the author's header reached the other origin")
    stage.helper("request-deletion", expected=4)
    other.answer = 202
    stage.helper("request-deletion")
    check(f"{other.url}/erase" in stage.helper("request-deletion", "--list"), "the receipt does not name who accepted it")
