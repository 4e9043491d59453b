"""Flipt's observability: usage ping, metrics, dashboards, tracing."""
import json
import os

from stage import TOOL, wait_until
from suite import check, check_equal, test
from using import helper, manifest, origin, run, unanswered

SHAPE = {"version": "2.0", "uuid": "$machine_id", "flipt": {"version": "$version", "os": "$os", "arch": "$go_arch"}}


def _ping(world, receiver, **sections):
    manifest(world, identity={"kind": "random", "ephemeral": "never"},
             heartbeat={"period": "4h", "type": "flipt.ping", "name": "flipt.ping"},
             backend={"kind": "segment", "endpoint": receiver.url, "api_key": "writekey", "fields": SHAPE}, **sections)


@test("flipt/F1", "A D")
def only_the_version(world):
    """Only the version is collected: no id, no system, nothing else"""
    receiver = origin(world)
    manifest(world, identity={"kind": "none"}, fields={"exclude": ["machine_id", "os", "arch", "os_version", "runtime", "duration_ms", "exit_code", "error_category"]},
             heartbeat={"period": "4h"}, backend={"kind": "http", "endpoint": receiver.url})
    run(world, """telemetry_collector *telemetry = telemetry_open(options);
        say("flush", telemetry_flush(telemetry, 5000));
        telemetry_close(telemetry, 1000);""", manifest=True, version="1.61.1")
    event, = json.loads(receiver.requests[0].body)
    check_equal({"schema_version", "event_id", "timestamp", "type", "name", "tool_name", "version"}, set(event), "fields")
    check_equal("1.61.1", event["version"], "version")


@test("flipt/F2", "C10")
def schema(world):
    """The user can read what may be collected, here and not on a web site alone"""
    manifest(world, events={"export": {"description": "A file was exported."}}, backend={"kind": "file"})
    printed = helper(world, "show", "--schema").stdout
    check("export" in printed and "A file was exported." in printed, printed)


@test("flipt/F3", "F C12")
def ping(world):
    """Its ping by Segment's wire: equal to the byte, but for times and ids; the next one only after the period"""
    receiver = origin(world)
    _ping(world, receiver)
    body = """telemetry_collector *telemetry = telemetry_open(options);
        say("flush", telemetry_flush(telemetry, 5000));
        telemetry_close(telemetry, 1000);"""
    for _ in range(2):
        run(world, body, manifest=True, version="2.11.0")
    asked, = receiver.requests
    message, = json.loads(asked.body)["batch"]
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    check_equal("flipt.ping", message["event"], "event")
    check_equal(message["anonymousId"], message["properties"]["uuid"], "uuid")
    expected = json.dumps({"version": "2.0", "uuid": message["anonymousId"], "flipt": {"version": "2.11.0", "os": "linux", "arch": arch}}, separators=(",", ":"))
    check(f'"properties":{expected}'.encode() in asked.body, f"{asked.body}")


@test("flipt/F4", "A9")
def config(world):
    """`meta.telemetry_enabled: false` in its configuration file"""
    manifest(world, config={"file": "flipt/config.yml", "key": "meta.telemetry_enabled"}, backend={"kind": "file"})
    os.remove(world.path("home", ".config", "telemetry", TOOL, "enabled"))
    os.makedirs(world.path("home", ".config", "flipt"))
    for text, expected in (("true", True), ("false", False)):
        with open(world.path("home", ".config", "flipt", "config.yml"), "w") as file:
            file.write(f"meta:\n  telemetry_enabled: {text}\n")
        check_equal(expected, json.loads(helper(world, "status", "--json").stdout)["enabled"], text)


@test("flipt/F5", "A6")
def variable(world):
    """FLIPT_TELEMETRY_ENABLED=false: the variable with the tool's name"""
    check_equal(False, json.loads(helper(world, "status", "--json", environment={"ITEST_TELEMETRY_ENABLED": "false"}).stdout)["enabled"], "with it")
    check_equal(True, json.loads(helper(world, "status", "--json").stdout)["enabled"], "without it")


