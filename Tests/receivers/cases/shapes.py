"""The shape of an event: what an author has chosen is what each receiver gets, to the byte."""
import json
import os
import re
import subprocess

import stage as stages
from cases import otlp, posthog, segment
from key_value import DatagramReceiver
from machine import preload
from stage import BUILD, completed_alone
from suite import check, check_equal, test
from vendors import KEY, receiver, through_c

GOLDEN = b'<14>signal=kongctl;arch=arm64;command_path="kongctl plan";os=darwin;schema_version=1;timestamp=2026-05-12T14:30:45Z;version=0.4.0\n'
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
SHAPE = {"who": "$tool_name", "a": {"b": {"c": {"path": "$command_path"}}}, "code": "$exit_code", "gone": "$error_category", "text": "$metadata.text",
         "fixed": "x", "whole": 7, "number": 2.0, "flag": True, "args": "$args", "rest": "$metadata", "when": "$timestamp", "empty": {"gone": "$error"}}


def tool(stage, name, manifest, *commands, environment=None):
    """A tool of that name with that manifest, whose user has agreed, runs the helper's commands."""
    path = stage.path(name + ".yaml")
    with open(path, "w") as file:
        file.write(manifest)
    printed = ""
    for command in (["enable"], *commands):
        done = completed_alone([f"{BUILD}/bin/telemetry", *command, "--tool", name, "--manifest", path],
                               env={**stage.environment, **(environment or {})}, cwd=stage.root)
        check_equal((0, ""), (done.returncode, done.stderr), f"exit code and errors of {command}")
        printed = done.stdout
    return printed


def lax(stage, accepted=200):
    """Takes any JSON."""
    return receiver(stage, lambda request: setattr(request, "json", json.loads(request.body)), accepted)


def go_arch():
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


@test("shapes/kongctl", "F")
def kongctl(stage):
    """kongctl's golden line, from a manifest: on its machine at its time to the byte, and on this one but for the time."""
    for environment, architecture, system in (({"LD_PRELOAD": preload(stage.path("machine.so"), "Darwin", "25.4.0", "arm64", 1778596245)}, "arm64", "darwin"), ({}, go_arch(), "linux")):
        udp = stage.closes(DatagramReceiver())
        manifest = f"""
tool: {{name: kongctl, version: 0.4.0}}
backend:
  kind: splunk_udp
  endpoint: {udp.url}
  line: bare
  timestamps: seconds
  fields: {{command_path: $command_path, version: $version, schema_version: $schema_version, os: $os, arch: $go_arch, timestamp: $timestamp}}
delivery: {{mode: in-process}}
"""
        tool(stage, "kongctl", manifest, ["command", "kongctl plan", "--duration-ms", "12", "--exit-code", "0"], ["flush"], environment=environment)
        stages.wait_until(udp.all, "the datagram")
        [datagram] = udp.all()
        if environment:
            check_equal(GOLDEN, datagram, "the datagram")
        expected = GOLDEN.replace(b"arm64", architecture.encode()).replace(b"darwin", system.encode())
        check_equal(expected, re.sub(rb"timestamp=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"timestamp=2026-05-12T14:30:45Z", datagram), "the datagram")


@test("shapes/flipt", "F C12 D3")
def flipt(stage):
    """Flipt's ping, from a manifest: a heartbeat of its own name whose body is Flipt's, to the byte but for time and ids."""
    rules = segment.rules
    there = receiver(stage, rules)
    manifest = f"""
tool: {{name: flipt, version: 2.0.0}}
identity: {{kind: random, ephemeral: never}}
heartbeat: {{period: 4h, type: flipt.ping, name: flipt.ping}}
events: {{}}
backend:
  kind: segment
  endpoint: {there.url}
  api_key: {KEY}
  timestamps: milliseconds
  fields: {{version: "2.0", uuid: $machine_id, flipt: {{version: $version, os: $os, arch: $go_arch}}}}
"""
    printed = tool(stage, "flipt", manifest, ["status"], ["show", "--schema"])
    check("event `flipt.ping` without attributes" in printed, printed)
    # `events: {}`: nothing but the heartbeat may be recorded.
    path = stage.path("flipt.yaml")
    program = stage.path("ping")
    subprocess.run(["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", f"-I{BUILD}/include", "-o", program, "-x", "c", "-", "-x", "none",
                    f"-L{BUILD}/lib", "-ltelemetry"], check=True, text=True, input="""
#include <telemetry.h>
int main(int argc, char **argv)
{
    telemetry_options *options = telemetry_options_new("flipt", "2.0.0");
    telemetry_options_load_manifest(options, argv[argc - 1]);
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    return telemetry_close(telemetry, 10000) == TELEMETRY_OK ? 0 : 1;
}
""")
    done = completed_alone([program, path], env=stage.environment, cwd=stage.root)
    check_equal((0, "", ""), (done.returncode, done.stdout, done.stderr), "the program")
    [request] = there.taken()
    [event] = request.json["batch"]
    uuid = event["anonymousId"]
    check(UUID4.fullmatch(uuid), f"anonymousId {uuid}")
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["timestamp"]), event["timestamp"])
    track = (f'{{"type":"track","event":"flipt.ping","anonymousId":"{uuid}","messageId":"{event["messageId"]}","timestamp":"{event["timestamp"]}",'
             '"context":{"library":{"name":"libtelemetry","version":"0.1.0"}},'
             f'"properties":{{"version":"2.0","uuid":"{uuid}","flipt":{{"version":"2.0.0","os":"linux","arch":"{go_arch()}"}}}}}}')
    check_equal(f'"batch":[{track}]', request.body.decode()[request.body.decode().index('"batch"'):-1], "the batch")


