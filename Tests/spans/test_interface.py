"""H9: every function of the C interface, with everything that a caller can give; what is recorded, as an independent reader sees it."""
import json
import os
import re
import time

import programs
from driving import (ADJUSTED, ARGUMENT, CLIENT, CONSUMER, DISABLED, DROPPED, EMPTY, INTERNAL, NULL, OK, PARENT, PRODUCER, ROOT, SERVER, TRACE, Attribute, Driver,
                     attributes, files_below, found, only, spool, waiting)
from suite import check, check_equal, test
from world import BUILD, TOOL

# What every function on a span says, in one line each: (name, words behind the span, answer for a span that does nothing).
CALLS = [("attributes", attributes(a=1)), ("event", ["e"]), ("link", [PARENT, NULL]), ("status", [2, "why"]), ("error", ["network", "text"]), ("end", [])]


@test("interface/null", "H9 host")
def null(world):
    """No function minds a missing span, one of zeroes, or a missing collector."""
    driver = Driver(world)
    driver.open()
    check_equal(ARGUMENT, driver.begin(0, NULL, "n", 1, NULL), "begin without a span")
    check_equal(ARGUMENT, driver.remote(0, NULL, "n", 1, PARENT, NULL), "begin_remote without a span")
    driver.zero(0)
    for span, what in ((NULL, "no span"), (0, "zeroes")):
        for name, words in CALLS:
            answer = getattr(driver, name)(span, *words)
            check_equal(DISABLED, answer, f"{what}: {name}")
        driver.activate(span)
        driver.deactivate(span)
        check_equal((0, ""), driver.text("traceparent", span), f"{what}: traceparent")
        check_equal((0, ""), driver.text("tracestate", span), f"{what}: tracestate")
        check_equal([], driver.environment(span), f"{what}: environment")
    check_equal(DISABLED, driver.begin(NULL, 1, "n", 1, NULL), "no collector")
    check_equal(DISABLED, driver.remote(NULL, 2, "n", 1, PARENT, "k=v"), "no collector, remote")
    for name, words in CALLS:
        check_equal(DISABLED, getattr(driver, name)(1, *words), f"no collector: {name}")
    check_equal("", driver.traceparent(1), "no collector, no parent")
    check_equal((PARENT, "k=v"), (driver.traceparent(2), driver.tracestate(2)), "no collector: the parent goes on")
    driver.leave()
    check(not os.path.exists(world.path("home", ".local")), f"{files_below(world.path('home'))}")


@test("interface/wrong", "H9")
def wrong(world):
    """A missing name, an unknown kind or status and a wrong link are refused; the span still hands on a context."""
    driver = Driver(world)
    driver.open()
    for name, kind in ((NULL, 1), (EMPTY, 1), ("n", 6), ("n", 99)):
        check_equal(ARGUMENT, driver.begin(0, 0, name, kind, NULL), f"begin {name} {kind}")
        check_equal(ARGUMENT, driver.remote(0, 1, name, kind, PARENT, NULL), f"begin_remote {name} {kind}")
        check(TRACE in driver.traceparent(1), "the remote trace goes on")
        check(driver.traceparent(1).endswith("-00"), f"and says that it is not recorded: {driver.traceparent(1)}")
        for call, words in CALLS:
            check(getattr(driver, call)(1, *words) in (OK, DISABLED), call)
    check_equal(OK, driver.begin(0, 2, "n", 0, ROOT), "kind 0")
    for call, words in (("event", [NULL]), ("event", [EMPTY]), ("link", [NULL, NULL]), ("link", ["00-1", NULL]), ("status", [3, NULL]), ("status", [200, "x"])):
        check_equal(ARGUMENT, getattr(driver, call)(2, *words), f"{call} {words}")
    check_equal(OK, driver.end(2), "end")
    driver.leave()
    span = only(waiting(world))
    check_equal((INTERNAL, 0, [], [], "n"), (span.kind, span.status, span.events, span.links, span.name), "span")


