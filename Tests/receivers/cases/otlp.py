"""OTLP/HTTP logs: opentelemetry-proto decodes every body, the official exporter sends the like, a real receiver takes it."""
import contextlib
import json
import os
import re
import socket
import subprocess
import urllib.request

from stage import OK, wait_until
from suite import Skipped, check, check_equal, test
from vendor_receiver import UUID7
from vendors import HERE, KEY, PYTHON, VendorReceiver, no_key_anywhere, through_c

FORMS = {"http/protobuf": ("protobuf", "application/x-protobuf"), "http/json": ("json", "application/json")}


def rules(request):
    """wire-formats, "OTLP/HTTP logs"; what is in the body is decoded later."""
    if request.method != "POST" or request.path != "/v1/logs":
        raise ValueError(f"{request.method} {request.path}, expected POST /v1/logs")
    if request.header("Content-Type") not in [name for _, name in FORMS.values()]:
        raise ValueError(f"Content-Type {request.header('Content-Type')}")
    if not 0 < len(request.body) <= 4 << 20:
        raise ValueError(f"{len(request.body)} bytes, expected at most 4 MiB")


def receiver(stage):
    return stage.closes(VendorReceiver(rules, 200))


def deliver(stage, endpoint):
    """What is kept, whatever the pause between two attempts."""
    stage.manifest(endpoint, kind="otlp")
    stage.helper("deliver", "--now", expected=None)


