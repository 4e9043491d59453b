"""What a person is told who has done something wrong with metrics, or finds something odd."""
import json
import os
import pty
import socket
import subprocess
import time

import metrics_reader
import programs
from suite import check, check_equal, test
from world import BUILD, CLOCK, TOOL


def state(world, *names):
    return world.path("home", ".local", "state", "telemetry", TOOL, *names)


def read(world):
    return metrics_reader.read(state(world))


def manifest(world, text):
    os.makedirs(os.path.dirname(world.manifest_file), exist_ok=True)
    with open(world.manifest_file, "w", encoding="utf-8") as file:
        file.write(text)


def told(world, text, *arguments):
    """The helper, with that on its standard input."""
    return subprocess.run([f"{BUILD}/bin/telemetry", *arguments, "--tool", TOOL], input=text, text=True, capture_output=True,
                          env=world.environment, cwd=world.root, timeout=120)


# declares BOUND...: a histogram `d` with these bounds, and one value in it.
DECLARES = programs.PRELUDE + r"""
int main(int argc, char **argv)
{
    double bounds[8];
    for (int i = 1; i < argc && i < 8; i++) bounds[i - 1] = atof(argv[i]);
    telemetry_metric_declaration d = {.size = sizeof d, .name = "d", .type = TELEMETRY_HISTOGRAM, .bounds = bounds, .bound_count = (size_t)argc - 1};
    telemetry_collector *telemetry = opened(&d, 1);
    telemetry_observe(telemetry, "d", 1, NULL, 0);
    telemetry_close(telemetry, 0);
    return 0;
}
"""


@test("mistakes/clock", "H1")
def clock(world):
    """One run whose clock is wrong hides nothing that is declared later."""
    world.telemetry("enable")
    program = world.program("declares", DECLARES)
    shifted = {**world.environment, "LD_PRELOAD": world.preload("shifted", CLOCK), "SHIFT": "3600"}
    world.run([program, "1", "2"], environment=shifted)
    world.run([program, "1", "2", "3"])
    shown = json.loads(world.telemetry("metrics", "--format", "json").stdout)
    check_equal((1, 4), (shown["refused"]["superseded"], len(shown["metrics"][0]["series"][0]["buckets"])), "what was declared last")


@test("mistakes/taken-away", "H1 H2")
def taken_away(world):
    """A file that was renamed, or that has another name too, gets nothing any more: what the path names counts."""
    ways = {"renamed": lambda path: os.rename(path, path + ".old"),
            "linked": lambda path: (os.link(path, path + ".old"), os.remove(path))}
    for way, change in ways.items():
        world.telemetry("reset", expected=None)
        world.telemetry("enable")
        process = subprocess.Popen([world.program("recorder", programs.RECORDER), "3000", "1000"], stdout=subprocess.PIPE, env=world.environment)
        path = state(world, "metrics")
        end = time.monotonic() + 20
        while not os.path.exists(path) and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.1)
        change(path)
        world.telemetry("count", "mine", "--by", "1000")
        before = read(world).total("requests")
        time.sleep(0.5)
        after = read(world).total("requests")
        process.kill()
        process.communicate()
        check(after > before, f"{way}: {before}, then {after}")
        check_equal(1000, read(world).total("mine"), way)