@test("interface/off", "A4 H9 H10")
def off(world):
    """Without consent nothing is recorded, no file is made or opened for writing, and the parent's context is handed on unchanged."""
    environment = {"DO_NOT_TRACK": "1", "TRACEPARENT": PARENT, "TRACESTATE": "a=1,b=2", "BAGGAGE": "k=v"}
    trace = world.path("strace")
    driver = Driver(world, environment, ["strace", "-f", "-qq", "-e", "trace=file,desc", "-o", trace])
    driver.open()
    check_equal(DISABLED, driver.begin(0, 0, "n", 1, NULL), "begin")
    for name, words in CALLS:
        check_equal(DISABLED, getattr(driver, name)(0, *words), name)
    check_equal((PARENT, "a=1,b=2"), (driver.traceparent(0), driver.tracestate(0)), "of the environment")
    check_equal([f"TRACEPARENT={PARENT}", "TRACESTATE=a=1,b=2", "BAGGAGE=k=v"], driver.environment(0), "environment")
    other = "00-11111111111111111111111111111111-2222222222222222-00"
    check_equal(DISABLED, driver.remote(0, 1, "n", 1, other, "x=y"), "begin_remote")
    check_equal((other, "x=y"), (driver.traceparent(1), driver.tracestate(1)), "remote")
    check_equal(DISABLED, driver.begin(0, 2, "n", 1, 1), "below it")
    check_equal((other, "x=y"), (driver.traceparent(2), driver.tracestate(2)), "below it")
    driver.activate(1)
    check_equal(DISABLED, driver.begin(0, 3, "n", 1, NULL), "below the active one")
    check_equal(other, driver.traceparent(3), "below the active one")
    check_equal(DISABLED, driver.end(1), "end")
    check_equal(DISABLED, driver.begin(0, 4, "n", 1, ROOT), "root")
    check_equal("", driver.traceparent(4), "root: no trace")
    check_equal(DISABLED, driver.close(0, 1000), "close")
    driver.leave()
    check_equal([f".config/telemetry/{TOOL}/enabled"], files_below(world.path("home")), "files")
    with open(trace) as file:
        calls = file.read()
    written = [line for line in calls.splitlines() if re.search(r"O_WRONLY|O_RDWR|O_CREAT|mkdir|rename|unlink|fallocate", line) and "ENOENT" not in line]
    check_equal([], written, "calls that write")
    check(".local/state" not in calls, "somebody looked for the spool")


@test("interface/gates", "A2 A3")
def gates(world):
    """The author's gate and the user's option stop spans as they stop events."""
    driver = Driver(world)
    for number, options in enumerate([{"gate": 0}, {"off": 1}, {"tool": "x%20y"}]):
        driver.open(number, **options)
        check_equal(DISABLED, driver.track(number), f"event, {options}")
        check_equal(DISABLED, driver.remote(number, number, "n", 1, PARENT, NULL), f"span, {options}")
        check_equal(PARENT, driver.traceparent(number), "the parent's context")
    driver.leave()
    check(not os.path.exists(world.path("home", ".local")), "something was made")


