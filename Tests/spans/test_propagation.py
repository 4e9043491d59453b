"""H10, H11: W3C Trace Context, level 2, and sampling, through the C interface. The tables are those of W3C's own suite (test/test.py)."""
import json
import os
import re

from driving import DISABLED, NULL, OK, PARENT, ROOT, TRACE, Driver, attributes, files_below, found, helper, log_lines, waiting
from suite import check, check_equal, test
from world import BUILD, TOOL

IDS = "12345678901234567890123456789012-1234567890123456"
SAMPLED, UNSAMPLED = f"00-{IDS}-01", f"00-{IDS}-00"
# (traceparent, the trace goes on)
PARENTS = [
    (SAMPLED, True), (NULL, False), ("", False), (SAMPLED + ".", False), (SAMPLED + "-what-the-future-will-be-like", False), (f"cc-{IDS}-01", True),
    (f"cc-{IDS}-01-what-the-future-will-be-like", True), (f"cc-{IDS}-01.what-the-future-will-be-like", False), (f"ff-{IDS}-01", False),
    (f".0-{IDS}-01", False), (f"0.-{IDS}-01", False), (f"000-{IDS}-01", False), (f"0000-{IDS}-01", False), (f"0-{IDS}-01", False),
    ("00-00000000000000000000000000000000-1234567890123456-01", False), ("00-.2345678901234567890123456789012-1234567890123456-01", False),
    ("00-1234567890123456789012345678901.-1234567890123456-01", False), ("00-123456789012345678901234567890123-1234567890123456-01", False),
    ("00-1234567890123456789012345678901-1234567890123456-01", False), ("00-12345678901234567890123456789012-0000000000000000-01", False),
    ("00-12345678901234567890123456789012-.234567890123456-01", False), ("00-12345678901234567890123456789012-123456789012345.-01", False),
    ("00-12345678901234567890123456789012-12345678901234567-01", False), ("00-12345678901234567890123456789012-123456789012345-01", False),
    (f"00-{IDS}-.0", False), (f"00-{IDS}-0.", False), (f"00-{IDS}-001", False), (f"00-{IDS}-1", False), (f" {SAMPLED}", True), (f"\t{SAMPLED}", True),
    (f"{SAMPLED} ", True), (f"{SAMPLED}\t", True), (f"\t {SAMPLED} \t", True), (SAMPLED.upper().replace("00-", "0A-", 1), False), (SAMPLED + "\n", False),
    ("x" * 20000, False), (b"\xff" * 55, False)]
KEY = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
VALUE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in ",=")


def numbered(first, last):
    return ",".join(f"bar{i:02}={i:02}" for i in range(first, last + 1))


STATES = [
    ("foo=1,bar=2", "foo=1,bar=2"), (NULL, ""), ("", ""), ("foo=1,", "foo=1"), (",foo=1", "foo=1"), ("foo=1,foo=1", "foo=1"), ("foo=1,foo=2", "foo=1"),
    (f"{KEY}={VALUE}", f"{KEY}={VALUE}"), (f"{KEY}@a-z0-9_-*/={VALUE}", f"{KEY}@a-z0-9_-*/={VALUE}"), ("foo=1 \t , \t bar=2, \t baz=3", "foo=1,bar=2,baz=3"),
    (" foo=1", "foo=1"), ("\tfoo=1", "foo=1"), ("foo=1 ", "foo=1"), ("\t foo=1 \t", "foo=1"), ("foo =1", ""), ("FOO=1", ""), ("foo.bar=1", ""), ("@foo=1,bar=2", ""),
    ("foo@=1,bar=2", "foo@=1,bar=2"), ("foo@bar@baz=1,bar=2", "foo@bar@baz=1,bar=2"), (numbered(1, 32), numbered(1, 32)), (numbered(1, 33), ""),
    ("foo=1," + "z" * 256 + "=1", "foo=1," + "z" * 256 + "=1"), ("foo=1," + "z" * 257 + "=1", ""), ("foo=bar=baz", ""), ("foo=,bar=3", ""), ("foobarbaz", ""), ("=abc", ""),
    ("foo=" + "x" * 256, "foo=" + "x" * 256), ("foo=" + "x" * 257, ""), (b"foo=\xc3\xa9", ""), ("y" * 30000, ""),
    # What does not fit into 512 bytes loses whole members, long ones first.
    (f"a={'x' * 200},b=1,c={'y' * 200},d={'z' * 200}", f"a={'x' * 200},b=1,c={'y' * 200}")]


