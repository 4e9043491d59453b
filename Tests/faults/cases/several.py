"""Several backends at once: one that fails never holds up another, and gets what it missed when it is back."""
import json

import stage as stages
from records import EVENTS, SPANS, of_both
from sink import Sink
from suite import check, check_equal
from wires import WIRES, of

COUNT = 12
# For two backends of one kind, and for one of each.
ONE = {EVENTS: "http", SPANS: "zipkin"}
EVERY = {EVENTS: ["http", "otlp-protobuf", "datadog", "posthog", "segment", "splunk_hec"], SPANS: [wire.name for wire in of(SPANS)]}


class Pair:
    """A tool with two destinations, `alive` and `dead`, the dead one in front unless told otherwise."""

    def __init__(self, stage, dead, order=("dead", "alive"), **delivery):
        self.stage = stage
        self.alive = stage.closes(Sink(WIRES[ONE[stage.records]]))
        self.dead = stage.closes(Sink(WIRES[ONE[stage.records]], **dead))
        places = {"alive": self.alive, "dead": self.dead}
        backends = [{**places[name].wire.backend, "name": name, "endpoint": places[name].url()} for name in order]
        self.manifest = stage.path("manifest.json")
        with open(self.manifest, "w") as file:
            json.dump({"tool": {"name": stages.TOOL}, "backends": backends, "identity": {"ephemeral": "never"},
                       "delivery": delivery}, file)

    def send(self, close_ms=5000, count=COUNT):
        done = self.stage.send(f"manifest={self.manifest}", f"track={count}", f"close={close_ms}")
        return int(done["close"][0]), float(done["close"][1])

    def expect(self, alive, dead):
        """How many events or spans each has accepted; none of them twice."""
        for name, sink, count in (("alive", self.alive, alive), ("dead", self.dead, dead)):
            taken = sink.accepted()
            check_equal([], sink.problems(), f"malformed requests to the {name} one")
            check_equal(count, len(taken), f"{self.stage.records} that the {name} one has")
            check(max(taken.values(), default=1) == 1, f"the {name} one has {self.stage.records} twice: {taken}")

    def heal(self):
        if self.dead.mode == ("accept",):
            self.dead.open()
        self.dead.mode = ("accept",)
        self.stage.helper("deliver", "--now", "--manifest", self.manifest)

    def status(self):
        return json.loads(self.stage.helper("status", "--json", "--manifest", self.manifest))

    def counts(self, delivered, pending, **dropped):
        """E12, of all of them together: an event is delivered when each has it."""
        counts = self.stage.records.counts(self.status(), self.stage.spool)
        check_equal((delivered, pending, dropped), counts[1:], "delivered, pending and dropped")


def identities(sink):
    return [event.id for request in sink.requests if request.is_accepted for event in request.events]


for ORDER in (("dead", "alive"), ("alive", "dead")):
    def scenario(stage, order=ORDER):
        pair = Pair(stage, {"is_open": False}, order)
        for run in range(1, 4):
            check_equal(stages.DELIVERY, pair.send()[0], "what close returned")
            pair.expect(run * COUNT, 0)
            pair.counts(0, run * COUNT)
        pair.heal()
        pair.expect(3 * COUNT, 3 * COUNT)
        check_equal(identities(pair.alive), identities(pair.dead), "the order in which they were recorded")
        pair.counts(3 * COUNT, 0)
        check_equal(stages.OK, pair.send()[0], "what close returned afterwards")
        pair.expect(4 * COUNT, 4 * COUNT)
    scenario.__doc__ = f"{' before '.join(ORDER)}: the one gets everything at once, and once; the other later, in order."
    of_both(f"several/{'-'.join(ORDER)}", "E5 E6 E8 E12 F")(scenario)


@of_both("several/black-hole", "E8 E9 F")
def black_hole(stage):
    """One into which everything vanishes delays another in the first short run at most."""
    pair = Pair(stage, {"is_full": True})
    for run in range(1, 6):
        status, milliseconds = pair.send(close_ms=250)
        check(status < 0, f"close returned {status}")
        check(milliseconds <= 300, f"close(250) took {milliseconds} ms")
        if run > 1:
            pair.expect(run * COUNT, 0)
    pair.heal()
    pair.expect(5 * COUNT, 5 * COUNT)
    pair.counts(5 * COUNT, 0)


@of_both("several/hang", "E6 E8 F")
def hang(stage):
    """One that takes the request and never answers: it is tried last, and holds nobody up."""
    pair = Pair(stage, {})
    pair.dead.mode = ("hang",)
    for run in range(1, 4):
        pair.send(close_ms=250)
    pair.expect(3 * COUNT, 0)
    check_equal(1, len(pair.dead.requests), "attempts at the one that never answers")
    pair.heal()
    pair.expect(3 * COUNT, 3 * COUNT)
    pair.counts(3 * COUNT, 0)


@of_both("several/refuses", "E8 E12 F")
def refuses(stage):
    """One that refuses an event for good costs the other nothing."""
    pair = Pair(stage, {})
    pair.dead.mode = ("status", 400)
    check_equal(stages.OK, pair.send()[0], "what close returned")
    pair.expect(COUNT, 0)
    check_equal(1, len(pair.dead.requests), "requests to the one that refuses")
    pair.counts(COUNT, 0)
    pair.dead.mode = ("accept",)
    check_equal(stages.OK, pair.send()[0], "what close returned afterwards")
    pair.expect(2 * COUNT, COUNT)


@of_both("several/killed", "E3 E6 F")
def killed(stage):
    """A process killed while one does not answer: nothing is lost for either, nothing is sent twice to the other."""
    pair = Pair(stage, {}, ("alive", "dead"))
    pair.dead.mode = ("hang",)
    child = stage.start(f"manifest={pair.manifest}", f"track={COUNT}", "close=20000")
    stages.wait_until(lambda: pair.dead.requests, "the second one has the request")
    child.process.kill()
    child.process.wait()
    pair.heal()
    pair.expect(COUNT, COUNT)
    pair.counts(COUNT, 0)


@of_both("several/once", "E7 E12 F")
def at_most_once(stage):
    """At most once: what one leaves unanswered is not sent to it again, and the other has it."""
    pair = Pair(stage, {}, guarantee="at-most-once")
    pair.dead.mode = ("body",)
    pair.send()
    pair.expect(COUNT, 0)
    pair.heal()
    pair.expect(COUNT, 0)
    pair.counts(COUNT, 0)


@of_both("several/every-kind", "F")
def every_kind(stage):
    """A receiver of each kind, six at most, each with its own form of the same records."""
    sinks = [stage.closes(Sink(WIRES[name])) for name in EVERY[stage.records]]
    with open(stage.path("manifest.json"), "w") as file:
        json.dump({"tool": {"name": stages.TOOL}, "identity": {"ephemeral": "never"},
                   "backends": [{**sink.wire.backend, "name": sink.wire.name, "endpoint": sink.url()} for sink in sinks]}, file)
    done = stage.send(f"manifest={stage.path('manifest.json')}", f"track={COUNT}", "close=5000")
    check_equal(str(stages.OK), done["close"][0], "what close returned")
    for sink in sinks:
        check_equal([], sink.problems(), f"malformed requests to {sink.wire.name}")
        check_equal(identities(sinks[0]), identities(sink), f"{stage.records} of {sink.wire.name}")
    check_equal(COUNT, len(identities(sinks[0])), f"{stage.records}")
