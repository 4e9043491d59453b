"""OTLP/HTTP traces: opentelemetry-proto decodes every body, and the decoder refuses what the protocol does not have."""
import copy
import json
import os
import subprocess

from cases import otlp
from stage import OK
from suite import check, check_equal, test
from vendor_receiver import VendorReceiver
from vendors import HERE, KEY, PYTHON, through_c

SPAN = {"traceId": "a0" * 16, "spanId": "b0" * 8, "parentSpanId": "c0" * 8, "name": "get", "kind": 1, "startTimeUnixNano": "5",
        "endTimeUnixNano": "6", "attributes": [{"key": "a", "value": {"intValue": "1"}}], "droppedEventsCount": 1,
        "events": [{"timeUnixNano": "5", "name": "e"}], "links": [{"traceId": "d0" * 16, "spanId": "e0" * 8}],
        "status": {"message": "no", "code": 2}, "flags": 259}
TWICE = [{"key": "a", "value": {"intValue": "1"}}] * 2
# Each changes one member, which is then refused; None: it is not there.
BAD = [{"traceId": "A0" * 16}, {"traceId": "a0" * 8}, {"traceId": "00" * 16}, {"traceId": None}, {"spanId": "00" * 8}, {"parentSpanId": "00" * 8},
       {"kind": "SPAN_KIND_CLIENT"}, {"kind": 0}, {"kind": 9}, {"startTimeUnixNano": 5}, {"startTimeUnixNano": "7"}, {"attributes": []},
       {"attributes": TWICE}, {"events": [{"timeUnixNano": "5", "attributes": TWICE}]}, {"links": [{"traceId": "d0" * 16, "spanId": "e0"}]},
       {"status": {"message": "fine", "code": 1}}, {"flags": 3}, {"flags": 0x503}, {"flags": "259"}, {"droppedEventsCount": 0}, {"colour": 1}]


def body(span):
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "t"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "s"}, "spans": [span]}]}]}


def lines(span):
    return f"json {json.dumps(body(span)).encode().hex()}\n"


