"""Without the user's consent nothing is recorded, and nothing is made. The user's answer is kept."""
import os
import sys

from stage import HERE
from suite import check, check_equal, test

sys.path.append(os.path.join(HERE, "..", "prompt"))

#: Everything that a program can record, with a text that must be nowhere.
EVERYTHING = """
    CANARY = "canary-" + "text"
    options = Options("mytool", "1.0", command_spans=True, extended_collection=True)
    options.add_metric("declared", MetricType.HISTOGRAM)
    with Collector(options) as telemetry:
        allowed = telemetry.enabled
        expected = Status.OK if allowed else Status.DISABLED
        try:
            with telemetry.command(CANARY) as command, telemetry.span(CANARY, SpanKind.CLIENT) as span:
                assert telemetry.track(FEATURE_USED, CANARY, key=CANARY) is expected
                assert telemetry.track_error(CANARY, "data", CANARY) is expected
                assert telemetry.track_command(CANARY, 1, 1, arguments=[CANARY], error=CANARY) is expected
                assert telemetry.count(CANARY) is expected and telemetry.gauge("g", 1, key=CANARY) is expected
                assert telemetry.observe("o", 1) is expected and telemetry.metric("declared").observe(1, key=CANARY) is expected
                telemetry.metric("declared").bind(key=CANARY).observe(1)
                assert span.set_attributes(key=CANARY) is expected and span.add_event(CANARY) is expected
                assert span.set_status(SpanStatus.ERROR, CANARY) is expected and span.record_error("data", CANARY) is expected
                telemetry.root_span(CANARY).end()
                telemetry.remote_span(CANARY, {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}).end()
                raise ValueError(CANARY)
        except ValueError:
            pass
        assert telemetry.flush(2000) is expected
        print(telemetry.statistics().recorded, telemetry.span_statistics().recorded)
"""
WAYS = {"silence": {"MYTOOL_TELEMETRY_ENABLED": None}, "DO_NOT_TRACK": {"DO_NOT_TRACK": "1"}, "variable": {"MYTOOL_NO_TELEMETRY": "1"}}


def canary(name, variables):
    @test(f"consent/{name}", "A1 A4 A5")
    def without(stage):
        """Without consent every call does nothing, and no file is made."""
        check_equal("0 0\n", stage.python(EVERYTHING, **variables), "what was recorded")
        check_equal([], stage.files(), "files")


for way in WAYS.items():
    canary(*way)


@test("consent/control", "A1")
def control(stage):
    """With consent the same program records."""
    recorded = stage.python(EVERYTHING).split()
    check(int(recorded[0]) >= 3 and int(recorded[1]) >= 3, f"recorded: {recorded}")
    check("canary-text" in str(stage.events()), "the text is in no event")


@test("consent/preference", "A8")
def preference(stage):
    """The answer is stored, explained, and can be taken back."""
    stage.python("""
        options = Options("mytool", "1.0")
        assert options.set_preference(True) is Status.OK and "preference file" in options.explain()
        telemetry = Collector(options)
        assert telemetry.enabled and telemetry.track(FEATURE_USED, "x") is Status.OK
        assert options.set_preference(False) is Status.OK
        end = time.monotonic() + 10
        while telemetry.enabled and time.monotonic() < end: time.sleep(0.05)
        assert not telemetry.enabled and telemetry.track(FEATURE_USED, "x") is Status.DISABLED
    """, MYTOOL_TELEMETRY_ENABLED=None)
    with open(os.path.join(stage.home, ".config/telemetry/mytool/enabled")) as file:
        check_equal("false", file.read().strip(), "the answer")
    check_equal([], stage.events(), "events")


@test("consent/no terminal", "A13")
def no_terminal(stage):
    """Where nobody can answer, prompt() returns at once and stores nothing."""
    stage.python('assert Options("mytool").prompt() is Status.OK', MYTOOL_TELEMETRY_ENABLED=None)
    check_equal([], stage.files(), "files")


PROMPT = """
    import signal
    options = Options("mytool", "1.0", notice=Notice("Example Ltd", "names", "to see"))
    options.prompt()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with Collector(options) as telemetry:
        telemetry.track(FEATURE_USED, "x")
"""


def at_terminal(stage, keys):
    import person

    class Person:
        environment = stage.variables({"MYTOOL_TELEMETRY_ENABLED": None, "TERM": "dumb"})
    return person.meet(Person, [sys.executable, stage.program(PROMPT)], keys)


@test("consent/prompt", "A13")
def prompt(stage):
    """At a terminal the user is asked once, and a yes counts."""
    outcome = at_terminal(stage, [b"y\n"])
    check(b"Allow mytool to collect this?" in outcome.screen, str(outcome.screen))
    check_equal(["x"], [each["name"] for each in stage.events()], "events")
    check(b"Allow" not in at_terminal(stage, []).screen, "asked again")


@test("consent/Ctrl-C", "A13 host")
def interrupted(stage):
    """Ctrl-C at the question ends the program at once, and stores nothing."""
    import person
    outcome = at_terminal(stage, [person.CTRL_C])
    check_equal(-2, outcome.status, f"how it ended: {outcome.screen}")
    check(b"Traceback" not in outcome.screen, str(outcome.screen))
    check_equal([], stage.files(), "files")
