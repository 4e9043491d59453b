"""J3: streams of metrics become those of the tool: what they grow by is added."""
import json
import os
import time

import messages
from messages import DELTA, exponential, gauge, histogram, metrics, total
from suite import check, check_equal, test
from world import TOOL


def shown(world):
    """{name: [(attributes, value)]}"""
    document = json.loads(world.helper("metrics", "--format", "json") or "{}")
    return document


def values(world, name):
    for metric in shown(world).get("metrics", []):
        if metric["name"] == name:
            return metric["series"]
    return []


def value(world, name):
    series = values(world, name)
    check(len(series) == 1, f"{name}: {series}")
    return series[0]["value"]


def now():
    return time.time_ns()


@test("metrics/cumulative", "J3")
def cumulative(world):
    """A cumulative counter: what it has grown by is added, in each form; a point that comes twice adds nothing"""
    receiver, start = world.otlp(), now()
    for form, count, expected in (("protobuf", 5, 5), ("json", 12, 12), ("gzip", 12, 12), ("protobuf", 30, 30)):
        request = metrics(TOOL, total("runs", count, start, unit="{run}"), total("bytes", count + 0.5, start, attributes={"k": "v"}))
        for _ in range(2):
            check_equal((0, ""), receiver.post(request, form).rejected, form)
        check_equal((expected, expected + 0.5), (value(world, "runs"), value(world, "bytes")), form)


@test("metrics/instances", "J3")
def instances(world):
    """Each process is followed apart, by its resource, and each run by its start"""
    receiver, start = world.otlp(), now()
    def send(count, begin, instance="a", scope="s"):
        request = metrics(TOOL, total("runs", count, begin), resource={"service.instance.id": instance, "process.pid": 1})
        request.resource_metrics[0].scope_metrics[0].scope.name = scope
        check_equal((0, ""), receiver.post(request).rejected, "answer")
        return value(world, "runs")
    check_equal(10, send(10, start), "the first")
    check_equal(17, send(7, start, "b"), "another instance")
    check_equal(20, send(3, start, scope="t"), "another scope")
    check_equal(25, send(15, start), "the first goes on")
    check_equal(29, send(4, start + 5), "it has begun again")
    check_equal(31, send(2, start + 5), "a counter that has become smaller has begun again")


@test("metrics/kinds", "J3")
def kinds(world):
    """Deltas, up-down counters, gauges, histograms of both kinds"""
    receiver, start = world.otlp(), now()
    def send(*each):
        check_equal((0, ""), receiver.post(metrics(TOOL, *each)).rejected, "answer")
    for _ in range(3):
        send(total("d", 4, start, DELTA), total("ud", -2, start, DELTA, monotonic=False), histogram("hd", [1, 0, 2], [1.0, 5.0], start, 20.5, DELTA),
             exponential("ed", 3, -2, [1, 2], start, 3.0, DELTA, zeroes=1))
    check_equal((12, -6), (value(world, "d"), value(world, "ud")), "deltas")
    send(total("u", 5, start, monotonic=False), gauge("g", 3), gauge("f", 2.5), gauge("none", 1, flags=1))
    send(total("u", 2, start, monotonic=False), gauge("g", -1))
    check_equal((2, -1, 2.5, []), (value(world, "u"), value(world, "g"), value(world, "f"), values(world, "none")), "up-down counter and gauges")
    send(histogram("h", [1, 2, 0], [1.0, 5.0], start, 6.0, low=0.5, high=4.0), exponential("e", 2, 0, [3, 1], start, 5.0))
    send(histogram("h", [2, 2, 1], [1.0, 5.0], start, 16.5, low=0.5, high=9.0), exponential("e", 1, 0, [5], start, 9.0, zeroes=2))
    h, e = values(world, "h")[0], values(world, "e")[0]
    check_equal((5, 16.5, 0.5, 9.0), (h["count"], h["sum"], h["min"], h["max"]), f"{h}")
    check_equal((7, 9.0), (e["count"], e["sum"]), f"{e}")
    check_equal((9, 61.5), (values(world, "hd")[0]["count"], values(world, "hd")[0]["sum"]), "histogram of deltas")
    check_equal((12, 9.0), (values(world, "ed")[0]["count"], values(world, "ed")[0]["sum"]), "exponential histogram of deltas")
    return json.dumps([h, e])


