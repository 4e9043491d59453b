"""What a whole process costs."""
import shutil

from . import peers, place


def spawn(rounds, contestants, env=None):
    """{name: figures}; contestants: [(name, [program, argument...])]. `rounds`: as spawn.c has it."""
    arguments = []
    for name, command in contestants:
        arguments += ["--", name, *command]
    results = place.run_json([place.PROGRAMS / "spawn", rounds, *arguments[1:]], env=env or place.environment(installed=True), timeout=200)
    return {r["name"]: r for r in results}


def table(report, title, results, base, note=""):
    rows = [[name, r["runs"], r["us"] / 1000, f"{r['q1'] / 1000:.2f}–{r['q3'] / 1000:.2f}",
             f"{r['us'] / results[base]['us']:.2f}", r["rss_kb"], r["rss_kb"] - results[base]["rss_kb"]]
            for name, r in results.items()]
    for row in rows:
        row[2] = f"{row[2]:.2f}"
    report.section(title, ["program", "runs", "ms", "quartiles", f"× {base}", "peak RSS, KiB", "above it"], rows, note)


MODES = {"one event, delivered to the file": "file", "one event, left in the spool": "leave",
         "one event, detached": "detached", "telemetry off": "off"}


def report_program(report, library):
    """The detached mode is measured apart: its deliverers would run beside the other contestants."""
    empty = ("empty", [place.PROGRAMS / "process-empty"])
    program = place.PROGRAMS / "process-telemetry"
    contestant = lambda name: (name, [program, f"bench-{MODES[name]}"])
    *attached, detached = sorted(MODES, key=lambda name: MODES[name] == "detached")
    results = spawn(800, [empty, ("empty again", empty[1]), *(map(contestant, attached) if library else [])])
    note = "Started in turn with posix_spawn, measured until wait4 returns."
    table(report, "A C program that opens, records one event and closes", results, "empty", note)
    measured = {name: (results[name], results["empty"]) for name in attached if library}
    if library:
        apart = spawn(400, [empty, contestant(detached)])
        table(report, "The same with detached delivery", apart, "empty",
              "Deliverers run beside both programs; that they slow the machine down shows in both rows.")
        measured[detached] = (apart[detached], apart["empty"])
        report_dead(report, program)
    program_targets(report, measured)


DEAD = """tool: {name: bench-dead}
identity: {ephemeral: never}
backend: {kind: http, endpoint: "http://127.0.0.1:9/"}
delivery: {mode: detached}
"""


def report_dead(report, program):
    """The deliverer is started for the first run, fails, and is not started again while the pause after that lasts."""
    tools = place.HOME / ".local" / "share" / "telemetry" / "tools"
    tools.mkdir(parents=True, exist_ok=True)
    (tools / "bench-dead.yaml").write_text(DEAD)
    off, dead = "telemetry off", "C program, detached, dead endpoint"
    results = spawn(400, [(off, [program, "bench-off"]), (dead, [program, "bench-dead"])])
    table(report, "Detached delivery to a dead endpoint", results, off)
    report.target("process: detached, dead endpoint", (results[dead]["us"] - results[off]["us"]) / 1000, 1, "ms above telemetry off")


def program_targets(report, measured):
    for name in MODES:
        ours, empty = measured.get(name, (None, None))
        report.target(f"process: {name}", ours and ours["us"] / empty["us"], 1.3, "× empty",
                      f"empty {empty['us'] / 1000:.2f} ms" if empty else "")
    above = [ours["rss_kb"] - empty["rss_kb"] for ours, empty in measured.values()]
    report.target("peak RSS above an empty program", max(above, default=None), 1024, "KiB")


# Synchronous, which is its fastest: by default the client's thread is waited for at exit, 0.5 s and more.
PYTHON = """
import sys, segment.analytics as analytics
analytics.write_key, analytics.host, analytics.sync_mode = "key", sys.argv[1], True
analytics.track("user", "build", {"target": "x86_64-unknown-linux-gnu", "compiler": "swift-6.3.1-release",
                                  "files": 3, "seconds": 0.25, "cached": True})
"""
JSON = ('{"type":"feature.used","name":"build","metadata":{"target":"x86_64-unknown-linux-gnu",'
        '"compiler":"swift-6.3.1-release","files":3,"seconds":0.25,"cached":true}}')


def report_helper(report, library):
    with peers.receiver() as server, peers.syslog_socket() as log:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        contestants = [
            ("/bin/true", ["/bin/true"]),
            ("logger", ["logger", "-u", log, "-t", "bench", "type=feature.used name=build target=x86_64-unknown-linux-gnu files=3"]),
            ("curl, local receiver", ["curl", "--silent", "--output", "/dev/null", "--header", "Content-Type: application/json",
                                      "--data", JSON, url]),
        ]
        if library:
            contestants.append(("telemetry track", [
                place.BUILD / "bin" / "telemetry", "track", "build", "--tool", "bench",
                "--property", "target=x86_64-unknown-linux-gnu", "--property", "compiler=swift-6.3.1-release",
                "--property", "files:int=3", "--property", "seconds:double=0.25", "--property", "cached:bool=true"]))
        results = spawn(200, [(name, [resolve(c[0]), *c[1:]]) for name, c in contestants])
        python, version = peers.python_client()
        before = server.received
        results.update(spawn(10, [(f"{peers.PYTHON_CLIENT} {version}", [python, "-c", PYTHON, url])]))
        if server.received == before:
            raise RuntimeError("the Python client sent nothing")
    table(report, "From a shell script: one event", results, "/bin/true")
    ours, true = results.get("telemetry track"), results["/bin/true"]["us"]
    beside = ", ".join(f"{name} {r['us'] / true:.1f}" for name, r in results.items() if name not in ("/bin/true", "telemetry track"))
    report.target("telemetry track", ours and ours["us"] / true, 3, "× /bin/true", beside)


def resolve(program):
    return shutil.which(str(program)) or program
