"""What each backend that posts puts on the wire, as far as these tests look: where, under which key, which events or spans.

Read from the receivers' documentation, not from the library. The full form is the business of other suites."""
import base64
import gzip
import json
import re
from collections import namedtuple

from records import EVENTS, SPANS

KEY = "faults-canary-5f3a9c"
# Of a span: its trace's id and its own, and its name.
Event = namedtuple("Event", "id type machine_id")
IDENTITIES = {EVENTS: re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"), SPANS: re.compile(r"[0-9a-f]{48}")}


class Wire:
    """One backend: its name in the tests, what a manifest says, and how a request is read."""

    def __init__(self, name, kind, path, read, credential, code=200, answer=b"{}", spoilt=None, records=EVENTS, **settings):
        self.spoilt, self.records = spoilt, records
        self.name, self.path, self.read, self.credential, self.code, self.answer = name, path, read, credential, code, answer
        self.backend = {"kind": kind, "api_key": KEY, **settings}

    def events(self, path, headers, body):
        """The events or spans of a request; ValueError says what is wrong with it."""
        if not path.endswith(self.path):
            raise ValueError(f"path {path}")
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        header, value = self.credential
        if header == "body" and value not in body.decode():
            raise ValueError("no key in the body")
        if header != "body" and headers.get(header) != value:
            raise ValueError(f"{header}: {headers.get(header)}")
        found = self.read(body)
        identities = [event.id for event in found]
        if not found or len(set(identities)) != len(found) or not all(map(IDENTITIES[self.records].fullmatch, identities)):
            raise ValueError(f"ids {identities}")
        return found


def documents(body):
    """JSON values one behind the other."""
    decoder, text, position = json.JSONDecoder(), body.decode(), 0
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        yield value
        position += len(text) - position - len(text[position:].lstrip())


def http(body):
    return [Event(each["event_id"], each["type"], each["machine_id"]) for each in json.loads(body)]


def datadog(body):
    return [Event(each["event_id"], each["message"].partition(": ")[0], each["machine_id"]) for each in json.loads(body)]


def posthog(body):
    return [Event(each["uuid"], each["event"], each["distinct_id"]) for each in json.loads(body)["batch"]]


def segment(body):
    return [Event(each["messageId"], each["event"], each["anonymousId"]) for each in json.loads(body)["batch"]]


def splunk(body):
    return [Event(each["event"]["event_id"], each["event"]["type"], each["event"]["machine_id"]) for each in documents(body)]


def splunk_spoilt(index):
    """The answer to a request whose event of that index cannot be read, and how many of the others were taken."""
    return 400, b'{"text":"Invalid data format","code":6,"invalid-event-number":%d}' % index, index


def clickhouse(body):
    statement, _, rows = body.decode().partition("\n")
    token = r"INSERT INTO `events` SETTINGS async_insert = 0, input_format_skip_unknown_fields = 1, insert_deduplication_token = '[0-9a-f-]{36}'"
    if not re.fullmatch(token + " FORMAT JSONEachRow", statement):
        raise ValueError(f"statement {statement}")
    return [Event(each["event_id"], each["type"], each["machine_id"]) for each in map(json.loads, rows.splitlines())]


def clickhouse_spoilt(index):
    """As 18.16 says it; nothing is stored."""
    return 500, b'Code: 27, e.displayText() = DB::Exception: Cannot parse input: expected " before: x (at row 9)"}\n: (at row %d)\n' % (index + 1), 0


def otlp_event(attributes):
    return Event(attributes["event.id"], attributes["event.type"], attributes["machine.id"])


def otlp_json(body):
    return [otlp_event({each["key"]: each["value"].get("stringValue") for each in record["attributes"]})
            for resource in json.loads(body)["resourceLogs"] for scope in resource["scopeLogs"] for record in scope["logRecords"]]


def fields(message):
    """The fields of a protobuf message: (number, value); a value is an integer or bytes."""
    position = 0

    def varint():
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(message):
        number, kind = divmod(varint(), 8)
        if kind == 0:
            yield number, varint()
            continue
        size = {1: 8, 5: 4}.get(kind)
        if size is None:
            if kind != 2:
                raise ValueError(f"wire type {kind}")
            size = varint()
        if position + size > len(message):
            raise ValueError("a field is cut off")
        position += size
        yield number, message[position - size:position]


def parts(message, number):
    return [value for found, value in fields(message) if found == number]


def texts(attributes):
    """The attributes of a protobuf message as {key: text}; KeyValue key 1 and value 2, AnyValue.string_value 1."""
    pairs = {}
    for attribute in attributes:
        [key], [value] = parts(attribute, 1), parts(attribute, 2)
        text = [each for number, each in fields(value) if number == 1]
        pairs[key.decode()] = text[0].decode() if text else None
    return pairs


def otlp_protobuf(body):
    """ExportLogsServiceRequest.resource_logs 1, ResourceLogs.scope_logs 2, ScopeLogs.log_records 2, LogRecord.attributes 6."""
    return [otlp_event(texts(parts(record, 6)))
            for resource in parts(body, 1) for scope in parts(resource, 2) for record in parts(scope, 2)]


def otlp_spans_json(body):
    """Ids are in hexadecimal, as OTLP's JSON has them."""
    found = []
    for resource in json.loads(body)["resourceSpans"]:
        about = {each["key"]: each["value"].get("stringValue") for each in resource["resource"]["attributes"]}
        found += [Event(span["traceId"] + span["spanId"], span["name"], about["machine.id"])
                  for scope in resource["scopeSpans"] for span in scope["spans"]]
    return found


def otlp_spans_protobuf(body):
    """ExportTraceServiceRequest.resource_spans 1, ResourceSpans.resource 1 and scope_spans 2, Resource.attributes 1, ScopeSpans.spans 2,
    Span.trace_id 1, span_id 2 and name 5."""
    found = []
    for each in parts(body, 1):
        [resource] = parts(each, 1)
        about = texts(parts(resource, 1))
        for scope in parts(each, 2):
            for span in parts(scope, 2):
                [trace], [identity], [name] = parts(span, 1), parts(span, 2), parts(span, 5)
                found.append(Event((trace + identity).hex(), name.decode(), about["machine.id"]))
    return found


def zipkin(body):
    return [Event(each["traceId"] + each["id"], each["name"], each["tags"]["machine.id"]) for each in json.loads(body)]


BEARER = ("authorization", f"Bearer {KEY}")
BASIC = ("authorization", "Basic " + base64.b64encode(f"{KEY}:".encode()).decode())
WIRES = {wire.name: wire for wire in [
    Wire("http", "http", "/events", http, BEARER),
    Wire("otlp-protobuf", "otlp", "/v1/logs", otlp_protobuf, BEARER, answer=b"", protocol="http/protobuf"),
    Wire("otlp-json", "otlp", "/v1/logs", otlp_json, BEARER, protocol="http/json"),
    Wire("datadog", "datadog", "/api/v2/logs", datadog, ("dd-api-key", KEY), code=202),
    Wire("posthog", "posthog", "/batch/", posthog, ("body", KEY), answer=b'{"status":"Ok"}'),
    Wire("segment", "segment", "/v1/batch", segment, BASIC, answer=b'{"success":true}'),
    Wire("splunk_hec", "splunk_hec", "/services/collector/event", splunk, ("authorization", f"Splunk {KEY}"),
         answer=b'{"text":"Success","code":0}', spoilt=splunk_spoilt),
    Wire("clickhouse", "clickhouse", "/", clickhouse, ("x-clickhouse-key", KEY), answer=b"", spoilt=clickhouse_spoilt),
    Wire("otlp-spans-protobuf", "otlp", "/v1/traces", otlp_spans_protobuf, BEARER, answer=b"", records=SPANS, signals="spans",
         protocol="http/protobuf"),
    Wire("otlp-spans-json", "otlp", "/v1/traces", otlp_spans_json, BEARER, records=SPANS, signals="spans", protocol="http/json"),
    # Zipkin API, POST /spans: 202, and nothing else is said.
    Wire("zipkin", "zipkin", "/api/v2/spans", zipkin, BEARER, code=202, answer=b"", records=SPANS),
]}


def of(records):
    """The wires that events go by, or spans."""
    return [wire for wire in WIRES.values() if wire.records is records]
