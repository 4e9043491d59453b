"""Spans as JSON Lines."""
import json

from suite import check, check_equal, test
from vendors import through_c

# docs/reading-events.md, "Spans".
SHARED = ["machine_id", "tool_name", "version", "os", "arch", "os_version", "runtime", "metadata"]
FULL = ["schema_version", "event_id", "timestamp", "type", "name", "trace_id", "span_id", "parent_span_id", "trace_state", "flags", "kind",
        "duration_ns", "status", "status_message", "attributes", "events", "links", *SHARED]


@test("spans-file/every-field", "F")
def every_field(stage):
    """The log of spans has every member that the documents name, in its order; the log of events beside it has none."""
    path = stage.path("log.jsonl")
    through_c(stage, "file", "span", "spans=1", "track=1", path=path)
    with open(stage.path("log-spans.jsonl")) as file:
        full, plain = map(json.loads, file)
    check_equal(FULL, list(full), "members of a full span")
    optional = ("parent_span_id", "trace_state", "status_message", "events", "links")
    check_equal([name for name in FULL if name not in optional], list(plain), "members of another")
    check_equal(("span", "client", "error", "no route é", 769, {"release": "beta"}),
                tuple(full[name] for name in ("type", "kind", "status", "status_message", "flags", "metadata")), "a full span")
    with open(path) as file:
        check_equal(["feature.used"], [json.loads(line)["type"] for line in file], "events")
    shown = [json.loads(line)["event"] for line in stage.helper("show", "--sent", "--signal", "spans", "--json").splitlines()]
    check(full in shown and plain in shown, "the audit log has other spans")