@test("mistakes/many-names", "H1")
def many_names(world):
    """A program has a thousand metrics at most, and is told that one more is too many."""
    world.telemetry("enable")
    program = world.program("names", programs.PRELUDE + r"""
int main(void)
{
    telemetry_collector *telemetry = opened(NULL, 0);
    int status = 0;
    char name[20];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "n%d", i);
        if (telemetry_count(telemetry, name, 1, NULL, 0) != TELEMETRY_OK) return 4;
    }
    status = telemetry_count(telemetry, "one.more", 1, NULL, 0);
    printf("%d %d %d\n", status, telemetry_gauge(telemetry, "n1", 1, NULL, 0), telemetry_count(telemetry, "n1", 1, NULL, 0));
    telemetry_close(telemetry, 0);
    return 0;
}
""")
    # TELEMETRY_ERROR_DROPPED, TELEMETRY_ERROR_ARGUMENT
    check_equal("-20 -10 0\n", world.run([program]).stdout, "statuses")
    check_equal((0, 1), (read(world).refused_metric, read(world).dropped), "counts")
    done = told(world, "".join(f"m{number}\n" for number in range(1002)), "count", "--batch", "-")
    check_equal(0, done.returncode, done.stderr)
    check("no room for the metric 'm1001'" in done.stderr and "1000" in done.stderr, done.stderr)


@test("mistakes/values", "H1")
def values(world):
    """A value that is refused is told with its reason, one by one and in lines."""
    world.telemetry("enable")
    world.telemetry("observe", "h", "1e308")
    world.telemetry("gauge", "g", "1")
    for arguments, words in ((["observe", "h", "1e308"], "the sum of its values would be too large"), (["observe", "g", "1"], "a gauge, for 'telemetry gauge'"),
                             (["count", "h"], "a histogram, for 'telemetry observe'"), (["count", "a b"], "no name of a metric")):
        done = world.telemetry(*arguments, expected=2)
        check(words in done.stderr, f"{arguments}: {done.stderr}")
    done = told(world, "h 1e308\n", "observe", "--batch", "-")
    check(done.returncode == 2 and "line 1: 'h' takes no such value: the sum" in done.stderr, done.stderr)
    done = world.run([f"{BUILD}/bin/telemetry", "time", "bad name", "--tool", TOOL, "--", "true"])
    check("not recorded: 'bad name' is no name of a metric" in done.stderr, done.stderr)
    done = told(world, "x" * 3_000_000 + " y\n", "gauge", "--batch", "-")
    check(done.returncode == 2 and len(done.stderr) < 1000, f"{len(done.stderr)} characters")


@test("mistakes/attributes", "H1 C10")
def attributes(world):
    """An attribute that the manifest does not allow is left out, and said."""
    manifest(world, "tool: {name: itest}\nmetrics:\n  rows: {type: counter, description: R., attributes: {format: {type: string, description: F., enum: [csv]}}}\n")
    world.telemetry("enable")
    check_equal("", world.telemetry("count", "rows", "--attribute", "format=csv").stderr, "what is allowed")
    for attribute, key in (("format=xml", "format"), ("other=1", "other")):
        done = world.telemetry("count", "rows", "--attribute", attribute)
        check(f"the attribute '{key}' of 'rows' was left out" in done.stderr, done.stderr)
    done = told(world, "rows format=xml\n" * 5, "count", "--batch", "-")
    check_equal(1, done.stderr.count("was left out"), done.stderr)
    check_equal("", world.telemetry("count", "rows", "--attribute", "format=xml", "--quiet").stderr, "quiet")


@test("mistakes/contested", "H1")
def contested(world):
    """Two programs that declare a name differently in turn are told so; an update of the tool is not."""
    world.telemetry("enable")
    program = world.program("declares", DECLARES)
    world.run([program, "1", "2"])
    manifest(world, "tool: {name: itest}\nmetrics:\n  d: {type: histogram, description: D., bounds: [1, 5]}\n")
    check_equal("", world.telemetry("observe", "d", "1").stderr, "an update")
    check_equal([], json.loads(world.telemetry("status", "--json").stdout)["stored_metrics"]["contested"], "an update")
    world.run([program, "1", "2"])
    done = world.telemetry("observe", "d", "1")
    check("'d' is declared differently by another program" in done.stderr, done.stderr)
    check_equal(["d"], json.loads(world.telemetry("status", "--json").stdout)["stored_metrics"]["contested"], "in status")
    check("declared differently" in world.telemetry("doctor", "--offline", expected=None).stdout, "in doctor")
    check_equal("", world.telemetry("observe", "d", "1").stderr, "the same program again")


