"""H8: the counts of events among the tool's metrics, `telemetry metrics --delivery`."""
import os
import re
import subprocess

from suite import check, check_equal, test
from world import TOOL


def samples(text):
    """{name with its labels: value}"""
    return {name: float(value) for name, value in re.findall(r"^([a-z_]+(?:\{.*\})?) (\S+)$", text, re.M)}


@test("delivery/counts", "H8")
def counts(world):
    """They are those of `status`, in both formats, and no other format has them."""
    receiver = world.receiver()
    world.manifest(receiver.url)
    for _ in range(3):
        world.telemetry("track", "a")
    world.telemetry("flush")
    receiver.mode("/status/503")
    world.telemetry("track", "b")
    world.telemetry("flush", expected=4)
    world.telemetry("count", "c")
    status = world.status()
    for format_ in ("prometheus", "openmetrics"):
        text = world.telemetry("metrics", "--format", format_, "--delivery").stdout
        found = samples(text)
        check_equal(1.0, found["c_total"], "the tool's own")
        for name in ("recorded", "delivered", "refused"):
            check_equal(float(status["events"][name]), found[f'telemetry_events_{name}_total{{tool="{TOOL}"}}'], name)
        for reason, count in status["events"]["dropped_by_reason"].items():
            check_equal(float(count), found[f'telemetry_events_dropped_total{{tool="{TOOL}",reason="{reason}"}}'], reason)
        check_equal(float(status["events"]["pending"]), found[f'telemetry_events_pending{{tool="{TOOL}"}}'], "pending")
        check_equal(float(status["spool"]["bytes"]), found[f'telemetry_spool_bytes{{tool="{TOOL}"}}'], "bytes")
        of = f'{{tool="{TOOL}",destination="http",kind="http"}}'
        check_equal((1.0, 1.0), (found[f"telemetry_delivery_pending_events{of}"], found[f"telemetry_delivery_consecutive_failures{of}"]), "the receiver")
        first, last = (found[f"telemetry_delivery_last_{which}_timestamp_seconds{of}"] for which in ("success", "attempt"))
        check(0 < first < last, f"{first} {last}")
        check(receiver.origin not in text and str(receiver.port) not in text, "the receiver's address")
        done = subprocess.run(["promtool", "check", "metrics"], input=text.replace("# EOF\n", ""), text=True, capture_output=True)
        check(format_ != "prometheus" or done.returncode == 0, f"promtool: {done.stdout}{done.stderr}")
    check("telemetry_" not in world.telemetry("metrics").stdout, "without --delivery")
    for format_ in ("json", "otlp-json"):
        check("telemetry status --json" in world.telemetry("metrics", "--format", format_, "--delivery", expected=2).stderr, format_)


@test("delivery/spans", "H8 H12")
def spans(world):
    """Those of spans are apart, in both formats, and there is none before a span was recorded."""
    world.manifest("http://127.0.0.1:9/", kind="otlp", signals="events spans")
    world.telemetry("track", "a")
    check("telemetry_spans_" not in world.telemetry("metrics", "--delivery").stdout, "before a span")
    world.telemetry("span", f"--tool={TOOL}", "--name", "s", "--", "true")
    world.telemetry("span", f"--tool={TOOL}", "--name", "s", "--", "true")
    world.telemetry("flush", expected=4)
    status = world.status()["spans"]
    for format_ in ("prometheus", "openmetrics"):
        found = samples(world.telemetry("metrics", "--format", format_, "--delivery").stdout)
        check_equal(1.0, found[f'telemetry_events_recorded_total{{tool="{TOOL}"}}'], "events")
        check_equal((2.0, 0.0, 2.0), tuple(found[f'telemetry_spans_{name}{{tool="{TOOL}"}}'] for name in ("recorded_total", "delivered_total", "pending")), "spans")
        for reason, count in status["dropped_by_reason"].items():
            check_equal(float(count), found[f'telemetry_spans_dropped_total{{tool="{TOOL}",reason="{reason}"}}'], reason)
        check_equal(float(status["spool"]["bytes"]), found[f'telemetry_spans_spool_bytes{{tool="{TOOL}"}}'], "bytes")
        of = f'{{tool="{TOOL}",destination="otlp",kind="otlp"}}'
        check_equal(2.0, found[f"telemetry_spans_delivery_pending{of}"], "the receiver")
        check_equal(float(status["last_delivery"]["consecutive_failures"]), found[f"telemetry_spans_delivery_consecutive_failures{of}"], "failures")
        check(found[f"telemetry_spans_delivery_last_attempt_timestamp_seconds{of}"] > 0, f"{found}")


@test("delivery/nothing", "H8")
def nothing(world):
    """Without a spool there is nothing to count, and nothing is made."""
    check_equal("", world.telemetry("metrics", "--delivery").stdout, "text")
    check(not os.path.exists(world.spool), "a spool")
    world.telemetry("track", "a")
    found = samples(world.telemetry("metrics", "--delivery").stdout)
    check_equal(1.0, found[f'telemetry_events_recorded_total{{tool="{TOOL}"}}'], "recorded")
    # Local events are in the log at once.
    check(not any("attempt" in name and value == 0 for name, value in found.items()), f"{found}")