def flat(shape, prefix="fields."):
    """As settings in code have it; their values are texts there."""
    found = {}
    for name, value in shape.items():
        if isinstance(value, dict):
            found.update(flat(value, f"{prefix}{name}."))
        elif isinstance(value, str):
            found[prefix + name] = value
    return found


def check_shape(found, when, is_row=False):
    """The event of vendors.c in SHAPE; `when`: the form of its time."""
    metadata = {"distinct_id": "mine", "text": "a\\b\tc", "integer": -9223372036854775808, "number": 0.5, "flag": True, "release": "beta"}
    check(re.fullmatch(when, found["when"]), found["when"])
    rest, path = found["rest"], found["a"]
    if is_row:
        rest, path = json.loads(rest), json.loads(path)
    check_equal(metadata, rest, "metadata")
    check_equal({"b": {"c": {"path": "itest run it"}}}, path, "the inner mappings")
    check(found["gone"] and isinstance(found["gone"], str), "error_category")
    check_equal({"who": "itest", "code": 3, "text": "a\\b\tc", "fixed": "x", "args": ["get", "", 'quo"te']},
                {name: found[name] for name in ("who", "code", "text", "fixed", "args")}, "the others")
    check_equal({"error": "no\nroute é"}, json.loads(found["empty"]) if is_row else found["empty"], "error")
    check_equal([name for name in SHAPE if name not in ("whole", "number", "flag")], list(found), "names, in the author's order")