@test("mistakes/unusable", "H1 B4")
def unusable(world):
    """Something else in the place of the file: nothing is kept, and everybody says why."""
    def later(path):
        with open(path, "r+b") as file:
            file.seek(7)
            file.write(b"\x09")
    ways = {"newer version": later, "not a regular file": lambda path: (os.remove(path), os.mkfifo(path)),
            "regular file": lambda path: (os.remove(path), os.mkdir(path)), "a symbolic link": lambda path: (os.remove(path), os.symlink("/dev/null", path))}
    for words, change in ways.items():
        world.telemetry("reset", expected=None)
        world.telemetry("enable")
        world.telemetry("count", "a")
        path = state(world, "metrics")
        change(path)
        done = world.telemetry("count", "a")
        check("not kept" in done.stderr and words in done.stderr, f"{words}: {done.stderr}")
        shown = json.loads(world.telemetry("status", "--json").stdout)["stored_metrics"]["problem"]
        check(words in shown, f"{words}: {shown}")
        done = world.telemetry("doctor", "--offline", expected=8)
        check("metrics file" in done.stdout and words in done.stdout, done.stdout)
        if os.path.isdir(path):
            os.rmdir(path)
        else:
            os.remove(path)
    world.telemetry("reset", expected=None)
    os.makedirs(world.path("home", ".config", "telemetry"), exist_ok=True)
    with open(world.path("home", ".config", "telemetry", "own.yaml"), "w", encoding="utf-8") as file:
        file.write("own: on\n")
    os.makedirs(state(world), mode=0o700, exist_ok=True)
    with open(state(world, "own"), "w", encoding="utf-8") as file:
        file.write("x")
    done = world.telemetry("count", "a")
    check("not kept" in done.stderr, done.stderr)
    check("own metrics file" in world.telemetry("doctor", "--offline", expected=8).stdout, "doctor")


@test("mistakes/prometheus-names", "H3")
def prometheus_names(world):
    """Metrics whose names are taken in Prometheus' text are counted, and the manifest's author is warned."""
    world.telemetry("enable")
    world.telemetry("observe", "h", "1")
    world.telemetry("count", "h.count")
    world.telemetry("gauge", "h_sum", "1")
    shown = json.loads(world.telemetry("metrics", "--format", "json").stdout)
    check_equal((2, 3), (shown["refused"]["not_in_prometheus"], len(shown["metrics"])), "counted")
    check("2 metrics left out" in world.telemetry("metrics").stderr, "said")
    manifest(world, "tool: {name: itest}\nevents: {a: {type: feature.use, description: A.}}\nmetrics:\n  rows: {type: counter, description: R.}\n"
             "  rows.total: {type: counter, description: T.}\n  number: {type: gauge, description: N., unit: 5}\n")
    done = world.run([f"{BUILD}/bin/telemetry", "manifest", "check", world.manifest_file])
    for words in ("metrics.rows.total has the name of metrics.rows", "metrics.number.unit is the number 5", "is 'feature.used' meant?"):
        check(words in done.stderr, f"{words}: {done.stderr}")
    check("3 metrics" in done.stdout, done.stdout)


@test("mistakes/push", "H3")
def push(world):
    """A group's label that no series can keep, and a tool that nobody knows."""
    done = world.telemetry("metrics", "--push", "http://localhost:1", "--grouping", "le=1", expected=2)
    check("grouping label 'le'" in done.stderr, done.stderr)
    done = world.run([f"{BUILD}/bin/telemetry", "metrics", "--tool", "notatool"])
    check("nothing is known here of a tool 'notatool'" in done.stderr, done.stderr)
    done = world.telemetry("metrics", "--textfile", "", expected=2)
    check("--textfile" in done.stderr, done.stderr)