@test("interface/fields", "H9 C2")
def fields(world):
    """Name, kind, times, parent, ids, attributes of every type, events, links and status are those that were given."""
    driver = Driver(world)
    before = time.time_ns()
    driver.open()
    check_equal(OK, driver.begin(0, 0, "root", SERVER, ROOT), "root")
    check_equal(OK, driver.begin(0, 1, "child é", CLIENT, 0), "child")
    text = "quotes \" \\ tab\tend %"
    given = attributes(text=text, int=-(1 << 63), big=(1 << 63) - 1, double=0.1, yes=True, no=False, empty="", infinite=float("inf"))
    check_equal(OK, driver.attributes(1, *given), "attributes")
    check_equal(OK, driver.event(1, "first", *attributes(n=1)), "event")
    check_equal(OK, driver.event(1, "second"), "event")
    check_equal(OK, driver.link(1, PARENT, "a=b,c=d", *attributes(why="retry")), "link")
    check_equal(OK, driver.status(1, 2, "no route"), "status")
    check_equal(OK, driver.end(1), "end of the child")
    check_equal(OK, driver.end(0), "end of the root")
    parents = driver.traceparent(0), driver.traceparent(1)
    driver.leave()
    after = time.time_ns()
    child, root = waiting(world)
    check_equal(("root", SERVER, "0" * 16, 0, False), (root.name, root.kind, root.parent, root.status, root.has_remote_parent), "root")
    check_equal(("child é", CLIENT, root.span, root.trace, 2, "no route"), (child.name, child.kind, child.parent, child.trace, child.status, child.message), "child")
    check_equal((f"00-{root.trace}-{root.span}-03", f"00-{child.trace}-{child.span}-03"), parents, "traceparent")
    check_equal({"text": text, "int": -(1 << 63), "big": (1 << 63) - 1, "double": 0.1, "yes": True, "no": False, "empty": "", "infinite": float("inf")},
                child.attributes, "attributes")
    check_equal([("first", {"n": 1}), ("second", {})], [(each["name"], each["attributes"]) for each in child.events], "events")
    link, = child.links
    check_equal((TRACE, "b7ad6b7169203331", 1, "a=b,c=d", {"why": "retry"}, 0),
                tuple(link[name] for name in ("trace_id", "span_id", "flags", "trace_state", "attributes", "dropped")), "link")
    times = [before, root.start_ns, child.start_ns, child.events[0]["time_ns"], child.events[1]["time_ns"], child.end_ns, root.end_ns, after]
    check_equal(sorted(times), times, "times")
    check_equal((0, 0, 0), (child.dropped_attributes, child.dropped_events, child.dropped_links), "dropped")
    check(child.id != root.id and child.id.version == 7, f"{child.id}")
    check_equal([], found(world).open, "open")


@test("interface/kinds", "H9")
def kinds(world):
    """Each kind is recorded as it is."""
    driver = Driver(world)
    driver.open()
    for kind in (0, INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER):
        driver.begin(0, 0, f"kind {kind}", kind, ROOT)
        driver.end(0)
    driver.leave()
    check_equal([1, 1, 2, 3, 4, 5], [span.kind for span in waiting(world)], "kinds")


@test("interface/after-end", "H9")
def after_end(world):
    """After its end a span and its copies take nothing, are recorded once, and are still somebody's parent."""
    driver = Driver(world)
    driver.open()
    driver.begin(0, 0, "n", 1, ROOT)
    driver.copy(0, 1)
    check_equal(OK, driver.attributes(1, *attributes(by="copy")), "a copy is the same span")
    parent = driver.traceparent(0)
    check_equal(parent, driver.traceparent(1), "a copy's context")
    check_equal(OK, driver.end(1), "end by a copy")
    for span in (0, 1):
        for name, words in CALLS:
            check_equal(DISABLED, getattr(driver, name)(span, *words), f"{name} of {span} after the end")
        check_equal(parent, driver.traceparent(span), f"context of {span} after the end")
    # The next span has the place of the first one. The old handles do not touch it.
    driver.begin(0, 2, "next", 1, 0)
    for span in (0, 1):
        driver.attributes(span, *attributes(by="stranger"))
        driver.end(span)
    check_equal(OK, driver.end(2), "end of the next")
    driver.leave()
    first, second = waiting(world)
    check_equal(("n", {"by": "copy"}, [], 0), (first.name, first.attributes, first.events, first.status), "first")
    check_equal(("next", {}, first.span, first.trace), (second.name, second.attributes, second.parent, second.trace), "second")


@test("interface/after-close", "H9")
def after_close(world):
    """A span that is open at close is recorded as abandoned; after that its handle does nothing, also when another collector has its place."""
    driver = Driver(world)
    driver.open()
    driver.begin(0, 0, "open", 1, ROOT)
    driver.attributes(0, *attributes(a=1))
    driver.close(0, 0)
    driver.open(1)
    driver.begin(1, 1, "other", 1, ROOT)
    for name, words in CALLS:
        check_equal(DISABLED, getattr(driver, name)(0, *words), f"{name} after close")
    check(len(driver.traceparent(0)) == 55, "context after close")
    check_equal(OK, driver.begin(1, 2, "below", 1, 0), "a child of it")
    driver.end(2)
    driver.end(1)
    driver.leave()
    by_name = {span.name: span for span in waiting(world)}
    check_equal({"open", "other", "below"}, set(by_name), "spans")
    check_equal((True, {"a": 1}, []), (by_name["open"].is_abandoned, by_name["open"].attributes, by_name["open"].events), "open")
    check_equal((False, {}), (by_name["other"].is_abandoned, by_name["other"].attributes), "other")
    check_equal((by_name["open"].span, by_name["open"].trace), (by_name["below"].parent, by_name["below"].trace), "below")


