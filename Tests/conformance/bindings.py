"""The ways in: the library from C, C++ and Python, with options and with a manifest, the helper, and OTLP."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import suite
from sandbox import BUILD
from table import OWN_SOURCES, SOURCES
from world import config_file, project_file

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MEMBERS = {"tool", "enabled", "source", "reason", "local_only", "sources", "warnings", "own"}


class Answer:
    def __init__(self, binding, said, text=None, raw=None):
        self.binding, self.enabled, self.source = binding, said["enabled"], said["source"]
        self.local_only, self.said, self.text, self.json = said.get("local_only"), said, text, raw


class Programs:
    """decide.c, by a C and by a C++ compiler, decide.py, and the driver of the receiver of OTLP."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="telemetry-conformance-bin-")
        for name, compiler in {"c": ["gcc", "-std=c99"], "c++": ["g++", "-std=c++11", "-x", "c++"]}.items():
            command = [*compiler, "-Wall", "-Wextra", "-pedantic", "-Werror", f"-I{BUILD}/include", f"{HERE}/decide.c",
                       "-o", self.path(name), f"-L{BUILD}/lib", "-ltelemetry", f"-Wl,-rpath,{BUILD}/lib"]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                self.remove()
                raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
        self.driver = os.environ.get("TELEMETRY_OTLP_DRIVER")
        if not self.driver:
            self.driver = os.path.join(ROOT, "build", "test-programs", "otlp-driver")
            subprocess.run(["make", "--quiet", "-C", ROOT, "build/test-programs/otlp-driver"], check=True, stdout=sys.stderr)

    def path(self, name):
        return os.path.join(self.directory, name)

    def command(self, name):
        return [sys.executable, "-S", "-B", f"{HERE}/decide.py"] if name == "python" else [self.path(name)]

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)


def of(case, programs):
    """The bindings that can express the case, as functions of a world and the case."""
    options = [lambda world, case, name=name: library(world, case, programs, name) for name in ["c", "c++", "python"]]
    by_manifest = [lambda world, case, name=name: library(world, case, programs, name, manifest=True) for name in ["c", "python"]]
    if "library-only" in case.options:
        return options
    if "local-key" in case.options:
        options = []
    # Nobody can give the agent an option for one call.
    received = [] if "no-telemetry" in case.options else [lambda world, case: otlp(world, case, programs)]
    return options + by_manifest + [explain, status, span] + received


