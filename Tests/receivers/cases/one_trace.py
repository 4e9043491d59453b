"""One trace through a C program, a shell script and a Python program with OpenTelemetry's SDK: examples/c/12-one-trace."""
import base64
import json
import os
import subprocess

import stage as stages
from cases import otlp, otlp_spans
from stage import wait_until
from suite import Skipped, check, check_equal, test
from vendors import PYTHON

EXAMPLE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "..", "examples", "c", "12-one-trace"))
# Each span, whose it is, and the span above it.
TREE = {"ship": ("ship", None), "run the packer": ("ship", "ship"), "pack": ("pack", "run the packer"), "report": ("report", "pack"),
        "render": ("report", "report"), "publish": ("report", "report"), "sign": ("pack", "publish")}
OURS, THEIRS = "libtelemetry/", "OTel-OTLP-Exporter-Python/"
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def run(stage, url, **environment):
    """The example, with a receiver at this URL; each of its tools delivers all that it has."""
    if not os.path.exists(PYTHON):
        raise Skipped("no build/venv: run make setup")
    program, tools = stage.path("one-trace"), os.path.dirname(stage.manifest_file)
    if not os.path.exists(program):
        subprocess.run(["cc", "-std=c99", "-Wall", "-Werror", f"-I{stages.BUILD}/include", "-o", program, os.path.join(EXAMPLE, "main.c"),
                        f"-L{stages.BUILD}/lib", "-ltelemetry"], check=True)
    os.makedirs(tools, exist_ok=True)
    for tool in ("ship", "pack"):
        with open(os.path.join(EXAMPLE, tool + ".yaml")) as file, open(os.path.join(tools, tool + ".yaml"), "w") as copy:
            copy.write(file.read().replace("http://localhost:4318", url))
    everything = {**stage.environment, "PATH": f"{stages.BUILD}/bin:{stage.environment['PATH']}", "PYTHON": PYTHON,
                  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": url + "/v1/traces", **environment}
    done = subprocess.run([program, os.path.join(EXAMPLE, "pack.sh")], env=everything, cwd=stage.root, capture_output=True, text=True, timeout=120)
    check_equal((0, "", ""), (done.returncode, done.stdout, done.stderr), "exit code and output of the example")
    for tool in ("ship", "pack"):
        subprocess.run([f"{stages.BUILD}/bin/telemetry", "deliver", "--now", "--tool", tool], env=everything, cwd=stage.root, timeout=60,
                       capture_output=True)


def agreed(**more):
    return {"SHIP_TELEMETRY_ENABLED": "1", "PACK_TELEMETRY_ENABLED": "1", **more}


def received(requests):
    """{name: (service, span)}; ours are decoded strictly, the SDK's as its encoder writes them."""
    found = {}
    for request in requests:
        agent = request.header("User-Agent")
        check(agent.startswith((OURS, THEIRS)), f"User-Agent {agent}")
        message, = otlp_spans.decoded([request]) if agent.startswith(OURS) else json.loads(
            otlp.python("decode-any-spans", given=f"protobuf {request.body.hex()}\n"))
        for resource in message["resourceSpans"]:
            service = otlp.attributes(resource["resource"]["attributes"])["service.name"]["stringValue"]
            for span in [span for scope in resource["scopeSpans"] for span in scope["spans"]]:
                check(span["name"] not in found, f"{span['name']} is there twice")
                found[span["name"]] = (service, span)
    return found


def ids_in_hexadecimal(span):
    """The SDK's come from protobuf's own JSON, in base64."""
    return {name: span[name] if len(span[name]) in (16, 32) else base64.b64decode(span[name]).hex()
            for name in ("traceId", "spanId", "parentSpanId") if name in span}


def all_of(stage, traces, tree):
    wait_until(lambda: set(received(traces.taken())) >= set(tree), f"the spans {sorted(tree)}", 30)
    found = received(traces.taken())
    check_equal(set(tree), set(found), "spans")
    return {name: (service, ids_in_hexadecimal(span), span) for name, (service, span) in found.items()}


def check_tree(found, tree, trace=None, above=None):
    """One trace, and every parent right; `above`: the parent of the first."""
    traces = {ids["traceId"] for _, ids, _ in found.values()}
    check_equal(1, len(traces), f"traces: {traces}")
    check(trace in (None, *traces), f"{traces}, expected {trace}")
    for name, (service, parent) in tree.items():
        expected = found[parent][1]["spanId"] if parent else above
        check_equal((service, expected), (found[name][0], found[name][1].get("parentSpanId")), f"service and parent of {name}")
        if parent:
            over, under = found[parent][2], found[name][2]
            check(int(over["startTimeUnixNano"]) <= int(under["startTimeUnixNano"]) and int(under["endTimeUnixNano"]) <= int(over["endTimeUnixNano"]),
                  f"{name} is within {parent}")


@test("one-trace/seen-whole", "H16")
def seen_whole(stage):
    """Seven spans of three languages are one trace at one receiver, and each has the right parent."""
    traces = otlp_spans.receiver(stage)
    run(stage, traces.url, **agreed())
    check_tree(all_of(stage, traces, TREE), TREE)


@test("one-trace/of-a-caller", "H16")
def of_a_caller(stage):
    """The trace of a caller goes on through all of them, and so does its tracestate."""
    traces = otlp_spans.receiver(stage)
    run(stage, traces.url, **agreed(TRACEPARENT=CALLER, TRACESTATE="vendor=a"))
    found = all_of(stage, traces, TREE)
    check_tree(found, TREE, CALLER[3:35], CALLER[36:52])
    check_equal({"vendor=a"}, {span["traceState"] for _, _, span in found.values()}, "trace states")


@test("one-trace/without-consent", "H16")
def without_consent(stage):
    """Of tools whose user has not agreed there is no span, and the trace goes through them: the others' spans keep their parents."""
    traces = otlp_spans.receiver(stage)
    run(stage, traces.url, TRACEPARENT=CALLER)
    left = {"report": ("report", None), "render": ("report", "report"), "publish": ("report", "report")}
    check_tree(all_of(stage, traces, left), left, CALLER[3:35], CALLER[36:52])


@test("one-trace/sampled-out", "H16")
def sampled_out(stage):
    """A caller that does not sample its trace gets no span from any of them."""
    traces = otlp_spans.receiver(stage)
    run(stage, traces.url, **agreed(TRACEPARENT=CALLER[:-2] + "00"))
    check_equal([], traces.taken(), "requests")


@test("one-trace/test-agent", "H16")
def test_agent(stage):
    """ddapm-test-agent, a receiver that others have written, has all of it."""
    with otlp.agent_of(stage) as url:
        run(stage, url, **agreed())
        wait_until(lambda: all(f'"{name}"' in otlp.session(url, "traces") for name in TREE), "all spans", 30)
