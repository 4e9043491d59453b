"""kill -9 of a process that delivers, at any moment of its life, against a receiver that knows what it has by its id.

Of spans a part was open when their program was killed: the process that delivers makes a segment of their file first."""
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import stage as stages
from records import EVENTS, SPANS, of_both
from sink import Sink
from suite import check, check_equal
from wires import WIRES, of

# How many runs, at least once and at most once.
RUNS = {EVENTS: (500, 100), SPANS: (250, 100)}
COUNT = 300
# Of them, if they are spans.
OPEN = 60
# About 25 events each: a delivery takes a dozen requests.
SEGMENT_BYTES = 8192
AT_ONCE = 4
# The kills come between the start of the helper and its usual end.
OVERSHOOT = 1
BEFORE, DURING, AFTER = "before the first request", "between first and last request", "after the last request"


class Template:
    """A spool in which 300 events or spans wait; each run gets a copy."""

    def __init__(self, stage):
        self.stage, self.shared = stage, stage.shared
        self.wires = of(stage.records)
        closed = stage.closes(Sink(self.wires[0], is_open=False))
        self.write_manifest(stage, self.wires[0], closed, "at-least-once")
        self.record(stage)
        self.segments = len([name for name in os.listdir(stage.spool) if name.endswith(".seg")])
        self.closed = closed

    @staticmethod
    def record(stage):
        manifest = f"manifest={stage.path('manifest.json')}"
        if stage.records is EVENTS:
            stage.send(manifest, f"track={COUNT}", "close=0")
            check_equal((COUNT, 0, COUNT, {}), Template.counts(stage), "the counts of what waits")
            return
        child = stage.start(manifest, f"begin={OPEN}", f"track={COUNT - OPEN}", "sleep=60000")
        stages.wait_until(lambda: Template.status(stage)["spans"]["recorded"] == COUNT - OPEN, "all are recorded")
        child.process.kill()
        child.process.wait()
        check_equal(OPEN, Template.status(stage)["spans"]["open"], "open spans")

    @staticmethod
    def write_manifest(stage, wire, sink, guarantee):
        with open(stage.path("manifest.json"), "w") as file:
            json.dump({"tool": {"name": stages.TOOL}, "backend": {**wire.backend, "endpoint": sink.url()},
                       "identity": {"ephemeral": "never"}, "delivery": {"guarantee": guarantee},
                       "limits": {"segment_bytes": SEGMENT_BYTES}}, file)

    @staticmethod
    def deliver(stage):
        return stages.spawn([f"{stages.BUILD}/bin/telemetry", "deliver", "--now", "--manifest", stage.path("manifest.json")],
                            env=stage.environment, cwd=stage.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @staticmethod
    def status(stage):
        done = stages.completed_alone([f"{stages.BUILD}/bin/telemetry", "status", "--json", "--manifest", stage.path("manifest.json")],
                                      env=stage.environment, cwd=stage.root)
        return json.loads(done.stdout)

    @staticmethod
    def counts(stage):
        return stage.records.counts(Template.status(stage), stage.spool)

    def copy(self, guarantee, wire):
        """A stage of its own with the same records, and its receiver."""
        stage = stages.Stage(self.shared)
        stage.records = self.stage.records
        shutil.copytree(self.stage.path("home", ".local"), stage.path("home", ".local"))
        sink = stage.closes(Sink(wire))
        self.write_manifest(stage, wire, sink, guarantee)
        return stage, sink


class Run:
    """One death, and one delivery that is left alone."""

    def __init__(self, template, guarantee, wire, delay):
        stage, sink = template.copy(guarantee, wire)
        with stage:
            first = template.deliver(stage)
            time.sleep(delay)
            first.send_signal(signal.SIGKILL)
            self.was_killed = first.wait() == -signal.SIGKILL
            # What it had sent may still be on its way to the receiver: its connections end first.
            sink.wait_idle()
            self.before = list(sink.requests)
            self.code = stages.ended(template.deliver(stage))
            self.recorded, self.delivered, self.pending, self.dropped = template.counts(stage)
            self.open = 0 if stage.records is EVENTS else template.status(stage)["spans"]["open"]
        self.delay, self.wire = delay, wire.name
        self.problems, self.received = sink.problems(), sink.accepted()
        self.phase = BEFORE if not self.before else AFTER if len(sink.requests) == len(self.before) else DURING
        self.twice = {identity for identity, times in self.received.items() if times > 1}

    def wrong(self):
        return [*self._wrong(), *self._counters()]

    def _wrong(self):
        if self.problems:
            yield f"malformed requests: {self.problems[:2]}"
        if self.code != 0:
            yield f"the second delivery ended with {self.code}"
        if max(self.received.values(), default=0) > 2:
            yield "something came a third time"
        # The batch in flight is the last one that came from the process that was killed.
        in_flight = {event.id for event in self.before[-1].events} if self.before else set()
        if self.twice - in_flight:
            yield f"{len(self.twice - in_flight)} came twice that were not in the last request"

    def _counters(self):
        reasons = dict(self.dropped)
        unconfirmed = reasons.pop("unconfirmed", 0)
        if (self.recorded, self.delivered + unconfirmed, self.pending, reasons, self.open) != (COUNT, COUNT, 0, {}, 0):
            yield f"recorded {self.recorded}, delivered {self.delivered}, pending {self.pending}, dropped {self.dropped}, open {self.open}"

    @property
    def unconfirmed(self):
        return self.dropped.get("unconfirmed", 0)


class AtLeastOnce(Run):
    def _wrong(self):
        yield from super()._wrong()
        if len(self.received) != COUNT or self.delivered != COUNT:
            yield f"{len(self.received)} arrived, {self.delivered} were counted as delivered"


class AtMostOnce(Run):
    """What is not received was lost with the process, one batch at most, and is counted."""

    def _wrong(self):
        yield from super()._wrong()
        if self.twice:
            yield f"{len(self.twice)} came twice"
        if not self.delivered <= len(self.received) <= COUNT:
            yield f"{len(self.received)} arrived, {self.delivered} were counted as delivered"
        largest = max(len(request.events) for request in self.before) if self.before else COUNT
        if self.unconfirmed > max(largest, COUNT // 4):
            yield f"{self.unconfirmed} were lost"


def lifetime(template, guarantee):
    """How long a delivery takes here that nobody kills, while others are at it."""
    def one(_):
        stage, _sink = template.copy(guarantee, template.wires[0])
        with stage:
            start = time.monotonic()
            check_equal(0, stages.ended(template.deliver(stage)), "exit code of a delivery")
            return time.monotonic() - start
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return statistics.median(pool.map(one, range(4 * AT_ONCE)))


def kill_many(stage, kind, guarantee, count):
    template, seed = Template(stage), random.SystemRandom().randrange(1 << 32)
    source, lock, wires = random.Random(seed), threading.Lock(), template.wires
    longest = lifetime(template, guarantee) * OVERSHOOT

    def one(index):
        with lock:
            delay = source.uniform(0, longest)
        while True:
            run = kind(template, guarantee, wires[index % len(wires)], delay)
            if run.was_killed or run.wrong():
                return run
            # It had ended before.
            delay *= 0.8

    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = list(pool.map(one, range(count)))
    phases = Counter(run.phase for run in runs)
    wrong = [f"{run.wire} after {run.delay * 1e3:.1f} ms: {each}" for run in runs for each in run.wrong()]
    text = [f"seed {seed}: {count} runs of {template.segments} segments and {COUNT} {stage.records}, killed within {longest * 1e3:.0f} ms of their start"]
    text += [f"{phases[phase]:4} killed {phase}" for phase in (BEFORE, DURING, AFTER)]
    text.append(f"{sum(bool(run.twice) for run in runs):4} sent the batch in flight a second time")
    text.append(f"{sum(bool(run.unconfirmed) for run in runs):4} lost the batch in flight")
    check(not wrong, "\n".join(text + wrong[:20]))
    # The control: the kills came at every stage of a delivery.
    for phase in (BEFORE, DURING) if count < RUNS[stage.records][0] else (BEFORE, DURING, AFTER):
        check(phases[phase] > 0, "none was killed " + phase + "\n" + "\n".join(text))
    return runs, "\n".join(text)


@of_both("killed/at-least-once", "E3 E6 E12")
def at_least_once(stage):
    """Hundreds of deliverers are killed at random moments: nothing is lost, and only the batch in flight comes twice."""
    runs, text = kill_many(stage, AtLeastOnce, "at-least-once", RUNS[stage.records][0])
    # Between the receiver's yes and the note of it.
    check(any(run.twice for run in runs), "no kill came between acceptance and progress\n" + text)
    return text


@of_both("killed/at-most-once", "E7 E12")
def at_most_once(stage):
    """Hundred deliverers are killed at random moments: nothing comes twice, and what is lost is counted."""
    runs, text = kill_many(stage, AtMostOnce, "at-most-once", RUNS[stage.records][1])
    check(any(run.unconfirmed for run in runs), "no kill came while something was sent\n" + text)
    return text