@test("metrics/refused", "J3")
def refused(world):
    """What cannot be recorded is refused with its reason, and the rest of the request is not"""
    world.manifest("http://127.0.0.1:9/", sections={"metrics": {
        "declared": {"type": "counter", "description": "d", "attributes": {"k": {"type": "string", "description": "k"}}},
        "buckets": {"type": "histogram", "description": "d", "bounds": [1, 2]}}})
    receiver, start = world.otlp(), now()
    def summary(metric):
        metric.name = "declared"
        metric.summary.data_points.add()
        metric.summary.data_points.add()
    cases = {
        "does not declare it (1)": [total("other", 1, start)],
        "has another type (2)": [gauge("declared", 1), total("buckets", 1, start)],
        "has other bounds (1)": [histogram("buckets", [1, 0], [7.0], start, 1.0)],
        "summaries are not recorded (2)": [summary],
        "temporality is not given (1)": [total("declared", 1, start, 0)],
        "its counts or its buckets are not valid (5)": [histogram("buckets", [1, 0], [1.0, 2.0], start, 1.0), total("declared", float("nan"), start),
                                                        total("declared", float("inf"), start), histogram("buckets", [1 << 63, 0], [1.0], start, 1.0),
                                                        exponential("e", 0, 0, [1 << 62, 1 << 62], start, 1.0)],
    }
    for why, each in cases.items():
        count, text = receiver.post(metrics(TOOL, *each, total("declared", 1, start, DELTA, attributes={"k": "v"}))).rejected
        check(text.endswith(why), f"'{text}' does not end with '{why}'")
        check_equal(int(why[-2]), count, why)
    check_equal(len(cases), value(world, "declared"), "what was good")
    count, text = receiver.post(metrics(TOOL, total("9", 1, start))).rejected
    check_equal((1, True), (count, "does not declare" in text), text)


@test("metrics/restart", "J3 J9")
def restart(world):
    """An agent that is killed and begins anew goes on where its metrics are: nothing is added twice, and nothing is lost"""
    receiver, start = world.otlp(), now()
    for count in range(1, 40):
        request = metrics(TOOL, total("runs", count, start), histogram("h", [count, 0], [1.0], start, count * 0.5), exponential("e", 4, 1, [count], start, 2.0 * count))
        check_equal((0, ""), receiver.post(request).rejected, f"{count}")
        check_equal((count, count), (value(world, "runs"), values(world, "e")[0]["count"]), "after each")
        if count % 5 == 0:
            receiver.kill()
            receiver = world.otlp()
    check_equal((39, 19.5), (values(world, "h")[0]["count"], values(world, "h")[0]["sum"]), "histogram")


@test("metrics/many", "J3")
def many(world):
    """More streams than are followed: refused, and the memory does not grow with them"""
    receiver, start = world.otlp(), now()
    refused = 0
    for batch in range(10):
        request = metrics(TOOL, *(total("runs", 1, start, attributes={"n": batch * 500 + n}) for n in range(500)))
        refused += receiver.post(request).rejected[0]
    check_equal(5000 - 4096, refused, "refused")
    check_equal(4096, sum(each["value"] for each in values(world, "runs")), "the sum over all series, with the overflow")


@test("metrics/consent", "J8")
def consent(world):
    """What a stream had before the user's answer is never added, and the file of streams goes with the metrics"""
    world.helper("disable")
    start = now()
    receiver = world.otlp()
    count, why = receiver.post(metrics(TOOL, total("runs", 100, start))).rejected
    check_equal((1, True), (count, "telemetry of the tool is off" in why), why)
    world.helper("enable")
    time.sleep(1.1)
    check_equal((0, ""), receiver.post(metrics(TOOL, total("runs", 105, start))).rejected, "after the answer")
    check_equal((0, ""), receiver.post(metrics(TOOL, total("runs", 112, start))).rejected, "and later")
    check_equal(7, value(world, "runs"), "what it has grown by since")
    state = world.path("home", ".local", "state", "telemetry", TOOL)
    check("metrics.received" in os.listdir(state), f"{os.listdir(state)}")
    world.helper("disable")
    check("metrics.received" not in os.listdir(state), f"{os.listdir(state)}")