@test("otlp-spans/strict", "F")
def strict(stage):
    """The decoder gives ids in hexadecimal, and refuses what the protocol or its own rules do not have."""
    [message] = json.loads(otlp.python("decode-spans", given=lines(SPAN)))
    [found] = message["resourceSpans"][0]["scopeSpans"][0]["spans"]
    check_equal((SPAN["traceId"], SPAN["parentSpanId"], "5"), (found["traceId"], found["parentSpanId"], found["startTimeUnixNano"]), "a good span")
    for change in BAD:
        span = {name: value for name, value in {**copy.deepcopy(SPAN), **change}.items() if value is not None}
        done = subprocess.run([PYTHON, os.path.join(HERE, "otlp_client.py"), "decode-spans"], input=lines(span), capture_output=True, text=True,
                              timeout=60, env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
        check_equal(1, done.returncode, json.dumps(change))


def rules(request):
    """What is in the body is decoded later."""
    if request.method != "POST" or request.path != "/v1/traces" or not 0 < len(request.body) <= 4 << 20:
        raise ValueError(f"{request.method} {request.path}, {len(request.body)} bytes")


def receiver(stage):
    return stage.closes(VendorReceiver(rules, 200))


def decoded(requests):
    forms = {name: form for form, name in otlp.FORMS.values()}
    given = "".join(f"{forms[request.header('Content-Type')]} {request.body.hex()}\n" for request in requests)
    return json.loads(otlp.python("decode-spans", given=given))


def spans(requests):
    """(the resource's attributes, the span) of each."""
    for message in decoded(requests):
        for resource in message["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                check_equal({"name": "libtelemetry", "version": "0.1.0"}, scope["scope"], "scope")
                for span in scope["spans"]:
                    yield otlp.attributes(resource["resource"]["attributes"]), span


MORE = {"integer": {"intValue": "7"}, "text": {"stringValue": "é\""}}


def check_full(resource, span):
    """The span that vendors.c records in full."""
    for name, value in {"service.name": "itest", "service.version": "1.2.3", "telemetry.sdk.name": "libtelemetry", "os.type": "linux",
                        "tool.metadata.release": "beta"}.items():
        check_equal({"stringValue": value}, resource[name], name)
    for name in ("machine.id", "host.arch", "os.version", "telemetry.runtime"):
        check(resource[name]["stringValue"], name)
    found = otlp.attributes(span["attributes"])
    check_equal({"text": {"stringValue": "again"}, "integer": {"intValue": str(-2**63)}, "number": {"doubleValue": 0.5},
                 "flag": {"boolValue": True}, "server.address": {"stringValue": "db.example"}}, found, "attributes")
    check_equal(("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "vendor=a", "SELECT items", "SPAN_KIND_CLIENT", 0x301),
                tuple(span[name] for name in ("traceId", "parentSpanId", "traceState", "name", "kind", "flags")), "context")
    check_equal({"message": "no route é", "code": "STATUS_CODE_ERROR"}, span["status"], "status")
    first, second = span["events"]
    check_equal(("waited", MORE, "went on"), (first["name"], otlp.attributes(first["attributes"]), second["name"]), "events")
    [link] = span["links"]
    check_equal(("1" * 32, "2" * 16, "v=1", MORE, 1),
                (*(link[name] for name in ("traceId", "spanId", "traceState")), otlp.attributes(link["attributes"]), link["flags"]), "link")
    check(int(span["startTimeUnixNano"]) <= int(first["timeUnixNano"]) <= int(span["endTimeUnixNano"]), "times")


@test("otlp-spans/every-field", "F")
def every_field(stage):
    """Every field of a span arrives in both forms, with the key, at /v1/traces; events stay in the default file."""
    for protocol, (_, content_type) in otlp.FORMS.items():
        traces = receiver(stage)
        through_c(stage, "otlp", "span", "track=1", endpoint=traces.url, api_key=KEY, protocol=protocol, signals="spans", compression="gzip")
        [request] = traces.taken()
        check_equal((content_type, f"Bearer {KEY}"), (request.header("Content-Type"), request.header("Authorization")), "headers")
        [(resource, span)] = spans([request])
        check_full(resource, span)


@test("otlp-spans/many", "F")
def many(stage):
    """None is lost or doubled, in requests below their limits."""
    traces = receiver(stage)
    through_c(stage, "otlp", "spans=3000", endpoint=traces.url, signals="spans")
    found = list(spans(traces.taken()))
    check_equal((3000, 3000), (len(found), len({span["spanId"] for _, span in found})), "spans, and different ones")


@test("otlp-spans/abandoned", "F")
def abandoned(stage):
    """The span of a killed process arrives as failed."""
    traces = receiver(stage)
    through_c(stage, "otlp", "abandon", endpoint=traces.url, signals="spans")
    stage.manifest(traces.url, kind="otlp", signals="spans")
    stage.helper("deliver", "--now", expected=None)
    [(_, span)] = spans(traces.taken())
    check_equal({"telemetry.abandoned": {"boolValue": True}}, otlp.attributes(span["attributes"]), "attributes")
    check_equal(("left", {"message": "abandoned: the span was never ended", "code": "STATUS_CODE_ERROR"}), (span["name"], span["status"]), "span")


@test("otlp-spans/official-exporter", "F")
def official_exporter(stage):
    """Method, path, type and structure are those of the Python exporter."""
    traces = receiver(stage)
    otlp.python("export-span", traces.url + "/v1/traces")
    through_c(stage, "otlp", "span", endpoint=traces.url, signals="spans")
    theirs, ours = traces.taken()
    check_equal((theirs.method, theirs.path, theirs.header("Content-Type")), (ours.method, ours.path, ours.header("Content-Type")), "head")
    # Their own encoder is not held to what is strict here.
    first, second = json.loads(otlp.python("decode-any-spans", given=f"protobuf {theirs.body.hex()}\nprotobuf {ours.body.hex()}\n"))
    [[their_resource], [our_resource]] = [message["resourceSpans"] for message in (first, second)]
    check_equal(set(their_resource), set(our_resource), "members of a ResourceSpans")
    [[their_scope], [our_scope]] = [resource["scopeSpans"] for resource in (their_resource, our_resource)]
    check_equal((set(their_scope), their_scope["scope"]), (set(our_scope), our_scope["scope"]), "a ScopeSpans")
    [[their_span], [our_span]] = [scope["spans"] for scope in (their_scope, our_scope)]
    check_equal(set(their_span), set(our_span), "members of a Span")
    # Their version 1.36 leaves out the flags of traceparent.
    check_equal(their_span["flags"] & 0x300, our_span["flags"] & 0x300, "what is known of the parent")
    for name in ("kind", "traceId", "parentSpanId", "traceState", "name", "status", "attributes"):
        check_equal(their_span[name], our_span[name], name)
    check_equal(set(their_span["events"][0]), set(our_span["events"][0]), "members of an event")
    # They leave out a link's trace state.
    check_equal(set(their_span["links"][0]) | {"traceState"}, set(our_span["links"][0]), "members of a link")


@test("otlp-spans/test-agent", "F")
def test_agent(stage):
    """ddapm-test-agent takes protobuf and JSON, plain and compressed, and has the spans."""
    with otlp.agent_of(stage) as url:
        for protocol in otlp.FORMS:
            for compression in ("none", "gzip"):
                printed = through_c(stage, "otlp", "span", endpoint=url, protocol=protocol, compression=compression, signals="spans")
                check(printed.startswith(f"{OK} "), f"{protocol}, {compression}: {printed}")
        text = otlp.session(url, "traces")
        check_equal(4, text.count('"SELECT items"'), "spans that the agent has")
    check_equal(4, stage.status()["spans"]["delivered"], "delivered spans")