@test("interface/active", "H9")
def active(world):
    """The active span of the thread is the parent of those without one; they nest, and an end leaves what was active before."""
    driver = Driver(world, {"TRACEPARENT": PARENT})
    driver.open()
    driver.begin(0, 0, "a", 1, NULL)
    driver.activate(0)
    driver.begin(0, 1, "b", 1, NULL)
    driver.activate(1)
    driver.activate(1)
    driver.begin(0, 2, "c", 1, NULL)
    driver.end(1)
    driver.begin(0, 3, "d", 1, NULL)
    driver.begin(0, 4, "e", 1, ROOT)
    driver.deactivate(2)
    driver.deactivate(0)
    driver.begin(0, 5, "f", 1, NULL)
    for span in (2, 3, 4, 5, 0):
        driver.end(span)
    driver.leave()
    spans = {span.name: span for span in waiting(world)}
    check_equal({"a": "b7ad6b7169203331", "b": spans["a"].span, "c": spans["b"].span, "d": spans["a"].span, "e": "0" * 16, "f": "b7ad6b7169203331"},
                {name: span.parent for name, span in spans.items()}, "parents")
    check_equal({name: name in "af" for name in "abcdef"}, {name: span.has_remote_parent for name, span in spans.items()}, "remote parents")
    check(spans["e"].trace != TRACE and all(spans[name].trace == TRACE for name in "abcdf"), "traces")


@test("interface/active-memory", "H9 host")
def active_memory(world):
    """Active spans whose memory is gone, ended in whatever way: the next one is a root, with consent and without."""
    program = world.program("vanishing", programs.VANISHING, "-pthread")
    for number in range(4):
        world.run([program, str(number)])
    with open(os.path.join(spool(world), "spans.jsonl"), encoding="utf-8") as file:
        spans = [span for span in map(json.loads, file) if span["name"] == "last"]
    check_equal([None] * 4, [span.get("parent_span_id") for span in spans], "parents")
    for number in range(4):
        world.run([program, str(number)], environment={"TRACEPARENT": PARENT, "DO_NOT_TRACK": "1"})


@test("interface/active-order", "H9")
def active_order(world):
    """Active spans that end or are deactivated in another order: none that has ended becomes active again."""
    driver = Driver(world)
    driver.open()
    for number, name in enumerate("abc"):
        driver.begin(0, number, name, 1, ROOT)
        driver.activate(number)
    driver.end(0)
    driver.deactivate(1)
    driver.begin(0, 10, "below c", 1, NULL)
    driver.end(2)
    driver.begin(0, 11, "root", 1, NULL)
    driver.activate(11)
    driver.begin(0, 12, "below root", 1, NULL)
    for span in (10, 11, 12, 1):
        driver.end(span)
    driver.begin(0, 13, "another root", 1, NULL)
    driver.end(13)
    driver.leave()
    spans = {span.name: span for span in waiting(world)}
    check_equal((spans["c"].span, "0" * 16, spans["root"].span, "0" * 16), tuple(spans[name].parent for name in ("below c", "root", "below root", "another root")),
                "parents")