@test("mistakes/terminal", "B1")
def terminal(world):
    """A terminal does not get what it would obey; another program gets it as it is."""
    world.telemetry("enable")
    world.telemetry("count", "a", "--attribute", "k=x\x1b[31my")
    check("\x1b" in world.telemetry("metrics").stdout, "in a pipe")
    main, side = pty.openpty()
    subprocess.run([f"{BUILD}/bin/telemetry", "metrics", "--tool", TOOL], stdout=side, stderr=subprocess.DEVNULL, env=world.environment, check=True, timeout=60)
    os.close(side)
    shown = os.read(main, 65536)
    os.close(main)
    check(b"a_total" in shown and b"\x1b" not in shown, shown)


@test("mistakes/own-variables", "H15 B4")
def own_variables(world):
    """A mistake in one of OpenTelemetry's variables is said, and whether a receiver answers."""
    world.environment.pop("ITEST_TELEMETRY_ENABLED", None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{free.getsockname()[1]}"
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": dead}
    table = (
        ({**endpoint, "OTEL_METRIC_EXPORT_INTERVAL": "abc"}, "OTEL_METRIC_EXPORT_INTERVAL: the value is not known"),
        ({**endpoint, "OTEL_METRIC_EXPORT_INTERVAL": "5"}, "OTEL_METRIC_EXPORT_INTERVAL: the value is not known"),
        ({**endpoint, "OTEL_EXPORTER_OTLP_TIMEOUT": "abc"}, "OTEL_EXPORTER_OTLP_TIMEOUT: the value is not known"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"}, "the endpoint's scheme is neither https nor http"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://example.org:4318"}, "http to a host that is not this machine"),
        ({"OTEL_METRICS_EXPORTER": "otpl"}, "which asks for nothing; expected otlp"),
        ({**endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "expected http/protobuf or http/json; nothing is kept for you"),
    )
    for variables, words in table:
        done = world.run([f"{BUILD}/bin/telemetry", "doctor", "--offline", "--tool", TOOL], expected=None,
                         environment={**world.environment, **variables})
        check(words in done.stdout, f"{variables}: {done.stdout}")
        check("telemetry is off;" not in done.stdout and "or 0, false, no or off" not in done.stdout, done.stdout)
    done = world.run([f"{BUILD}/bin/telemetry", "doctor", "--tool", TOOL], expected=8, environment={**world.environment, **endpoint})
    check("problem  endpoint          otel: " in done.stdout, done.stdout)
    done = world.run(["sh", "-c", f"{BUILD}/bin/telemetry status --json --tool {TOOL}"], environment={**world.environment, "OTEL_METRICS_EXPORTER": "otlp"})
    check(json.loads(done.stdout)["own"]["enabled"], "one copy")


@test("mistakes/secrets", "F H14")
def secrets(world):
    """A key in the wrong place of own.yaml is in no message."""
    world.telemetry("enable")
    os.makedirs(world.path("home", ".config", "telemetry"), exist_ok=True)
    for line in ("headers: 'Authorization: Bearer SEKRIT'", "headers: {Bearer SEKRIT: x}", "api_key_env: Ab12SEKRIT34", "api_key_env: 'SEKRIT value'",
                 "compression: SEKRIT", "api_key_file: SEKRIT", "protocol: SEKRIT", "name: SEKRIT!", "timeout_ms: SEKRIT", "SEKRIT.x: 1",
                 "signals: [events, SEKRIT]"):
        with open(world.path("home", ".config", "telemetry", "own.yaml"), "w", encoding="utf-8") as file:
            file.write(f"backends:\n  - kind: otlp\n    endpoint: https://localhost:1\n    {line}\n")
        for command in (["doctor"], ["explain"], ["status"], ["count", "a"]):
            done = world.telemetry(*command, expected=None)
            check("SEKRIT" not in done.stdout + done.stderr, f"{line}: {command}: {done.stdout}{done.stderr}")
