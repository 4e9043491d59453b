"""Answers that are none. Elsewhere a login page's 200 counted as delivered, a rotated key cost every event, an answered "not now" counted
as never answered, and `Retry-After` was only heeded where it was longer than the sender's own pause."""
import concurrent.futures
import itertools
import json
import os
import time
from datetime import datetime

from origin import Origin
from records import EVENTS, SPANS, of_both
from suite import check, check_equal, test
from world import World

HTML = {"Content-Type": "text/html; charset=utf-8"}
PAGE = 200, HTML, b"<!DOCTYPE html><title>Sign in</title><form>password</form>"
REFUSED = [401, 403]
NOT_NOW = [408, 421, 425, 429, 503]
# A resolver that never answers.
NO_NAMES = """
#include <netdb.h>
#include <unistd.h>
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found)
{
    (void)host; (void)port; (void)found;
    if (hints->ai_flags & AI_NUMERICHOST)
        return EAI_NONAME;
    pause();
    return EAI_AGAIN;
}
"""
KINDS = {"http": b"", "otlp": b"", "datadog": b"{}", "posthog": b'{"status":"Ok"}', "segment": b'{"success":true}',
         "splunk_hec": b'{"text":"Success","code":0}', "clickhouse": b""}


def kinds(stage):
    """{kind: what it answers} of those that take such records; a key is the same for all."""
    return KINDS if stage.records is EVENTS else {"zipkin": b"", "otlp": b""}


def send(stage, origin, guarantee="at-least-once", kind=None, count=1, **settings):
    kind = kind or stage.records.kind
    key = {} if kind in ("http", "otlp") else {"api_key": "answers-key"}
    stage.manifest(origin.url, {"delivery": {"guarantee": guarantee, "mode": "in-process"}}, kind=kind, **key, **settings, **({"signals": "spans"} if kind == "otlp" and stage.records is SPANS else {}))
    stage.send(f"manifest={stage.manifest_file}", f"track={count}", "close=5000")
    return stage.status()["last_delivery"]


def pause(delivery):
    """Seconds from the last attempt to the next."""
    first, second = (datetime.fromisoformat(delivery[name][:19]) for name in ("last_attempt", "next_attempt"))
    return (second - first).total_seconds()


@of_both("answers/own", "E8")
def own(stage):
    """What each vendor answers counts, and so does an empty body."""
    for kind, body in kinds(stage).items():
        for answer in (body, b""):
            with World(stage.shared, stage.records) as world:
                origin = world.closes(Origin((200, {"Content-Type": "application/json"}, answer)))
                send(world, origin, kind=kind)
                world.expect(1, delivered=1)


@test("answers/page", "E8")
def page(stage):
    """A login page, and other words than the vendor's, are no acceptance: kept at least once; at most once nobody knows."""
    foreign = [PAGE, (200, {"Content-Type": "text/plain"}, b"Please sign in."), (200, {"Content-Type": "application/json"}, b'{"error":"who are you"}'),
               (203, {}, b"<html>")]
    for kind in KINDS:
        for answer in foreign[:1] if kind == "http" else foreign:
            for guarantee, left in {"at-least-once": {"pending": 1}, "at-most-once": {"unconfirmed": 1}}.items():
                with World(stage.shared, stage.records) as world:
                    origin = world.closes(Origin(answer))
                    delivery = send(world, origin, guarantee, kind)
                    world.expect(1, **left)
                    check(f"no answer of a receiver of {kind}" in delivery["last_error"], f"{kind} {answer}: {delivery}")


# As portals, proxies and servers in front give them: type, body.
TEXT = "<!DOCTYPE html><html><body>login</body></html>"
PAGES = [("text/html", b"\xef\xbb\xbf" + TEXT.encode()), ("text/html", TEXT.encode("utf-16")), (None, TEXT.encode("utf-16-be")),
         ("text/html", b"Please <b>sign in</b>"), ("application/xhtml+xml", b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>'),
         ("text/plain", b"<html>"), (None, TEXT.encode()), ("application/json", b"<HTML><HEAD>"), (None, b"<script>top.location='/login'</script>"),
         ("text/plain", b"Wait. <script>location.reload()</script>"), (None, b"<!-- p --><meta http-equiv=refresh content=0>"), (None, b"<h1>Welcome</h1>")]


@of_both("answers/every-page", "E8")
def every_page(stage):
    """A page is one whatever its type says, in whatever encoding and with whatever before it: for every kind the event waits."""
    def run(case):
        kind, (form, body) = case
        with World(stage.shared, stage.records) as world:
            origin = world.closes(Origin((200, {"Content-Type": form} if form else {}, body)))
            send(world, origin, kind=kind)
            counts = world.counted()
            check_equal((1, 0, 1), (counts["recorded"], counts["delivered"], counts["pending"]), f"{kind}, {form}, {body}")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(run, itertools.product(kinds(stage), PAGES)))