@test("limits/attributes", "C9 H9")
def limit_of_attributes(world):
    """128 attributes of a span, of an event and of a link; those beyond are counted; the last of a key counts."""
    driver = Driver(world)
    driver.open()
    driver.begin(0, 0, "one call", 1, ROOT)
    check_equal(ADJUSTED, driver.many(0, 200), "200 in one call")
    driver.begin(0, 1, "many calls", 1, ROOT)
    answers = [driver.attributes(1, *attributes(**{f"k{i}": i, f"l{i}": i})) for i in range(70)]
    check_equal(([OK] * 64, {ADJUSTED}), (answers[:64], set(answers[64:])), "answers")
    driver.begin(0, 2, "exactly", 1, ROOT)
    check_equal(OK, driver.many(2, 128), "128 in one call")
    driver.begin(0, 3, "again", 1, ROOT)
    driver.attributes(3, *attributes(a=1), *attributes(b=2), *attributes(a="x"))
    driver.attributes(3, *attributes(b=True), *attributes(c=1))
    hundred = [Attribute(f"n{i}", i) for i in range(150)]
    driver.begin(0, 4, "items", 1, ROOT)
    check_equal(ADJUSTED, driver.event(4, "e", *hundred), "event")
    check_equal(ADJUSTED, driver.link(4, PARENT, NULL, *hundred), "link")
    check_equal([ADJUSTED, ADJUSTED, OK, OK, ADJUSTED], [driver.end(span) for span in range(5)], "ends")
    driver.leave()
    one, several, exactly, again, items = waiting(world)
    check_equal((128, 72), (len(one.attributes), one.dropped_attributes), "one call")
    check_equal({f"number.{i}": i for i in range(128)}, one.attributes, "the first stay")
    check_equal((128, 12), (len(several.attributes), several.dropped_attributes), "many calls")
    check_equal((128, 0), (len(exactly.attributes), exactly.dropped_attributes), "exactly")
    check_equal({"a": "x", "b": True, "c": 1}, again.attributes, "the last counts")
    check_equal((128, 22, 128, 22), (len(items.events[0]["attributes"]), items.events[0]["dropped"], len(items.links[0]["attributes"]),
                                     items.links[0]["dropped"]), "event and link")


@test("limits/one-key", "C9 H9")
def one_key(world):
    """A key that is set again and again is one attribute: it never reaches the limit, and the last value counts."""
    driver = Driver(world)
    driver.open()
    driver.begin(0, 0, "progress", 1, ROOT)
    answers = {driver.attributes(0, *attributes(done=i)) for i in range(2000)}
    check_equal(({OK}, OK), (answers, driver.attributes(0, *attributes(other=1))), "answers")
    check_equal(OK, driver.end(0), "end")
    driver.leave()
    span = only(waiting(world))
    check_equal(({"done": 1999, "other": 1}, 0), (span.attributes, span.dropped_attributes), "attributes")


@test("limits/events-and-links", "C9 H9")
def limit_of_events(world):
    """128 events and 128 links; those beyond are counted."""
    driver = Driver(world)
    driver.open()
    driver.begin(0, 0, "n", 1, ROOT)
    answers = [driver.event(0, f"e{i}") for i in range(130)]
    check_equal(([OK] * 128, [ADJUSTED] * 2), (answers[:128], answers[128:]), "events")
    answers = [driver.link(0, f"00-{i + 1:032x}-{i + 1:016x}-00", NULL) for i in range(131)]
    check_equal(([OK] * 128, [ADJUSTED] * 3), (answers[:128], answers[128:]), "links")
    check_equal(ADJUSTED, driver.end(0), "end")
    driver.leave()
    span = only(waiting(world))
    check_equal((128, 2, 128, 3), (len(span.events), span.dropped_events, len(span.links), span.dropped_links), "kept and dropped")
    check_equal([f"e{i}" for i in range(128)], [each["name"] for each in span.events], "the first stay")


