"""The two kinds of records, events and spans: how a test that is about both asks for one of them, and where it finds them."""
import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "spool"))

from spool_reader import REASONS, Spool  # noqa: E402
from suite import check_equal, test  # noqa: E402


class Records:
    """`name` is that of the signal. A receiver of them is of `kind`, and is posted to at `path`."""

    def __init__(self, name, kind, path, log, *directories):
        self.name, self.kind, self.path, self.log, self.directories = name, kind, path, log, directories
        self.one = name[:-1]

    def __str__(self):
        return self.name

    def spool(self, tool_directory):
        return os.path.join(tool_directory, *self.directories)

    @property
    def actions(self):
        """What `sender` is told before all else."""
        return [] if self is EVENTS else [f"signal={self.name}"]

    @property
    def options(self):
        """Of the helper's `show`."""
        return [] if self is EVENTS else ["--signal", self.name]

    def recording(self, name):
        """A command of the helper that records one; what is run with a tool's name put behind its first word."""
        return ["track", name] if self is EVENTS else ["span", "--name", name, "--", "true"]

    def identity(self, record):
        """Of one that has arrived."""
        return record["event_id"] if self is EVENTS else record["traceId"] + record["id"]

    def shown_identity(self, record):
        """The same of one that the helper shows."""
        return record["event_id"] if self is EVENTS else record["trace_id"] + record["span_id"]

    def machine(self, record):
        """The identifier that it has arrived with."""
        return record["machine_id"] if self is EVENTS else record["tags"]["machine.id"]

    def attribute(self, record, name):
        """A whole number."""
        return record["metadata"][name] if self is EVENTS else int(record["tags"][name])

    def counts(self, status, spool):
        """(recorded, delivered, pending, {reason: dropped}) as `status --json` says it. The reasons of spans are read from their spool."""
        said = status[self.name]
        if self is EVENTS:
            reasons = said["dropped_by_reason"]
        else:
            reasons = dict(zip(REASONS, Spool(spool).totals()[2])) if os.path.isdir(spool) else {}
        reasons = {reason: count for reason, count in reasons.items() if count}
        check_equal(said["dropped"], sum(reasons.values()), f"dropped {self.name}, and the sum of the reasons {reasons}")
        check_equal(said["recorded"], said["delivered"] + said["pending"] + said["dropped"], f"the sum of the counters of {self.name}")
        return said["recorded"], said["delivered"], said["pending"], reasons


EVENTS = Records("events", "http", "/events", "events.jsonl")
SPANS = Records("spans", "zipkin", "/api/v2/spans", "spans.jsonl", "spans")


def of_both(name, requirement):
    """Registers a scenario twice, `NAME` for events and `NAME/spans`: it reads `records` of its world."""
    def register(function):
        for records in (EVENTS, SPANS):
            def body(stage, records=records):
                stage.records = records
                return function(stage)
            body.__doc__ = function.__doc__ if records is EVENTS else f"Spans: {function.__doc__}"
            test(name if records is EVENTS else f"{name}/{records}", requirement)(body)
        return function
    return register