@test("answers/erasure", "D3 G")
def erasure(stage):
    """A request for erasure is accepted by nothing, a word or JSON without an error; a page or any other words accept none, and the ids stay."""
    accepted = [(None, b""), ("text/plain", b"OK"), ("application/json", b'{"status":"queued"}')]
    refused = [*PAGES, ("text/plain", b"Please sign in."), ("application/json", b'{"error":"who are you"}'), ("application/xml", b"<ok/>")]
    for form, body in accepted + refused:
        with World(stage.shared, stage.records) as world:
            receiver = world.closes(Origin())
            eraser = world.closes(Origin((200, {"Content-Type": form} if form else {}, body)))
            world.manifest(receiver.url, {"delivery": {"mode": "in-process"}, "deletion": {"endpoint": eraser.url + "/erase"}})
            world.send(f"manifest={world.manifest_file}", "track=1", "close=5000")
            # The event to the receiver of events is the next way, and is not accepted either.
            receiver.answer = 503
            is_accepted = (form, body) in accepted
            world.telemetry("reset", expected=0 if is_accepted else 4)
            check_equal(not is_accepted, os.path.exists(os.path.join(world.spool, "past-ids")), f"ids that are left, {form}, {body}")
            receipts = json.loads(world.helper("request-deletion", "--list", "--json"))["receipts"]
            check_equal(is_accepted, receipts[0]["outcome"] == "accepted", f"{form}, {body}: {receipts}")


@test("answers/plain-html", "E8")
def plain_html(stage):
    """A receiver of one's own may say a word as text/html, as many do by default; after a redirect to another origin it may not."""
    word = 200, HTML, b"thanks"
    origin = stage.closes(Origin(word))
    send(stage, origin)
    stage.expect(1, delivered=1)
    first = stage.closes(Origin((307, {"Location": origin.url}, b"")))
    send(stage, first)
    stage.expect(2, delivered=1, pending=1)


@test("answers/key", "E8")
def key(stage):
    """401 and 403, on every kind and under both guarantees: kept, tried once an hour, said in status and doctor; taken with a new key."""
    for kind, body in KINDS.items():
        for code, guarantee in zip(REFUSED, ("at-least-once", "at-most-once")):
            with World(stage.shared, stage.records) as world:
                origin = world.closes(Origin(code))
                delivery = send(world, origin, guarantee, kind)
                world.expect(1, pending=1)
                check_equal(3600, pause(delivery), f"{kind} {code}: pause in seconds")
                check(f"HTTP {code}: the receiver refuses the key" in delivery["last_error"], f"{kind}: {delivery}")
                check("replace the key" in world.helper("doctor", "--offline", expected=None), f"{kind}: doctor does not say it")
                origin.answer = 200, {}, body
                world.helper("deliver", "--now")
                world.expect(1, delivered=1)


@of_both("answers/not-now", "E8")
def not_now(stage):
    """What was answered is not unanswered: under both guarantees a receiver that says that it did not take them gets them later."""
    for code in NOT_NOW:
        for guarantee in ("at-least-once", "at-most-once"):
            with World(stage.shared, stage.records) as world:
                origin = world.closes(Origin(code))
                send(world, origin, guarantee)
                world.takes_later(origin)


@test("answers/nobody-knows", "E8")
def nobody_knows(stage):
    """At most once, 500, 502 and 504 may come from behind a receiver that has the events: not sent again, and `deliver --now` says so."""
    for code in (500, 502, 504):
        with World(stage.shared, stage.records) as world:
            origin = world.closes(Origin(503))
            send(world, origin, "at-most-once", count=2)
            kept = world.telemetry("deliver", "--now", expected=4)
            check_equal(f"telemetry: deliver: not delivered: HTTP 503; the events are kept\n", kept.stderr, "while they are kept")
            origin.answer = code
            gone = world.telemetry("deliver", "--now", expected=4)
            check_equal(f"telemetry: deliver: not delivered: HTTP {code}; 2 may have arrived and are not sent again (at most once), 0 are kept\n",
                        gone.stderr, "when they are gone")
            world.expect(2, unconfirmed=2)