def run(world, command):
    variables = {**world.variables, b"TELEMETRY_LIBRARY": f"{BUILD}/lib/libtelemetry.so.0".encode()}  # which decide.py reads
    done = subprocess.run(command, cwd=world.path("work"), env=variables, stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
    suite.check(done.returncode == 0, f"{command}: exit code {done.returncode} {done.stderr.decode(errors='replace')[:500]}")
    return done.stdout.decode()


def library(world, case, programs, name, manifest=False):
    command = [*programs.command(name), case.options.get("tool", "mytool")]
    if manifest:
        command += ["--manifest", world.path("manifest.yaml")]
        if "no-telemetry" in case.options:
            command.append("--no-telemetry")
    else:
        command += flags(case)
    enabled, raw, text = run(world, command).split("\n", 2)
    answer = Answer(f"{name} with a manifest" if manifest else name, json.loads(raw), text, raw)
    own = answer.said["own"]
    counts = answer.enabled or own["enabled"] and (own["source"] != "OTEL variables" or asks_by_variables(case, "METRICS"))
    spans = answer.enabled or own["enabled"] and asks_for_spans(case)
    suite.check_equal(f"enabled {int(answer.enabled)} counted {int(counts)} spanned {int(spans)} carried {int(not spans)}", enabled,
                      f"{answer.binding}: telemetry_enabled(), telemetry_count() and a span against telemetry_explain()")
    return answer


def asks_by_variables(case, signal):
    exporter = case.variables.get(f"OTEL_{signal}_EXPORTER".encode())
    if exporter:
        return b"otlp" in [word.strip() for word in exporter.split(b",")]
    return any(case.variables.get(name) for name in (f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT".encode(), b"OTEL_EXPORTER_OTLP_ENDPOINT"))


def asks_for_spans(case):
    """Somebody other than the author has a receiver that takes spans: metrics are kept here without one, and spans are not."""
    return asks_by_variables(case, "TRACES") or any(b"backends:" in content for name, (_, content) in case.files.items() if name in ("own", "machine-own"))


def flags(case):
    options, found = case.options, []
    found += ["--opt-out"] if options.get("stance") == "opt-out" else []
    found += ["--gate-closed"] if options.get("gate") == "closed" else []
    found += [f"--{name}" for name in ["force", "no-telemetry", "local-only", "operator-metrics"] if name in options]
    config = config_file(case)
    found += (["--config", *config] if config[1] else ["--bare-config", config[0]]) if config else []
    found += ["--project", *project_file(case)] if project_file(case) else []
    found += ["--notice", options["notice-version"]] if "notice-version" in options else []
    return found


def helper(world, case, *arguments):
    command = [f"{BUILD}/bin/telemetry", "--tool", case.options.get("tool", "mytool"), "--manifest", world.path("manifest.yaml")]
    return run(world, [*command, *(["--no-telemetry"] if "no-telemetry" in case.options else []), *arguments])


def explain(world, case):
    raw = helper(world, case, "explain", "--json")
    return Answer("telemetry explain", json.loads(raw), helper(world, case, "explain"), raw.rstrip("\n"))


def status(world, case):
    return Answer("telemetry status", json.loads(helper(world, case, "status", "--json")))


PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def span(world, case):
    """`telemetry span` runs a program: below a span of its own, or with the parent's context as it is."""
    said = json.loads(helper(world, case, "explain", "--json"))
    world.variables[b"TRACEPARENT"] = PARENT.encode()
    context = helper(world, case, "span", "--name", "try", "--", "/bin/sh", "-c", 'printf %s "$TRACEPARENT"')
    spans = said["enabled"] or said["own"]["enabled"] and asks_for_spans(case)
    suite.check_equal((PARENT[:35], bool(spans)), (context[:35], context != PARENT), f"telemetry span: {context}")
    return Answer("telemetry span", said)


def install_manifest(world, tool):
    """Where the agent finds it: it takes no path from its environment. Under sudo, root's own home counts."""
    for share in (world.path("data"), world.path("home", ".local", "share")):
        tools = os.path.join(share, "telemetry", "tools")
        if len(tool) <= 64 and "/" not in tool and tool:
            os.makedirs(tools, exist_ok=True)
            shutil.copy(world.path("manifest.yaml"), os.path.join(tools, tool + ".yaml"))


def otlp(world, case, programs):
    """What the agent takes by OTLP: an event, a span and a metric, with the decision of the user that it runs for."""
    said = json.loads(helper(world, case, "explain", "--json"))
    tool = case.options.get("tool", "mytool")
    install_manifest(world, tool)
    # What is from before the yes is not taken, and a variable of the receiver is a yes from its start on.
    now = time.time_ns() + 1_000_000_000
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": tool}}]}
    record = {"logs": {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [{"eventName": "try"}]}]}]},
              "traces": {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [
                  {"name": "try", "traceId": "01" * 16, "spanId": "02" * 8, "startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 1)}]}]}]},
              "metrics": {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [
                  {"name": "runs", "sum": {"aggregationTemporality": 1, "isMonotonic": True, "dataPoints": [{"asInt": "1"}]}}]}]}]}}
    given = b"".join(f"{signal}\tapplication/json\t\t{len(body)}\n".encode() + body for signal, body in
                     ((signal, json.dumps(message).encode()) for signal, message in record.items()))
    done = subprocess.run([programs.driver], cwd=world.path("work"), env=world.variables, input=given, capture_output=True, timeout=20)
    suite.check(done.returncode == 0, f"otlp: exit code {done.returncode} {done.stderr.decode(errors='replace')[:500]}")
    taken, rest = [], done.stdout
    while rest:
        head, _, rest = rest.partition(b"\n")
        status, _, _, length = head.decode().split("\t")
        suite.check_equal("200", status, f"otlp: {rest[:200]}")
        taken.append(rest[:int(length)] == b"{}")
        rest = rest[int(length):]
    own = said["own"]["enabled"]
    counts = said["enabled"] or own and (said["own"]["source"] != "OTEL variables" or asks_by_variables(case, "METRICS"))
    spans = said["enabled"] or own and asks_for_spans(case)
    suite.check_equal([said["enabled"], bool(spans), bool(counts)], taken, f"otlp: event, span and metric taken, against telemetry explain ({done.stdout})")
    return Answer("otlp", said)


def check_shape(answer, case):
    """A14: every source is there once, in order, with what it said; exactly the winner counted and is marked so."""
    suite.check(MEMBERS <= set(answer.said), f"{answer.binding}: members {sorted(answer.said)}")
    check_sources(answer, answer.said, SOURCES)
    check_sources(answer, answer.said["own"], OWN_SOURCES)
    check_warnings(answer, case)


def check_sources(answer, said, sources):
    suite.check_equal(sources, [each["source"] for each in said["sources"]], f"{answer.binding}: sources")
    for each in said["sources"]:
        suite.check(set(each) >= {"source", "value", "says", "counted", "note"}, f"{answer.binding}: members of {each}")
        suite.check(each["says"] in ("on", "off", "nothing"), f"{answer.binding}: {each}")
    winner = next(each for each in said["sources"] if each["source"] == said["source"])
    suite.check(winner["counted"] and winner["says"] == ("on" if said["enabled"] else "off"), f"{answer.binding}: the winner is {winner}")
    above = said["sources"][:sources.index(said["source"])]
    wrong = [each for each in above if each["counted"] and each["says"] != "nothing"]
    suite.check(not wrong, f"{answer.binding}: counted above the winner: {wrong}")
    for source in sources:
        suite.check(source in answer.text, f"{answer.binding}: '{source}' is not in the text")


def check_warnings(answer, case):
    """A6, A15: one warning that names what is likely a mistake."""
    if case.warning is None:
        return
    warnings = (answer.said["own"] if case.is_own else answer.said)["warnings"]
    suite.check_equal(1 if case.warning else 0, len(warnings), f"{answer.binding}: number of warnings in {warnings}")
    for part in case.warning:
        suite.check(part in warnings[0], f"{answer.binding}: '{part}' is not in {warnings}")
