"""Zipkin, version 2: what is strict in the tests' receiver, and what a tool with this backend does with events."""
import copy
import json
import os

import zipkin_strict
from stage import OK
from suite import check, check_equal, test
from vendors import through_c

GOOD = {"traceId": "a0" * 16, "id": "b0" * 8, "parentId": "c0" * 8, "name": "get", "kind": "CLIENT", "timestamp": 1778596245123456, "duration": 1,
        "localEndpoint": {"serviceName": "mytool"}, "remoteEndpoint": {"ipv6": "::1", "port": 443},
        "annotations": [{"timestamp": 1778596245123456, "value": "x"}], "tags": {"otel.status_code": "ERROR", "error": "", "a": "1"}}
# Each changes one member, which is then refused; None: it is not there.
BAD = [{"traceId": "A0" * 16}, {"traceId": "0" * 32}, {"traceId": "a" * 30}, {"traceId": None}, {"id": "0" * 16}, {"id": 7}, {"id": None},
       {"parentId": "0" * 16}, {"parentId": "b0" * 8}, {"name": ""}, {"name": 1}, {"kind": "INTERNAL"}, {"kind": "client"}, {"timestamp": 0},
       {"timestamp": 1.5}, {"timestamp": "1"}, {"timestamp": True}, {"duration": 0}, {"duration": 0.5}, {"duration": None}, {"localEndpoint": None},
       {"localEndpoint": {}}, {"localEndpoint": {"serviceName": "MyTool"}}, {"localEndpoint": {"ipv4": "1.2.3.4"}},
       {"remoteEndpoint": {"ipv4": "::1"}}, {"remoteEndpoint": {"ipv6": "/run/x"}}, {"remoteEndpoint": {"serviceName": "x", "port": 0}},
       {"remoteEndpoint": {"serviceName": "x", "host": "y"}}, {"annotations": []}, {"annotations": [{"value": "x"}]},
       {"annotations": [{"timestamp": 0, "value": "x"}]}, {"annotations": [{"timestamp": 1, "value": 2}]}, {"tags": {}}, {"tags": {"a": 1}},
       {"tags": {"a": True}}, {"tags": {"error": "false"}}, {"tags": {"otel.status_code": "UNSET"}}, {"tags": {"otel.status_code": "ERROR"}},
       {"tags": {"otel.status_code": "OK", "error": ""}}, {"tags": {"otel.dropped_links_count": "0"}}, {"debug": 1}, {"links": []}]


def verdict(span):
    try:
        zipkin_strict.check_body([span])
        return "taken"
    except (ValueError, KeyError, TypeError):
        return "refused"


@test("zipkin/strict", "F")
def strict(stage):
    """The tests' own receiver refuses what Zipkin or OpenTelemetry's mapping to it does not have."""
    check_equal("taken", verdict(GOOD), "a good span")
    for change in BAD:
        span = {name: value for name, value in {**copy.deepcopy(GOOD), **change}.items() if value is not None}
        check_equal("refused", verdict(span), json.dumps(change))


@test("zipkin/every-field", "F")
def every_field(stage):
    """A span with every field, an ordinary one, and that of a killed process: all as Zipkin wants them."""
    zipkin = stage.closes(zipkin_strict.receiver())
    through_c(stage, "zipkin", "span", "spans=1", "abandon", endpoint=zipkin.url, compression="gzip")
    stage.manifest(zipkin.url, kind="zipkin")
    stage.helper("deliver", "--now", expected=None)
    found = {span["name"]: span for request in zipkin.taken() for span in request.json}
    check_equal({"SELECT items", "build", "left"}, set(found), "names")
    full = found["SELECT items"]
    check_equal(("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "CLIENT", {"serviceName": "itest"}, {"serviceName": "db.example"}),
                tuple(full[name] for name in ("traceId", "parentId", "kind", "localEndpoint", "remoteEndpoint")), "members")
    check_equal(['"waited": {"integer":7,"text":"é\\""}', "went on"], [each["value"] for each in full["annotations"]], "annotations")
    given = {"text": "again", "integer": str(-2**63), "number": "0.5", "flag": "true", "server.address": "db.example", "otel.status_code": "ERROR",
             "error": "no route é", "service.version": "1.2.3", "os.type": "linux", "tool.metadata.release": "beta",
             "otel.scope.name": "libtelemetry"}
    check_equal(given, {name: full["tags"].get(name) for name in given}, "tags")
    check_equal(("true", "ERROR"), tuple(found["left"]["tags"][name] for name in ("telemetry.abandoned", "otel.status_code")), "an abandoned span")
    check("kind" not in found["build"] and "parentId" not in found["build"], found["build"])


@test("zipkin/answers", "F E8")
def answers(stage):
    """503 keeps the spans, 400 refuses them for good."""
    zipkin = stage.closes(zipkin_strict.receiver())
    for status, delivered, pending in ((503, 0, 1), (400, 0, 0)):
        zipkin.answers.append((status, []))
        if status == 503:
            through_c(stage, "zipkin", "spans=1", endpoint=zipkin.url)
            stage.manifest(zipkin.url, kind="zipkin")
        else:
            stage.helper("deliver", "--now", expected=None)
        spans = stage.status()["spans"]
        check_equal((1, delivered, pending), tuple(spans[name] for name in ("recorded", "delivered", "pending")), f"after {status}")


@test("zipkin/events-stay", "F")
def events_stay(stage):
    """Zipkin takes no events: they stay in the default file, and nothing is posted."""
    zipkin = stage.closes(zipkin_strict.receiver())
    printed = through_c(stage, "zipkin", "track=3", endpoint=zipkin.url)
    check(printed.startswith(f"{OK} "), printed)
    check_equal(0, len(zipkin.requests), "requests")
    with open(os.path.join(stage.spool, "events.jsonl")) as file:
        check_equal(3, len(file.readlines()), "lines of the default file")
    stage.manifest(zipkin.url, kind="zipkin")
    asked = json.loads(stage.helper("request-deletion", "--json", expected=4))
    check("takes spans alone, so it cannot be asked to erase them" in json.dumps(asked), asked)