@test("flipt/F6", "H3")
def metrics(world):
    """Metrics at /metrics, without a server of the program's own"""
    run(world, """telemetry_options_set_operator_metrics(options, true);
        telemetry_options_set_process_metrics(options, true);
        telemetry_options_set_metrics_listener(options, argv[1]);
        telemetry_collector *telemetry = telemetry_open(options);
        telemetry_attribute labels[] = { telemetry_string("cache", "memory"), telemetry_string("type", "flag") };
        telemetry_count(telemetry, "flipt_cache_hit", 1, labels, 2);
        char command[4096];
        snprintf(command, sizeof command, "curl -s --unix-socket %s http://localhost/metrics >%s/scraped", argv[1], argv[2]);
        say("curl", system(command));
        telemetry_close(telemetry, 0);""", arguments=(world.path("socket"), world.root))
    with open(world.path("scraped")) as file:
        text = file.read()
    check('flipt_cache_hit_total{cache="memory",type="flag"} 1' in text, text)
    world.scraped = text


@test("flipt/F7", "H4")
def process(world):
    """What the process uses, beside the program's own metrics: process_*, in place of a runtime's go_*"""
    metrics(world)
    for name in ("process_cpu_seconds_total", "process_open_fds", "process_resident_memory_bytes", "process_start_time_seconds"):
        check(f"\n{name} " in world.scraped, f"{name} is missing")


@test("flipt/F8", "H8")
def dashboards(world):
    """Its two dashboards, corrected: with variables for data source, job and instance"""
    directory = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "dashboards")
    names = [name for name in os.listdir(directory) if name.startswith("flipt") and name.endswith(".json")]
    check_equal(2, len(names), "dashboards")
    for name in names:
        with open(os.path.join(directory, name)) as file:
            variables = {each["name"] for each in json.load(file)["templating"]["list"]}
        check({"datasource", "job", "instance"} <= variables, f"{name}: {variables}")


@test("flipt/F9", "H12")
def tracing(world):
    """Spans to what takes OTLP, such as Jaeger, and to Zipkin; where the operator says"""
    otlp, zipkin = origin(world), origin(world, 202)
    manifest(world, backends=[{"kind": "otlp", "endpoint": otlp.url, "signals": "events,spans"}, {"kind": "zipkin", "endpoint": zipkin.url}])
    run(world, """telemetry_collector *telemetry = telemetry_open(options);
        telemetry_span span;
        telemetry_span_begin(telemetry, &span, "evaluate", TELEMETRY_SPAN_SERVER, NULL);
        telemetry_span_end(&span);
        telemetry_flush(telemetry, 5000);
        telemetry_close(telemetry, 1000);""", manifest=True)
    wait_until(lambda: otlp.requests and zipkin.requests, "both have it", 30)
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    asked = next(each for each in otlp.requests if each.path == "/v1/traces")
    span = ExportTraceServiceRequest.FromString(asked.body).resource_spans[0].scope_spans[0].spans[0]
    check_equal(("evaluate", "SERVER"), (span.name, json.loads(zipkin.requests[0].body)[0]["kind"]), "the span")


@test("flipt/F10", "A11")
def in_ci(world):
    """Off in continuous integration, without an answer of the user"""
    unanswered(world)
    manifest(world, consent="opt-out", backend={"kind": "file"})
    said = json.loads(helper(world, "explain", "--json", environment={"CI": "true"}).stdout)
    check_equal(False, said["enabled"], "in CI")


@test("flipt/F11", "C12")
def stops(world):
    """Its ping stops after three failures in a row; its state file is private, and a damaged one is replaced"""
    receiver = origin(world, 500)
    _ping(world, receiver)
    body = """telemetry_collector *telemetry = telemetry_open(options);
        telemetry_flush(telemetry, 2000);
        telemetry_close(telemetry, 0);"""
    run(world, body, manifest=True)
    path = world.path("home", ".local", "state", "telemetry", TOOL, "heartbeat.json")
    check_equal(0o600, os.stat(path).st_mode & 0o777, "mode")
    with open(path, "w") as file:
        file.write("{")
    run(world, body, manifest=True)
    with open(path) as file:
        check(json.load(file)["last_ns"] > 0, "it was not replaced")


@test("flipt/F12", "H15")
def service_name(world):
    """OTEL_SERVICE_NAME and OTEL_EXPORTER_OTLP_*, as the OpenTelemetry specification has them"""
    receiver = origin(world)
    manifest(world, backend={"kind": "otlp", "environment": "override"})
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url + "/base", "OTEL_SERVICE_NAME": "fleet"}
    helper(world, "track", "x", environment=variables)
    helper(world, "flush", environment=variables)
    asked = receiver.requests[0]
    check_equal("/base/v1/logs", asked.path, "path")
    check(b"fleet" in asked.body, "service.name")