@test("answers/refused-for-good", "E8")
def refused_for_good(stage):
    """`deliver --now` says when events were refused for good."""
    origin = stage.closes(Origin(503))
    send(stage, origin)
    origin.answer = 400
    done = stage.telemetry("deliver", "--now")
    check_equal("telemetry: deliver: HTTP 400; 1 was refused for good and is gone, 0 are kept\n", done.stderr, "what it says")
    stage.expect(1, rejected=1)


@test("answers/retry-after", "E8")
def retry_after(stage):
    """Shorter than our own pause, longer, a date by the receiver's clock, and nonsense."""
    date = {"Date": "Sat, 01 Jan 2000 00:00:00 GMT", "Retry-After": "Sat, 01 Jan 2000 00:00:40 GMT"}
    for headers, shortest, longest in (({"Retry-After": "1"}, 1, 1), ({"Retry-After": "120"}, 120, 120), (date, 40, 40),
                                       ({"Retry-After": "999999999"}, 604800, 604800), ({"Retry-After": "0"}, 2, 6)):
        with World(stage.shared, stage.records) as world:
            origin = world.closes(Origin((503, headers, b"")))
            # http.server says a Date of its own first; the last one counts.
            seconds = pause(send(world, origin))
            # Both times are cut to whole seconds.
            check(shortest - 1 <= seconds <= longest + 1, f"{headers}: {seconds} s")


@test("answers/retry-after-lives", "E8")
def retry_after_lives(stage):
    """A living program comes back when it is asked to, after many failures too."""
    origin = stage.closes(Origin((429, {"Retry-After": "1"}, b"")))
    stage.manifest(origin.url, {"delivery": {"mode": "in-process", "flush_interval_ms": 100}})
    child = stage.start(f"manifest={stage.manifest_file}", "track=1", "sleep=20000", "close=0")
    end = time.monotonic() + 20
    while len(origin.requests) < 5 and time.monotonic() < end:
        time.sleep(0.05)
    child.process.kill()
    # Its own pauses would be 5, 10 and 20 s.
    check(len(origin.requests) >= 5, f"{len(origin.requests)} attempts in 20 s")


@test("answers/slash", "E8")
def slash(stage):
    """An OTLP endpoint: a base URL, with a path or without one, with a slash at its end or a query behind it, or the whole URL of a signal."""
    for path, posted in (("/", "/v1/logs"), ("//", "/v1/logs"), ("/otlp/", "/otlp/v1/logs"), ("/v1/logs/", "/v1/logs"),
                         ("/v1/logs", "/v1/logs"), ("", "/v1/logs"), ("/own", "/own/v1/logs"), ("/otlp?k=1", "/otlp/v1/logs?k=1"),
                         ("/otlp/v1/traces", "/otlp/v1/logs"), ("?k=1", "/v1/logs?k=1")):
        with World(stage.shared, stage.records) as world:
            origin = world.closes(Origin())
            origin.url += path
            send(world, origin, kind="otlp")
            check_equal([f"POST {posted}"], origin.paths(), f"requests for an endpoint that ends in {path!r}")
    for path in ("/own", "/own/", "/v1/traces"):
        with World(stage.shared, stage.records) as world:
            origin = world.closes(Origin())
            origin.url += path
            send(world, origin, kind="otlp", endpoint_is_whole=True)
            check_equal([f"POST {path}"], origin.paths(), f"requests for {path!r}, which is whole")


@test("answers/never-left", "E8")
def never_left(stage):
    """At most once: a program that ends while a name is looked up, or a connection is made, has sent nothing. Killed, too."""
    slow = stage.preload("slow", NO_NAMES)
    for guarantee in ("at-most-once", "at-least-once"):
        for end in ("exit=0", "sleep=20000"):
            with World(stage.shared, stage.records) as world:
                world.manifest("https://receiver.example.com/x", {"delivery": {"guarantee": guarantee, "mode": "in-process"}})
                child = world.start(f"manifest={world.manifest_file}", "track=3", "flush=300", end, environment={"LD_PRELOAD": slow})
                if end == "exit=0":
                    child.process.wait(30)
                else:
                    time.sleep(1)
                    child.process.kill()
                    child.process.wait()
                world.expect(3, pending=3)


@test("answers/udp-never-left", "E8")
def udp_never_left(stage):
    """The same of datagrams."""
    slow = stage.preload("slow", NO_NAMES)
    stage.manifest("udp://receiver.example.com:514", {"delivery": {"mode": "in-process"}}, kind="splunk_udp")
    child = stage.start(f"manifest={stage.manifest_file}", "track=3", "flush=300", "sleep=20000", environment={"LD_PRELOAD": slow})
    time.sleep(1)
    child.process.kill()
    child.process.wait()
    stage.expect(3, pending=3)