def python(*arguments, given=""):
    if not os.path.exists(PYTHON):
        raise Skipped("no build/venv: run make setup")
    done = subprocess.run([PYTHON, os.path.join(HERE, "otlp_client.py"), *arguments], input=given, capture_output=True, text=True,
                          timeout=60, env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    check_equal((0, ""), (done.returncode, done.stderr), f"exit code and error output of otlp_client.py {arguments[0]}")
    return done.stdout


def decoded(requests):
    """What the protocol's own types say of them; unknown fields, odd encodings and empty lists are refused."""
    forms = {name: form for form, name in FORMS.values()}
    lines = "".join(f"{forms[request.header('Content-Type')]} {request.body.hex()}\n" for request in requests)
    return json.loads(python("decode", given=lines))


def attributes(pairs):
    values = {pair["key"]: pair["value"] for pair in pairs}
    check_equal(len(pairs), len(values), "different keys")
    return values


def records(message):
    [logs] = message["resourceLogs"]
    [scope] = logs["scopeLogs"]
    return logs, scope, scope["logRecords"]


def check_full(message):
    """The event that vendors.c records in full."""
    logs, scope, [record] = records(message)
    check_equal({"service.name": {"stringValue": "itest"}, "service.version": {"stringValue": "1.2.3"}},
                attributes(logs["resource"]["attributes"]), "resource")
    check_equal({"name": "libtelemetry", "version": "0.1.0"}, scope["scope"], "scope")
    found = attributes(record.pop("attributes"))
    time = record.pop("timeUnixNano")
    check(re.fullmatch(r"1\d{18}", time), time)
    check_equal({"observedTimeUnixNano": time, "severityNumber": "SEVERITY_NUMBER_INFO", "body": {"stringValue": "run it"},
                 "eventName": "command.invocation"}, record, "record")
    check(UUID7.fullmatch(found.pop("event.id")["stringValue"]), "event.id is no UUID of version 7")
    for name in ("machine.id", "host.arch", "os.version", "telemetry.runtime", "error.type"):
        check(found.pop(name)["stringValue"], name)
    check_equal({
        "event.name": {"stringValue": "run it"}, "event.type": {"stringValue": "command.invocation"},
        "event.schema_version": {"intValue": "1"}, "tool.name": {"stringValue": "itest"}, "tool.version": {"stringValue": "1.2.3"},
        "os.type": {"stringValue": "linux"}, "command.duration_ms": {"intValue": "0"}, "command.exit_code": {"intValue": "3"},
        "command.args": {"arrayValue": {"values": [{"stringValue": "get"}, {"stringValue": ""}, {"stringValue": "quo\"te"}]}},
        "command.error": {"stringValue": "no\nroute é"}, "tool.metadata.release": {"stringValue": "beta"},
        "tool.metadata.text": {"stringValue": "a\\b\tc"}, "tool.metadata.integer": {"intValue": str(-2**63)},
        "tool.metadata.number": {"doubleValue": 0.5}, "tool.metadata.flag": {"boolValue": True},
        "tool.metadata.distinct_id": {"stringValue": "mine"}}, found, "attributes")


@test("otlp/every-field", "F C2")
def every_field(stage):
    """Every field of an event arrives in both forms, as opentelemetry-proto decodes them."""
    for protocol, (_, content_type) in FORMS.items():
        otlp = receiver(stage)
        printed = through_c(stage, "otlp", "full", endpoint=otlp.url, api_key=KEY, protocol=protocol)
        check_equal(f"{OK} otlp: POST {otlp.url}/v1/logs", printed, "what close returned, and the description")
        [request] = otlp.taken()
        check_equal((content_type, f"Bearer {KEY}"), (request.header("Content-Type"), request.header("Authorization")), "headers")
        [message] = decoded([request])
        check_full(message)
    no_key_anywhere(stage)


@test("otlp/both-forms", "F")
def both_forms(stage):
    """Protobuf and JSON say the same, event for event; batches are below their limits, and nothing is lost or doubled."""
    said = []
    for protocol in FORMS:
        otlp = receiver(stage)
        through_c(stage, "otlp", "track=3000", "large=60000", endpoint=otlp.url, protocol=protocol)
        messages = decoded(otlp.taken())
        found = [record for message in messages for record in records(message)[2]]
        check(max(len(records(message)[2]) for message in messages) <= 1024, "more than 1024 records in a request")
        check_equal(3001, len({attributes(record["attributes"])["event.id"]["stringValue"] for record in found}), "different events")
        varying = {"event.id"}
        said.append([[record["body"], record["eventName"],
                      {key: value for key, value in attributes(record["attributes"]).items() if key not in varying}] for record in found])
    check_equal(said[0], said[1], "what the two forms say")


@test("otlp/official-exporter", "F")
def official_exporter(stage):
    """Method, path, headers and structure are those of the Python exporter."""
    otlp = receiver(stage)
    python("export", otlp.url + "/v1/logs")
    through_c(stage, "otlp", "track=1", endpoint=otlp.url)
    theirs, ours = otlp.taken()
    check_equal((theirs.method, theirs.path, theirs.header("Content-Type")), (ours.method, ours.path, ours.header("Content-Type")), "head")
    first, second = decoded([theirs, ours])
    (logs, scope, [record]), (our_logs, our_scope, [our_record]) = records(first), records(second)
    check_equal(set(logs), set(our_logs), "members of a ResourceLogs")
    check_equal(set(scope), set(our_scope), "members of a ScopeLogs")
    check_equal(scope["scope"], our_scope["scope"], "scope")
    # A record without a span has no ids, for them as for us; flags and a severity's name are theirs to add.
    check_equal(set(our_record), set(record) - {"flags", "severityText", "traceId", "spanId"}, "members of a LogRecord")
    check_equal(record["severityNumber"], our_record["severityNumber"], "severity")
    check_equal((record["body"], record["eventName"]), (our_record["body"], our_record["eventName"]), "body and event name")
    theirs, ours = attributes(record["attributes"]), attributes(our_record["attributes"])
    check_equal(theirs["event.name"], ours["event.name"], "an attribute")


@contextlib.contextmanager
def agent_of(stage):
    """ddapm-test-agent, as (its own URL, that of its OTLP receiver)."""
    agent = os.path.join(os.path.dirname(PYTHON), "ddapm-test-agent")
    if not os.path.exists(agent):
        raise Skipped("no build/venv: run make setup")
    ports = []
    for _ in range(3):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    log = open(stage.path("agent.log"), "wb")
    process = subprocess.Popen([agent, "--port", str(ports[0]), "--otlp-http-port", str(ports[1]), "--otlp-grpc-port", str(ports[2])],
                               cwd=stage.root, env={"PATH": os.environ["PATH"], "HOME": stage.root}, stdout=log, stderr=log)
    try:
        wait_until(lambda: all(listens(port) for port in ports[:2]), "the agent listens", 30)
        yield f"http://127.0.0.1:{ports[1]}"
    finally:
        process.kill()
        process.wait()
        log.close()


def session(url, what):
    """What the agent has, in one spelling: what came as JSON it keeps as it came."""
    with urllib.request.urlopen(f"{url}/test/session/{what}", timeout=10) as answer:
        text = json.dumps(json.load(answer))
    return re.sub("_([a-z])", lambda match: match[1].upper(), text)


@test("otlp/test-agent", "F")
def test_agent(stage):
    """ddapm-test-agent takes protobuf and JSON, plain and compressed, and has the records."""
    with agent_of(stage) as url:
        for protocol in FORMS:
            for compression in ("none", "gzip"):
                printed = through_c(stage, "otlp", "full", endpoint=url, protocol=protocol, compression=compression)
                check(printed.startswith(f"{OK} "), f"{protocol}, {compression}: {printed}")
        text = session(url, "logs")
        check_equal(4, text.count('"body": {"stringValue": "run it"}'), "records that the agent has")
        check_equal(4, text.count('"eventName": "command.invocation"'), "names of events")
    stage.expect(4, delivered=4)


@test("otlp/test-agent-metrics", "H7")
def test_agent_metrics(stage):
    """The same with metrics, in both temporalities."""
    with agent_of(stage) as url:
        count = 0
        for protocol in FORMS:
            for temporality in ("cumulative", "delta"):
                count += 1
                stage.manifest(url, kind="otlp", signals="metrics", protocol=protocol, temporality=temporality, name=f"number{count}",
                               compression="gzip" if count % 2 else "none")
                stage.helper("count", "builds")
                stage.helper("observe", "duration", "0.25")
                stage.helper("flush")
        text = session(url, "metrics")
        # The process that `count` starts may be faster than the other commands, and a sum is sent again then.
        for name in ("builds", "duration"):
            check(text.count(f'"name": "{name}"') >= count, f"{text.count(name)} of {count} requests have {name}")
        check_equal(0, len(re.findall('"lastError": [^n]', stage.helper("status", "--json"))), "errors")


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@test("otlp/partial-success", "E8 E12")
def partial_success(stage):
    """Rejected records are counted and never sent again; a warning is none; 503 and 500 keep the events, 501 does not."""
    otlp = receiver(stage)
    for status, expected in ((503, {"pending": 1}), (500, {"pending": 1}), (408, {"pending": 1}), (501, {"rejected": 1})):
        otlp.answers.append((status, []))
        if status == 503:
            through_c(stage, "otlp", "track=1", endpoint=otlp.url)
        else:
            deliver(stage, otlp.url)
        stage.expect(1, **expected)
    with Answering(b"\x0a\x08\x08\x02\x12\x04late") as partial:
        through_c(stage, "otlp", "track=5", endpoint=partial.url)
        stage.expect(6, delivered=3, rejected=3)
    with Answering(b'{"partialSuccess": {"rejectedLogRecords": "1", "errorMessage": "x"}}') as partial:
        through_c(stage, "otlp", "track=2", endpoint=partial.url, protocol="http/json")
        stage.expect(8, delivered=4, rejected=4)
    with Answering(b"\x0a\x06\x12\x04warn") as partial:
        through_c(stage, "otlp", "track=1", endpoint=partial.url)
        stage.expect(9, delivered=5, rejected=4)
        check_equal(1, partial.count, "requests")


class Answering:
    """Answers 200 with that body."""

    def __init__(self, body):
        from http.server import BaseHTTPRequestHandler, HTTPServer
        from threading import Thread
        outer = self
        self.count = 0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                outer.count += 1
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@test("otlp/environment", "F")
def environment(stage):
    """OTEL_EXPORTER_OTLP_* count as far as the author says, and no credential goes to another's endpoint."""
    author, users = receiver(stage), receiver(stage)
    stage.environment.update({"OTEL_EXPORTER_OTLP_ENDPOINT": users.url, "OTEL_EXPORTER_OTLP_HEADERS": "x-user=u%20v",
                              "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"})
    expected = {"ignore": (author, "application/x-protobuf", f"Bearer {KEY}", None), "fill": (author, "application/json", f"Bearer {KEY}", None),
                "override": (users, "application/json", None, "u v")}
    for mode, (where, content_type, authorization, header) in expected.items():
        before = len(where.requests)
        through_c(stage, "otlp", "track=1", endpoint=author.url, api_key=KEY, environment=mode)
        [request] = where.taken()[before:]
        check_equal((content_type, authorization, header),
                    tuple(request.header(name) for name in ("Content-Type", "Authorization", "x-user")), mode)
    check_equal((2, 1), (len(author.requests), len(users.requests)), "requests to the author's and to the user's")
    stage.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://collector.example:4318"
    through_c(stage, "otlp", "track=1", endpoint=author.url, environment="override")
    stage.manifest(author.url, kind="otlp", environment="override")
    stage.expect(4, delivered=3, pending=1)
    check("OTEL_EXPORTER_OTLP_ENDPOINT" in stage.helper("doctor", expected=None), "doctor does not say which variable is wrong")