@test("limits/texts", "C9")
def texts(world):
    """Long names, keys, values and messages are cut at a character; bytes that are not UTF-8 are replaced."""
    driver = Driver(world)
    driver.open()
    check_equal(ADJUSTED, driver.begin(0, 0, "é" * 200, 1, ROOT), "long name")
    check_equal(ADJUSTED, driver.attributes(0, Attribute("k" * 100, "v" * 5000)), "long attribute")
    check_equal(ADJUSTED, driver.event(0, "ü" * 300), "long event")
    check_equal(ADJUSTED, driver.status(0, 2, "m " * 5000), "long message")
    check_equal(ADJUSTED, driver.end(0), "end")
    check_equal(ADJUSTED, driver.begin(0, 1, b"a\xff\xc3b\xed\xa0\x80", 1, ROOT), "name that is not UTF-8")
    check_equal(ADJUSTED, driver.attributes(1, Attribute(b"k\xfe", b"v\xf8w")), "attribute that is not UTF-8")
    check_equal(ADJUSTED, driver.event(1, b"e\x80"), "event")
    check_equal(ADJUSTED, driver.status(1, 2, b"\xc0\xafm"), "message")
    driver.end(1)
    check_equal(OK, driver.begin(0, 2, "n" * 256, 1, ROOT), "a name of 256 bytes")
    check_equal([ADJUSTED] * 4, [driver.attributes(2, each) for each in (Attribute("", 1), Attribute("null", 1, "n"), Attribute("x", 1, "k"), Attribute("x", 1, "x"))],
                "what is no attribute")
    driver.end(2)
    driver.leave()
    long, broken, exact = waiting(world)
    check_equal(("é" * 128, "ü" * 128), (long.name, long.events[0]["name"]), "names")
    check_equal([("k" * 64, "v" * 1024)], list(long.attributes.items()), "attribute")
    check(len(long.message.encode()) <= 1024 and long.message.startswith("m m m"), "message")
    for text in (broken.name, *broken.attributes, *broken.attributes.values(), broken.events[0]["name"], broken.message):
        check("\ufffd" in text, f"{text!r}")
    check_equal(("n" * 256, set(exact.attributes) - {"null"}), (exact.name, set()), "exact")


@test("limits/large", "C9 H9")
def large(world):
    """A span grows up to the largest record of 64 KiB; what does not fit is counted, and the rest is whole."""
    driver = Driver(world)
    driver.open()
    driver.begin(0, 0, "large", 1, ROOT)
    driver.begin(0, 1, "beside", 1, ROOT)
    answers = [driver.attributes(0, Attribute(f"k{i}", f"{i:04}" * 256)) for i in range(100)]
    kept = answers.count(OK)
    check(55 <= kept <= 64 and answers == [OK] * kept + [ADJUSTED] * (100 - kept), f"{answers}")
    driver.event(0, "e", Attribute("v", "x" * 1024))
    driver.link(0, PARENT, NULL, Attribute("v", "x" * 1024))
    driver.status(0, 2, "m" * 1000)
    check_equal(ADJUSTED, driver.end(0), "end")
    for number in range(2, 12):
        driver.begin(0, number, f"large {number}", 1, ROOT)
        for i in range(40):
            driver.attributes(number, Attribute(f"k{i}", f"{number:02}{i:02}" * 256))
        check_equal(OK, driver.end(number), "end of a large span")
    driver.end(1)
    check_equal(OK, driver.flush(0, 10000), "flush")
    stats = driver.stats()
    driver.begin(0, 20, "after", 1, ROOT)
    driver.attributes(20, *attributes(a=1))
    driver.end(20)
    driver.leave()
    span = only([each for each in waiting(world)])
    check_equal(("after", {"a": 1}), (span.name, span.attributes), "after the large ones")
    return f"{kept} attributes of 1 KiB; {stats}"


@test("limits/large-content", "C9 H9")
def large_content(world):
    """Content of a span that has outgrown its slot, from the segment."""
    driver = Driver(world)
    driver.open()
    driver.begin(0, 0, "large", 1, ROOT)
    for i in range(100):
        driver.attributes(0, Attribute(f"k{i}", f"{i:04}" * 256))
    driver.end(0)
    driver.begin(0, 1, "next", 1, ROOT)
    driver.end(1)
    driver.leave()
    first, second = waiting(world)
    kept = len(first.attributes)
    check_equal(({f"k{i}": f"{i:04}" * 256 for i in range(kept)}, 100 - kept), (first.attributes, first.dropped_attributes), "large")
    check_equal(("next", {}), (second.name, second.attributes), "next")