@test("propagation/traceparent", "H10")
def traceparent(world):
    """Every case of W3C's suite: the trace goes on below the remote span, or a new one begins."""
    driver = Driver(world)
    driver.open()
    for given, goes_on in PARENTS:
        check_equal(OK, driver.remote(0, 0, "n", 2, given, "k=v"), f"{given}")
        answer = driver.traceparent(0)
        check(re.fullmatch(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]", answer), f"{given}: {answer}")
        check_equal((goes_on, False), (answer[3:35] == IDS[:32], answer[36:52] == IDS[33:]), f"{given}: {answer}")
        check_equal("k=v" if goes_on else "", driver.tracestate(0), f"{given}: tracestate")
        check(goes_on or answer.endswith("-03"), f"{given}: flags of a new trace: {answer}")
        driver.end(0)
    driver.leave()
    spans = waiting(world)
    check_equal([goes_on for _, goes_on in PARENTS], [span.parent == "1234567890123456" for span in spans], "parents")
    check_equal([goes_on for _, goes_on in PARENTS], [span.has_remote_parent for span in spans], "remote parents")
    check_equal({"0" * 16, "1234567890123456"}, {span.parent for span in spans}, "parents")


@test("propagation/tracestate", "H10")
def tracestate(world):
    """Every case of W3C's suite: what is handed on, to the span's record and to those below it."""
    driver = Driver(world)
    driver.open()
    for given, sent in STATES:
        driver.remote(0, 0, "n", 2, SAMPLED, given)
        check_equal((len(sent), sent), driver.text("tracestate", 0), f"{given}")
        driver.begin(0, 1, "below", 1, 0)
        check_equal(sent, driver.tracestate(1), f"below {given}")
        driver.link(1, SAMPLED, given)
        driver.end(1)
        driver.end(0)
    driver.leave()
    spans = waiting(world)
    check_equal([sent for _, sent in STATES], [span.state for span in spans if span.name == "n"], "of the records")
    check_equal([sent for _, sent in STATES], [span.links[0]["trace_state"] for span in spans if span.name == "below"], "of the links")


@test("propagation/flags", "H10")
def flags(world):
    """Level 2: the random flag is copied, a new trace has it, and other bits are not handed on."""
    driver = Driver(world)
    driver.open()
    for given, expected in (("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("04", "00"), ("07", "03"), ("ff", "03"), ("fd", "01"), ("fe", "02")):
        driver.remote(0, 0, "n", 1, f"00-{IDS}-{given}", NULL)
        check_equal(expected, driver.traceparent(0)[-2:], f"flags {given}")
        driver.begin(0, 1, "below", 1, 0)
        check_equal(expected, driver.traceparent(1)[-2:], f"below flags {given}")
        driver.end(1)
        driver.end(0)
    driver.begin(0, 0, "root", 1, ROOT)
    check_equal("03", driver.traceparent(0)[-2:], "a new trace")
    driver.end(0)
    driver.leave()
    check_equal([1, 1, 3, 3, 3, 3, 3, 3, 1, 1, 3], [span.trace_flags for span in waiting(world)], "records of what was sampled")


@test("propagation/buffers", "H10 host")
def buffers(world):
    """Texts are cut to the buffer and terminated; the length is that of the whole; nothing beyond the buffer is written."""
    driver = Driver(world, {"BAGGAGE": "k=v"})
    driver.open()
    driver.remote(0, 0, "n", 1, PARENT, "a=1,b=2")
    whole = driver.traceparent(0)
    for size in (0, 1, 2, 55, 56, 57, 1000):
        check_equal((55, whole[:max(0, size - 1)]), driver.text("traceparent", 0, size), f"traceparent in {size}")
        check_equal((7, "a=1,b=2"[:max(0, size - 1)]), driver.text("tracestate", 0, size), f"tracestate in {size}")
    entries = [f"TRACEPARENT={whole}", "TRACESTATE=a=1,b=2", "BAGGAGE=k=v"]
    need = sum(len(entry) + 1 for entry in entries) + 1
    check_equal(entries, driver.environment(0), "environment")
    check_equal(entries, driver.environment(0, need), "environment, exactly")
    for size in (1, 2, 50, need - 1):
        check_equal([], driver.environment(0, size), f"environment in {size}")
    check(driver.line("environment", 0, 0).startswith(f"{need} "), "environment in 0")
    driver.leave()


@test("propagation/environment", "H10")
def environment(world):
    """TRACEPARENT of the environment is the parent of what has none; its tracestate and baggage go on; an invalid one begins a new trace."""
    cases = [({"TRACEPARENT": PARENT, "TRACESTATE": "a=1", "BAGGAGE": "k=v"}, True, "a=1", "BAGGAGE=k=v"), ({"TRACEPARENT": "00-1", "TRACESTATE": "a=1"}, False, "", None),
             ({"traceparent": PARENT}, False, "", None), ({"TRACESTATE": "a=1", "BAGGAGE": "k=v"}, False, "", "BAGGAGE=k=v"), ({"TRACEPARENT": ""}, False, "", None)]
    for variables, goes_on, state, baggage in cases:
        driver = Driver(world, variables)
        driver.open()
        driver.begin(0, 0, "n", 1, NULL)
        check_equal((goes_on, state), (TRACE in driver.traceparent(0), driver.tracestate(0)), f"{variables}")
        check_equal(baggage, next((entry for entry in driver.environment(0) if entry.startswith("BAGGAGE")), None), f"{variables}: baggage")
        driver.begin(0, 1, "root", 1, ROOT)
        check(TRACE not in driver.traceparent(1), "root")
        driver.begin(0, 2, "below", 1, 0)
        check_equal(driver.traceparent(0)[:35], driver.traceparent(2)[:35], "below")
        for span in (2, 1, 0):
            driver.end(span)
        driver.leave()
    spans = sorted((span for span in waiting(world) if span.name == "n"), key=lambda span: span.start_ns)
    check_equal([goes_on for _, goes_on, _, _ in cases], [span.parent == "b7ad6b7169203331" and span.has_remote_parent for span in spans], "parents")


@test("propagation/ids", "H10")
def ids(world):
    """Ids of 3,000 spans in three processes, one of them a fork, are all different, and none is zero."""
    driver = Driver(world)
    driver.open(detached=1)
    for i in range(500):
        driver.begin(0, i, "n", 1, ROOT)
    driver.fork()
    for i in range(500):
        driver.begin(0, i, "n", 1, ROOT)
        driver.end(i)
    driver.joined()
    for i in range(500):
        driver.end(i)
        driver.begin(0, i, "n", 1, ROOT)
        driver.end(i)
    driver.leave()
    other = Driver(world)
    other.open(detached=1)
    for i in range(1500):
        other.begin(0, i % 1000, "n", 1, ROOT)
        other.end(i % 1000)
    other.leave()
    spans = waiting(world)
    check_equal((3000, 3000, 3000), (len({span.trace for span in spans}), len({span.span for span in spans}), len({span.id for span in spans})), "ids")
    check(all(span.trace.strip("0") and span.span.strip("0") and span.trace[16:].strip("0") for span in spans), "zeroes")


@test("sampling/variables", "H11 H15")
def variables(world):
    """OTEL_TRACES_SAMPLER decides for roots and, where it does not ask the parent, for others; without a span nothing is recorded."""
    table = [("always_on", None, True, True, True), ("always_off", None, False, False, False), ("parentbased_always_on", None, True, True, False),
             ("parentbased_always_off", None, False, True, False), ("traceidratio", "1", True, True, True), ("traceidratio", "0", False, False, False),
             ("parentbased_traceidratio", "1.0", True, True, False), ("parentbased_traceidratio", "0", False, True, False), ("", None, True, True, False),
             ("jaeger_remote", None, True, True, False), ("traceidratio", "x", True, True, True), ("Always_Off", None, False, False, False)]
    for number, (name, argument, root, sampled, unsampled) in enumerate(table):
        variables_ = {"OTEL_TRACES_SAMPLER": name, **({"OTEL_TRACES_SAMPLER_ARG": argument} if argument else {})}
        preference = world.path("home", ".config", "telemetry", f"sampled{number}")
        os.makedirs(preference, 0o700)
        with open(os.path.join(preference, "enabled"), "w") as file:
            file.write("true\n")
        driver = Driver(world, variables_)
        driver.open(tool=f"sampled{number}")
        answers = [driver.begin(0, 0, "root", 1, ROOT), driver.remote(0, 1, "sampled", 1, SAMPLED, "k=v"), driver.remote(0, 2, "unsampled", 1, UNSAMPLED, "k=v")]
        check_equal([OK] * 3, answers, f"{name} {argument}: begin")
        flags_ = [driver.traceparent(span)[-2:] for span in range(3)]
        check_equal(["03" if root else "02", "01" if sampled else "00", "01" if unsampled else "00"], flags_, f"{name} {argument}: flags")
        check_equal(["", "k=v", "k=v"], [driver.tracestate(span) for span in range(3)], "tracestate")
        for span in range(3):
            check_equal([OK] * 4, [driver.attributes(span, *attributes(a=1)), driver.event(span, "e"), driver.status(span, 2, "m"), driver.end(span)],
                        f"{name} {argument}: calls on span {span}")
        driver.leave()
        expected = [each for each, is_sampled in (("root", root), ("sampled", sampled), ("unsampled", unsampled)) if is_sampled]
        check_equal(expected, [span.name for span in waiting(world, f"sampled{number}")], f"{name} {argument}: records")
        check_equal([], found(world, f"sampled{number}").open, f"{name} {argument}: open")


@test("sampling/unsampled-makes-nothing", "H11")
def unsampled(world):
    """A program whose spans are all left out makes no file, takes no lock and still hands on the trace to its children, unsampled."""
    driver = Driver(world, {"OTEL_TRACES_SAMPLER": "always_off"})
    driver.open()
    for i in range(50):
        check_equal(OK, driver.begin(0, i, "n", 1, ROOT if i == 0 else i - 1), "begin")
        driver.attributes(i, *attributes(a=1))
    check_equal({driver.traceparent(0)[:35]}, {driver.traceparent(i)[:35] for i in range(50)}, "one trace")
    check_equal(50, len({driver.traceparent(i) for i in range(50)}), "spans")
    check(driver.environment(49)[0].endswith("-02"), "the children's environment")
    for i in range(50):
        driver.end(i)
    check_equal(OK, driver.close(0, 1000), "close")
    driver.leave()
    check_equal([], [name for name in files_below(world.path("home", ".local")) if name.endswith((".seg", ".open", ".jsonl"))], "files")


@test("sampling/ratio", "H11")
def ratio(world):
    """A quarter is about a quarter, the decision is that of the lower 64 bits, and a child's is its root's."""
    driver = Driver(world, {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"})
    driver.open()
    recorded = 0
    for _ in range(1000):
        driver.begin(0, 0, "root", 1, ROOT)
        driver.begin(0, 1, "child", 1, 0)
        root, child = driver.traceparent(0), driver.traceparent(1)
        is_sampled = int(root[19:35], 16) < 1 << 62
        check_equal((is_sampled, is_sampled), (root[-1] == "3", child[-1] == "3"), root)
        recorded += is_sampled
        driver.end(1)
        driver.end(0)
    driver.leave()
    check(180 < recorded < 320, f"{recorded}")
    check_equal(2 * recorded, len(waiting(world)), "records")


def events(world):
    """The ids in those that wait or were delivered, which are then gone."""
    path = world.path("home", ".local", "state", "telemetry", TOOL, "events.jsonl")
    lines = helper(world, "show", "--json").stdout
    if os.path.exists(path):
        with open(path) as file:
            lines += file.read()
        os.remove(path)
    return [ids(json.loads(line)) for line in lines.splitlines()]


def ids(event):
    given = event.get("metadata", {})
    return f"{given['trace_id']}-{given['span_id']}" if "trace_id" in given or "span_id" in given else None


def tracked(world, environment, expected=OK, **options):
    """What the event of a program has that no span is active in."""
    driver = Driver(world, environment)
    driver.open(**options)
    check_equal(expected, driver.track(0), "track")
    driver.close(0, 0 if "manifest" in options else 5000)
    driver.leave()
    return events(world)


@test("propagation/events", "H10")
def events_of_environment(world):
    """An event of a program that runs in a span has its ids, if a span that begins there would be recorded: not without consent, sampling or the author's wish."""
    for variables, expected in (({}, None), ({"TRACEPARENT": SAMPLED}, IDS), ({"TRACEPARENT": UNSAMPLED}, None), ({"TRACEPARENT": SAMPLED + "x"}, None),
                                ({"TRACEPARENT": ""}, None), ({"TRACEPARENT": SAMPLED, "OTEL_TRACES_SAMPLER": "always_off"}, None),
                                ({"TRACEPARENT": UNSAMPLED, "OTEL_TRACES_SAMPLER": "always_on"}, IDS),
                                ({"TRACEPARENT": SAMPLED, "OTEL_TRACES_SAMPLER": "parentbased_always_off"}, IDS)):
        check_equal([expected], tracked(world, variables), f"{variables}")
    check_equal([], tracked(world, {"TRACEPARENT": SAMPLED, "DO_NOT_TRACK": "1"}, DISABLED), "without consent")
    world.manifest("https://127.0.0.1:9/", kind="http")
    check_equal([None], tracked(world, {"TRACEPARENT": SAMPLED}, manifest=world.manifest_file), "an author who takes no spans")
    check("12345678901234567890123456789012" not in helper(world, "show", "--wire", expected=None).stdout, "the trace's id in a request")


@test("propagation/events-active", "H10")
def events_active(world):
    """The active span of the thread comes before the environment's, and the environment's counts again after it. A span that begins then is not in it."""
    driver = Driver(world, {"TRACEPARENT": SAMPLED})
    driver.open()
    driver.begin(0, 0, "root", 1, ROOT)
    driver.track(0)
    driver.activate(0)
    driver.track(0)
    root = driver.traceparent(0)[3:52]
    driver.deactivate(0)
    driver.track(0)
    driver.activate(0)
    driver.end(0)
    driver.track(0)
    driver.close(0, 5000)
    check_equal([IDS, root, IDS, IDS], events(world), "ids of the events")


@test("propagation/events-commands", "H10")
def events_commands(world):
    """What a program below a span records through the helper has the span's ids, also as --dry-run shows it."""
    track = f"'{BUILD}/bin/telemetry' track inner --tool {TOOL}"
    script = f"{track}; {track} --error-category network; '{BUILD}/bin/telemetry' command deploy --tool {TOOL} --duration-ms 1 --exit-code 0"
    world.run([f"{BUILD}/bin/telemetry", "span", "--tool", TOOL, "--name", "outer", "--", "sh", "-c", script])
    span, = log_lines(world)
    expected = f"{span['trace_id']}-{span['span_id']}"
    check_equal([expected] * 3, events(world), "ids of the events")
    shown = world.run([f"{BUILD}/bin/telemetry", "track", "e", "--tool", TOOL, "--dry-run"], environment={"TRACEPARENT": SAMPLED}).stdout
    check(all(part in shown for part in IDS.split("-")), f"a dry run: {shown}")