PATTERN = {"nanoseconds": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", "milliseconds": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
           "seconds": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"}
IN_CODE = {**flat({**SHAPE, "empty": {"error": "$error"}})}


@test("shapes/vendors", "F")
def vendors(stage):
    """From the C library, by flat settings: the properties of PostHog and Segment, Datadog's log, HEC's event; each in its own envelope."""
    for kind, rules, accepted, find in (
            ("posthog", posthog.rules, 200, lambda body: [event["properties"] for event in body["batch"]]),
            ("segment", segment.rules, 200, lambda body: [event["properties"] for event in body["batch"]])):
        for digits in PATTERN:
            there = receiver(stage, rules, accepted)
            through_c(stage, kind, "full", endpoint=there.url, api_key=KEY, timestamps=digits, **IN_CODE)
            [request] = there.taken()
            [found] = find(request.json)
            own = {name: found.pop(name) for name in list(found) if name.startswith("$")}
            if kind == "posthog":
                check_equal({"$process_person_profile": False, "$geoip_disable": True, "$lib": "libtelemetry", "$lib_version": "0.1.0"}, own, "PostHog's own")
            check_shape(found, PATTERN[digits])


@test("shapes/datadog", "F")
def in_datadog(stage):
    """A log has what Datadog needs (source, service, time), then the author's names; these win."""
    for given, envelope in (({}, {"ddsource": "libtelemetry", "service": "itest"}),
                            ({"fields.ddsource": "mine", "fields.service": "$name", "fields.message": "$type"}, {"ddsource": "mine", "service": "run it", "message": "command.invocation"})):
        there = lax(stage, 202)
        through_c(stage, "datadog", "full", endpoint=there.url, api_key=KEY, **{**IN_CODE, **given})
        [request] = there.taken()
        [found] = request.json
        check(isinstance(found.pop("timestamp"), int), "timestamp")
        check_equal(envelope, {name: found.pop(name) for name in envelope}, "envelope")
        check_shape(found, PATTERN["nanoseconds"])


@test("shapes/splunk-hec", "F")
def in_hec(stage):
    """HEC's event is the author's, and no field is indexed beside it."""
    there = lax(stage)
    through_c(stage, "splunk_hec", "full", endpoint=there.url, api_key=KEY, timestamps="seconds", **IN_CODE)
    [request] = there.taken()
    check_equal(["time", "source", "sourcetype", "event"], list(request.json), "members")
    check_shape(request.json["event"], PATTERN["seconds"])


@test("shapes/clickhouse", "F")
def in_clickhouse(stage):
    """A row has the author's columns; an inner mapping is a text with JSON, and a time has the form of a column."""
    there = receiver(stage, lambda request: setattr(request, "json", [json.loads(line) for line in request.body.decode().splitlines()[1:]]))
    through_c(stage, "clickhouse", "full", endpoint=there.url, timestamps="milliseconds", **IN_CODE)
    [request] = there.taken()
    check_shape(request.json[0], r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", is_row=True)


@test("shapes/http", "F B3 E7")
def in_http(stage):
    """From a manifest, with every kind of value: what is shown before, sent, and previewed by a dry run has the same shape."""
    there = lax(stage)
    shape = {**SHAPE, "empty": {"nothing": "$metadata.nothing"}}
    stage.manifest(there.url, fields=shape, timestamps="seconds", sections={"delivery": {"mode": "detached"}})
    dry = stage.helper("track", "search", "--property", "text=a", "--dry-run")
    stage.helper("track", "search", "--property", "text=a", "--property", "n:int=1")
    shown = stage.helper("show", "--wire", expected=None)
    stage.helper("deliver", "--now", expected=None)
    stages.wait_until(lambda: there.requests, "a request")
    body = there.taken()[0].body.decode()
    [found] = json.loads(body)
    check(re.fullmatch(PATTERN["seconds"], found.pop("when")), "the time")
    check_equal({"who": "itest", "a": {"b": {"c": {"path": "itest search"}}}, "text": "a", "fixed": "x", "whole": 7, "number": 2.0, "flag": True,
                 "rest": {"text": "a", "n": 1}}, found, "the event")
    check_equal(["who", "a", "text", "fixed", "whole", "number", "flag", "rest"], list(found), "names")
    check('"number":2.0,' in body, body)
    # It may be sent before it is shown.
    check(body in shown or "who" not in shown, f"shown {shown!r}, sent {body!r}")
    check('"fixed":"x"' in dry and "event_id" not in dry, dry)


@test("shapes/stdout", "F")
def in_stdout(stage):
    """Standard output has the shape too."""
    stage.manifest("", kind="stdout")
    os.remove(stage.manifest_file)
    with open(stage.manifest_file, "w") as file:
        json.dump({"tool": {"name": stages.TOOL}, "delivery": {"mode": "in-process"},
                   "backend": {"kind": "stdout", "timestamps": "seconds", "fields": {"n": "$name", "at": "$timestamp"}}}, file)
    printed = stage.helper("track", "search") + stage.helper("flush")
    check(re.fullmatch(r'\[\n  \{\n    "n": "search",\n    "at": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"\n  \}\n\]\n', printed), printed)


@test("shapes/otlp", "F")
def in_otlp(stage):
    """The attributes of a log record, with dotted names, in both forms; body and version are there if the author names them."""
    for protocol in ("http/json", "http/protobuf"):
        for shape, body, version in ((IN_CODE, None, None), ({"fields.n": "$name", "fields.v.tool": "$version"}, "run it", "1.2.3")):
            there = otlp.receiver(stage)
            through_c(stage, "otlp", "full", endpoint=there.url, protocol=protocol, **shape)
            [message] = otlp.decoded(there.taken())
            [resource] = message["resourceLogs"]
            [record] = resource["scopeLogs"][0]["logRecords"]
            check_equal(body, record.get("body", {}).get("stringValue"), "body")
            check_equal("command.invocation", record["eventName"], "event name")
            services = {each["key"]: each["value"]["stringValue"] for each in resource["resource"]["attributes"]}
            check_equal({"service.name": "itest", **({"service.version": version} if version else {})}, services, "resource")
            keys = [each["key"] for each in record["attributes"]]
            if version:
                check_equal(["n", "v.tool"], keys, "attributes")
            else:
                check_equal({"who", "a.b.c.path", "code", "gone", "text", "fixed", "args", "when", "empty.error",
                             *(f"rest.{key}" for key in ("distinct_id", "text", "integer", "number", "flag", "release"))}, set(keys), "attributes")


@test("shapes/udp-long", "F C9")
def udp_long(stage):
    """However many names and long values a shape has, a datagram is whole and at most 1,400 bytes long."""
    udp = stage.closes(DatagramReceiver())
    shape = {f"name-{index:02}-{'x' * 52}": "$error" for index in range(64)}
    stage.manifest(udp.url, kind="splunk_udp", fields=shape, sections={"extended_collection": True})
    stage.helper("command", "x", "--duration-ms", "1", "--exit-code", "1")
    through_c(stage, "splunk_udp", "text=" + "é" * 300, endpoint=udp.url, **{f"fields.f{index}": "$error" for index in range(9)})
    [event] = [each for each in udp.wait_for(1) if each.get("f0")]
    check(event["truncated"] == "true" and "é".startswith(event["f0"][:1]), event)


@test("shapes/erasure", "F")
def erasure(stage):
    """A request for erasure says what it is and whose events are meant, in every shape."""
    there = lax(stage)
    stage.manifest(there.url, fields={"machine_id": "x", "n": "$name"}, kind="http")
    stage.helper("track", "search")
    stage.helper("deliver", "--now")
    id = stage.helper("machine-id").strip()
    stage.helper("request-deletion")
    [event] = there.taken()[-1].json
    check_equal({"n": "deletion_request", "type": "data.deletion_request", "machine_id": id}, event, "the event")


def refused(stage, text):
    path = stage.path("bad.yaml")
    with open(path, "w") as file:
        file.write(text)
    done = completed_alone([f"{BUILD}/bin/telemetry", "manifest", "check", path], env=stage.environment, cwd=stage.root)
    check(done.returncode != 0, f"accepted: {text}")
    return (done.stdout + done.stderr).replace(path, "F")


@test("shapes/mistakes", "F")
def mistakes(stage):
    """Each mistake is one error, with its place and what was expected."""
    top = "tool: {name: t}\n"
    http = top + "backend:\n  kind: http\n  endpoint: https://example.org/\n"
    udp = top + "backend:\n  kind: splunk_udp\n  endpoint: udp://example.org\n"
    for text, expected in (
            (http + "  fields: {n: $nmae}\n", "F:5:15: backend.fields.n: not a field; expected '$name' or another of $metadata.KEY, $machine_id"),
            (http + "  fields: {n: $metadata.}\n", "F:5:15: backend.fields.n: not a field; expected '$metadata'"),
            (http + "  fields: {n: [1]}\n", "F:5:15: backend.fields.n: a sequence is not a value"),
            (http + "  fields: {n: ~}\n", "F:5:15: backend.fields.n: a single value is not a value"),
            (http + "  fields: {}\n", "F:5:11: backend.fields: no names; expected one name or more"),
            (http + "  fields: name\n", "F:5:11: backend.fields: a single value is not a mapping"),
            (http + "  fields: {a: {b: {c: {d: {e: 1}}}}}\n", "F:5:27: backend.fields.a.b.c.d: a mapping too deep; expected at most 4 in each other"),
            (http + "  fields: {a.b: 1, a: {b: 2}}\n", "F:5:24: backend.fields.a.b: the same name twice; expected each once"),
            (http + '  fields: {"": 1}\n', "F:5:12: backend.fields.: not a name; expected 1 to 64 bytes"),
            (http + "  fields: {" + ", ".join(f"n{i}: 1" for i in range(65)) + "}\n", "backend.fields.n64: one too many; expected at most 64 names"),
            (udp + "  fields: {a b: 1}\n", "F:5:12: backend.fields.a b: not a name here; expected letters, digits, '.', '_' and '-'"),
            (udp + "  fields: {signal: 1}\n", "F:5:12: backend.fields.signal: not a name here"),
            (http + "  timestamps: minutes\n", "F:5:15: backend.timestamps: the value is not known; expected nanoseconds, milliseconds or seconds"),
            (top + "backend: {kind: file, fields: {n: 1}}\n", "F:2:31: backend.fields: does not go with this kind; expected stdout, or one that sends events"),
            (top + "backend: {kind: noop, timestamps: seconds}\n", "F:2:35: backend.timestamps: does not go with this kind"),
            (top + "backend: {kind: zipkin, endpoint: https://example.org, fields: {n: 1}}\n", "backend.fields: does not go with kind: zipkin"),
            (top + "backend: {kind: otlp, endpoint: https://example.org, signals: metrics, fields: {n: 1}}\n", "backend.fields: of no use without events"),
            (top + "fields: {exclude: [machineid]}\n", "F:2:20: fields.exclude: 'machineid' is not known; expected 'machine_id' or another of machine_id, version, os"),
            (top + "fields: {exclude: [os, os]}\n", "F:2:24: fields.exclude: 'os' is there twice; expected each once"),
            (top + "fields: {exclude: os}\n", "F:2:19: fields.exclude: 'os' is not a list; expected a list of machine_id, version"),
            (top + "fields: {excluded: [os]}\n", "F:2:10: fields.excluded: unknown key; expected 'exclude'"),
            (top + "heartbeat: {type: a b}\n", "F:2:19: heartbeat.type: 'a b' is not a type; expected a type of 1 to 64 letters"),
            (top + "heartbeat: {type: data.deletion_request}\n", "heartbeat.type: 'data.deletion_request' asks for erasure; expected a type"),
            (top + 'heartbeat: {name: ""}\n', "F:2:19: heartbeat.name: '' is not a name; expected 1 to 256 bytes"),
    ):
        found = refused(stage, text)
        check(expected in found and found.count("F:") == 1, f"{text!r}: {found!r}, expected {expected!r}")