@test("limits/open", "C9 H9")
def many_open(world):
    """1024 spans can be open; those beyond are counted and hand on their context; a place that is free again is used."""
    driver = Driver(world)
    driver.open()
    check_equal({OK}, {driver.begin(0, i, f"s{i}", 1, ROOT) for i in range(1024)}, "1024 spans")
    check_equal([DROPPED] * 3, [driver.begin(0, 2000 + i, "beyond", 1, 0) for i in range(3)], "beyond")
    check_equal(driver.traceparent(0)[:35], driver.traceparent(2000)[:35], "its trace")
    for name, words in CALLS:
        check(getattr(driver, name)(2000, *words) in (OK, DISABLED), name)
    check_equal(1024, len(found(world).open), "open spans in the files")
    check_equal(OK, driver.end(500), "end")
    check_equal(OK, driver.begin(0, 3000, "again", 1, ROOT), "again")
    check_equal({OK}, {driver.attributes(i, *attributes(n=i)) for i in range(0, 1024) if i != 500}, "changes")
    check_equal({OK}, {driver.end(i) for i in range(1024) if i != 500}, "ends")
    driver.end(3000)
    check_equal(0, len(found(world).open), "open at the end")
    driver.leave()
    spans = waiting(world)
    check_equal({**{f"s{i}": {"n": i} for i in range(1024)}, "s500": {}, "again": {}}, {span.name: span.attributes for span in spans}, "spans")
    check_equal(1025, len(spans), "spans, once each")


SECRETS = {"password=hunter2canary": "hunter2canary", "https://user:canarypw@example.org/": "canarypw", "ghp_" + "Canary12" * 4 + "abcd": "Canary12Canary12",
           "AKIA" + "CANARY1234567890": "CANARY1234567890", "mail canary.person@example.org": "canary.person", "/home/canaryuser/x": "canaryuser"}


@test("privacy/secrets", "C7")
def secrets(world):
    """What looks like a secret, an address or a home directory is in no file: not in attributes, events, links or messages, open or ended."""
    driver = Driver(world, {"HOME": world.path("home")})
    driver.open(extended=1)
    for number, secret in enumerate(SECRETS):
        driver.begin(0, number, "n", 1, ROOT)
        driver.attributes(number, *attributes(value=secret))
        driver.event(number, "e", *attributes(value=secret))
        driver.link(number, PARENT, NULL, *attributes(value=secret))
        driver.status(number, 2, f"failed with {secret}")
        driver.error(number, "network", f"failed with {secret}")
        driver.attributes(number, *attributes(token="canarytoken", password="canarypassword"))
        if number % 2:
            driver.end(number)
    held = {}
    for name in os.listdir(spool(world)):
        with open(os.path.join(spool(world), name), "rb") as file:
            held[name] = file.read()
    check(any(name.endswith(".open") for name in held) and any(name.endswith(".seg") for name in held), f"{list(held)}")
    for canary in (*SECRETS.values(), "canarytoken", "canarypassword"):
        for name, data in held.items():
            check(canary.encode() not in data, f"{canary} in {name}")
    driver.leave()
    check_equal(6, len(waiting(world)) + len(found(world).open), "spans")


@test("privacy/error-text", "C6")
def error_text(world):
    """The text of an error is read only with extended collection; the category always counts."""
    driver = Driver(world)
    for number, extended in enumerate((0, 1)):
        driver.open(number, extended=extended)
        driver.begin(number, number, f"extended {extended}", 1, ROOT)
        check_equal(OK, driver.error(number, "network", "disk canary"), "record_error")
        driver.begin(number, 2 + number, f"unknown {extended}", 1, ROOT)
        check_equal(ADJUSTED, driver.error(2 + number, "no such category of errors", NULL), "unknown category")
        driver.begin(number, 4 + number, f"missing {extended}", 1, ROOT)
        driver.error(4 + number, NULL, NULL)
        for span in (number, 2 + number, 4 + number):
            driver.end(span)
    driver.leave()
    spans = {span.name: span for span in waiting(world)}
    check_equal({2}, {span.status for span in spans.values()}, "status")
    for name, message in (("extended 0", None), ("extended 1", "disk canary")):
        event, = spans[name].events
        check_equal(("exception", {"exception.type": "network", **({"exception.message": message} if message else {})}, message or ""),
                    (event["name"], event["attributes"], spans[name].message), name)
    for name in ("unknown 0", "missing 1"):
        check_equal({"exception.type": "unknown"}, spans[name].events[0]["attributes"], name)


@test("privacy/error-not-read", "C6")
def error_not_read(world):
    """Without extended collection the error's text is not touched: an address that nobody may read does no harm."""
    program = world.program("unread", r"""
#include <telemetry.h>
int main(void)
{
    telemetry_options *options = telemetry_options_new("itest", "1.0.0");
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_span span;
    telemetry_span_begin(telemetry, &span, "n", TELEMETRY_SPAN_INTERNAL, NULL);
    int status = telemetry_span_record_error(&span, "network", (const char *)8);
    telemetry_span_end(&span);
    return status;
}
""")
    world.run([program])


@test("interface/status", "H9")
def statuses(world):
    """The last status counts, unset changes nothing, ok is final, and only an error has a message."""
    driver = Driver(world)
    driver.open()
    cases = [([], (0, "")), ([(2, "a")], (2, "a")), ([(2, "a"), (2, "b")], (2, "b")), ([(1, NULL), (2, "a")], (1, "")), ([(2, NULL)], (2, "")),
             ([(2, "a"), (0, NULL)], (2, "a")), ([(1, "ignored")], (1, "")), ([(0, "ignored")], (0, ""))]
    for number, (calls, _) in enumerate(cases):
        driver.begin(0, number, f"{number}", 1, ROOT)
        for code, message in calls:
            check_equal(OK, driver.status(number, code, message), f"{calls}")
        driver.end(number)
    driver.begin(0, 50, "error after ok", 1, ROOT)
    driver.status(50, 1, NULL)
    driver.error(50, "network", NULL)
    driver.end(50)
    driver.begin(0, 51, "ok after error", 1, ROOT)
    driver.status(51, 2, "a")
    driver.status(51, 1, NULL)
    driver.end(51)
    driver.leave()
    *spans, late, recovered = waiting(world)
    check_equal([expected for _, expected in cases], [(span.status, span.message) for span in spans], "statuses")
    check_equal((1, ["exception"]), (late.status, [event["name"] for event in late.events]), "ok is final")
    check_equal(1, recovered.status, "ok after an error")


@test("interface/statistics", "H9")
def statistics(world):
    """telemetry_get_span_statistics() counts spans as `telemetry status` does, apart from events, over all processes; an open one is in none."""
    world.telemetry("enable")
    driver = Driver(world)
    check_equal(OK, driver.open(), "open")
    check_equal((OK, 0), (driver.span_stats()["status"], driver.span_stats()["recorded"]), "before the first one")
    for name in ("one", "two"):
        driver.begin(0, 0, name, INTERNAL, ROOT)
        driver.end(0)
    driver.track(0)
    driver.begin(0, 1, "open", INTERNAL, ROOT)
    world.run([f"{BUILD}/bin/telemetry", "span", "--tool", TOOL, "--name", "other", "--", "true"])
    seen, events = driver.span_stats(), driver.stats()
    check_equal((OK, 3, 3), (seen["status"], seen["recorded"], seen["delivered"] + seen["pending"]), "spans")
    check_equal(1, events["recorded"], "events")
    told = json.loads(world.telemetry("status", "--json").stdout)["spans"]
    check_equal((seen["recorded"], seen["pending"], 1), (told["recorded"], told["pending"], told["open"]), "status")
    driver.end(1)
    check_equal((DISABLED, 0), (driver.span_stats(3)["status"], driver.span_stats(3)["recorded"]), "of no collector")
    off = Driver(world, {"ITEST_NO_TELEMETRY": "1"})
    off.open()
    check_equal((DISABLED, 0), (off.span_stats()["status"], off.span_stats()["recorded"]), "off")
