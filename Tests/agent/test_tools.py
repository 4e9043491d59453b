"""Decision 4: tools that leave delivery to the agent."""
import json
import os
import shutil
import statistics
import subprocess
import time
from types import SimpleNamespace

from agents import NONE, TELEMETRY, Agent, adopting, ask, environment_of, manifest, names, pending, record
from origin import Origin
from stage import wait_until
from suite import check, check_equal, test
from test_lines import answers
from world import TOOL

AGENT = {"delivery": {"mode": "agent"}}


def track(world, name="x", environment=None, **options):
    return world.run([TELEMETRY, "track", name, "--tool", TOOL], environment={**environment_of(world), **(environment or {})}, **options)


def commands(world):
    """The helper's command lines in this world, but for the agent."""
    found = []
    for process in world.processes():
        try:
            with open(f"/proc/{process}/cmdline") as file:
                found.append(file.read().split("\0")[1])
        except OSError:
            pass
    return [word for word in found if word != "agent"]


@test("tools/told", "J1")
def told(world):
    """With an agent, a run in mode agent starts no process, and its event is delivered; the manifest may be anywhere."""
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url, **AGENT)
    agent = Agent(world)
    for number in range(5):
        track(world, f"e{number}")
        check_equal([], commands(world), "processes beside the agent")
        wait_until(lambda: f"e{number}" in names(origin), f"event {number}")
    check_equal([f"e{number}" for number in range(5)], names(origin), "events")
    place = world.path("some where.yaml")
    os.rename(world.manifest_file, place)
    world.run([TELEMETRY, "track", "elsewhere", "--tool", TOOL, "--manifest", place], environment=environment_of(world))
    wait_until(lambda: "elsewhere" in names(origin), "the event of a tool whose manifest is elsewhere")
    # A C program too.
    shutil.copy(place, world.manifest_file)
    program = world.program("agentmode", """
int main(void)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    telemetry_options_load_manifest(options, NULL);
    telemetry_collector *collector = telemetry_open(options);
    put(collector, "from C", NULL, 0);
    telemetry_close(collector, 1000);
    return 0;
}
""")
    world.run([program], environment=environment_of(world))
    wait_until(lambda: "from C" in names(origin), "the event of a C program")
    check_equal(0, agent.status()["requests_refused"], "requests that were refused")
    agent.end()


@test("tools/info", "J1")
def info(world):
    """In mode agent a program says that its events are left to the agent, and in a run that an agent cannot deliver for, who does it then."""
    manifest(world, TOOL, "http://127.0.0.1:1", **AGENT)
    program = world.program("agentinfo", """
#include <stdio.h>

int main(void)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    telemetry_options_load_manifest(options, NULL);
    telemetry_collector *collector = telemetry_open(options);
    char info[1024];
    telemetry_backend_info(collector, info, sizeof info);
    puts(info);
    telemetry_close(collector, 0);
    return 0;
}
""")

    def said(**variables):
        return world.run([program], environment={**environment_of(world), **variables}).stdout

    check(said().endswith("; left to the user's agent\n"), said())
    elsewhere = world.path("file")
    with open(elsewhere, "w"):
        pass
    os.mkdir(world.path("closed"), 0o700)
    os.symlink(elsewhere, world.path("closed", "telemetry"))
    for variables in ({"XDG_RUNTIME_DIR": world.path("closed")}, {f"{TOOL.upper()}_TELEMETRY_ENABLED": "1"}):
        check("; delivered by /" in said(**variables), f"{variables}: {said(**variables)}")


@test("tools/started", "J1")
def started(world):
    """Without an agent, a run in mode agent starts one, of which there is one; it has no variable of one run, and ends by itself."""
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url, **AGENT)
    many = [subprocess.Popen([TELEMETRY, "track", f"e{number}", "--tool", TOOL], env={**environment_of(world), "OTEL_SERVICE_NAME": "x", "SECRET": "y"})
            for number in range(10)]
    check_equal([0] * 10, [each.wait() for each in many], "exit codes")
    wait_until(lambda: len(set(names(origin))) == 10, "10 events")
    status = json.loads(ask(world, "status", "--json").stdout)
    check_equal(60, status["idle_exit_seconds"], "idle_exit_seconds")
    with open(f"/proc/{status['process']}/environ") as file:
        variables = {each.split("=")[0] for each in file.read().split("\0") if each}
    check(variables <= {"HOME", "PATH", "LANG", "XDG_RUNTIME_DIR", "SSL_CERT_FILE"} and "HOME" in variables, f"its environment: {variables}")
    check_equal("/dev/null", os.readlink(f"/proc/{status['process']}/fd/1"), "its standard output")
    check_equal("/", os.readlink(f"/proc/{status['process']}/cwd"), "its directory")
    check(os.getsid(status["process"]) != os.getsid(0), "its session")
    check_equal(10, len(names(origin)), "events, each once")
    ask(world, "stop")
    track(world, "again")
    wait_until(lambda: "again" in names(origin), "the event after the agent was stopped")
    ask(world, "stop")


@test("tools/manifests", "J1")
def manifests(world):
    """Each run's events go where its own manifest says, in whatever order the runs are; what the agent records goes where the installed one says."""
    installed, other = world.closes(Origin()), world.closes(Origin())
    manifest(world, TOOL, installed.url, **AGENT)
    place = world.path("other.yaml")
    with open(world.manifest_file) as file, open(place, "w") as made:
        made.write(file.read().replace(installed.url, other.url))
    agent = Agent(world)
    wanted = ([], [])
    for number in range(8):
        # A delivery that is under way takes what comes meanwhile.
        wait_until(lambda: agent.tool(TOOL) is None or agent.tool(TOOL)["state"] == "idle", "nothing is being delivered")
        where = number % 4 == 1
        world.run([TELEMETRY, "track", f"e{number}", "--tool", TOOL, *(("--manifest", place) if where else ())], environment=environment_of(world))
        wanted[where].append(f"e{number}")
        wait_until(lambda: (names(installed), names(other)) == wanted, f"event {number}: {names(installed)}, {names(other)}")
        if number % 4 == 1:
            wanted[0].append(f"line{number}")
            wait_until(lambda: agent.tool(TOOL)["state"] == "idle", "nothing is being delivered")
            answers(agent, {"tool": TOOL, "name": f"line{number}"})
            wait_until(lambda: (names(installed), names(other)) == wanted, f"line {number}: {names(installed)}, {names(other)}")
    agent.end()


@test("tools/refusing", "J1 J8 A4 A5")
def refusing(world):
    """An agent that a tool or `view` has started refuses what the variables of that run refuse, for all tools; it does not agree to what they agree to."""
    origin = world.closes(Origin())
    manifest(world, TOOL, "http://127.0.0.1:9/", **AGENT)
    record(world, name="waiting")
    manifest(world, TOOL, origin.url, **AGENT)
    check_equal(1, pending(world), "waiting")
    name = TOOL.upper()
    for variables, refuses in (({"DO_NOT_TRACK": "1"}, True), ({"TELEMETRY_ENABLED": "false"}, True), ({f"{name}_NO_TELEMETRY": "1"}, True), ({f"{name}_TELEMETRY_ENABLED": "0"}, True),
                               ({"OTEL_SDK_DISABLED": "true"}, True), ({f"{name}_TELEMETRY_LOCAL": "1"}, False)):
        world.run([TELEMETRY, "view", "--no-browser"], environment={**environment_of(world), **variables}, preexec_fn=adopting)
        status = json.loads(ask(world, "status", "--json").stdout)
        with open(f"/proc/{status['process']}/environ") as file:
            has = dict(each.split("=", 1) for each in file.read().split("\0") if "=" in each)
        check_equal(variables, {each: has.get(each) for each in variables}, "what the agent knows of it")
        if refuses:
            started = SimpleNamespace(socket=status["addresses"][0].removeprefix("unix:"))
            check_equal("disabled", answers(started, {"tool": TOOL, "name": "x"})[0]["status"], f"a line, with {variables}")
        time.sleep(0.3)
        check_equal(([], 1), (names(origin), pending(world)), f"delivered, and waiting, with {variables}")
        ask(world, "stop")
    for variables in ({"CI": "true", "GITHUB_ACTIONS": "true"}, {"OTHER_TELEMETRY_ENABLED": "1"}):
        world.run([TELEMETRY, "view", "--no-browser"], environment={**environment_of(world), **variables}, preexec_fn=adopting)
        wait_until(lambda: "waiting" in names(origin), f"delivered with {variables}, which do not refuse: there is an answer")
        ask(world, "stop")


@test("tools/detached", "J8")
def detached(world):
    """What is decided by a variable of one run, or has no place for a socket, is delivered as in mode detached."""
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url, consent="opt-in", **AGENT)
    answer = world.path("home", ".config", "telemetry", TOOL, "enabled")
    os.unlink(answer)
    agent = Agent(world)
    track(world, "nothing")
    track(world, "variable", {f"{TOOL.upper()}_TELEMETRY_ENABLED": "1"})
    wait_until(lambda: names(origin) == ["variable"], "the event of the run with the variable")
    agent.end()
    record(world)  # nobody has agreed
    check_equal(0, pending(world), "pending")
    manifest(world, TOOL, origin.url, **AGENT)
    closed = world.path("closed")
    os.mkdir(closed, 0o700)
    with open(os.path.join(closed, "telemetry"), "w"):
        pass
    track(world, "no place", {"XDG_RUNTIME_DIR": closed})
    wait_until(lambda: "no place" in names(origin), "the event without a place for a socket")
    ask(world, "status", expected=NONE)


@test("tools/ending", "J1")
def ending(world):
    """What a run tells an agent that is about to end is delivered nevertheless, by it or by the one that the run starts."""
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url, **AGENT)
    for number in range(12):
        agent = Agent(world, "--idle-exit", "1")
        track(world, f"first{number}")
        wait_until(lambda: f"first{number}" in names(origin), "the first event")
        # A pass and its look take some milliseconds; then a second begins.
        time.sleep(0.98 + 0.006 * number)
        track(world, f"last{number}")
        wait_until(lambda: f"last{number}" in names(origin), f"the event of round {number}, in the agent's last moment", 8)
        ask(world, "stop")
        agent.process.wait()
    check_equal(24, len(names(origin)), "events, each once")


def finding(world, environment=None):
    """What doctor says of the agent; nil: nothing."""
    done = world.run([TELEMETRY, "doctor", "--offline", "--json", "--tool", TOOL], environment={**environment_of(world), **(environment or {})},
                     expected=None)
    return next(((each["state"], each["detail"]) for each in json.loads(done.stdout) if each["check"] == "agent"), None)


@test("tools/doctor", "J1")
def doctor(world):
    """doctor says that an agent runs, that a run would start one, or that none can run; and nothing where nobody asks for one."""
    manifest(world, TOOL, "http://127.0.0.1:1")
    check_equal(None, finding(world), "without an agent")
    manifest(world, TOOL, "http://127.0.0.1:1", **AGENT)
    check_equal(("ok", "none is running; the tool starts one"), finding(world), "of a tool in mode agent")
    closed = world.path("closed")
    os.mkdir(closed, 0o700)
    with open(os.path.join(closed, "telemetry"), "w"):
        pass
    check_equal(("warning", f"none can run: {closed}/telemetry cannot be used"), finding(world, {"XDG_RUNTIME_DIR": closed}), "without a place")
    agent = Agent(world)
    manifest(world, TOOL, "http://127.0.0.1:1")
    check_equal(("ok", f"process {agent.id} delivers for every tool"), finding(world), "with an agent")
    agent.end()


@test("tools/cost", "J1")
def cost(world):
    """A run that leaves its event to a running agent takes at most 1.05 times as long as one that has none."""
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url, **AGENT)
    environment = environment_of(world)
    # The same tool of a user who has no agent: its runs start a delivery in the background.
    other = world.path("other")
    shutil.copytree(world.path("home"), other)
    place = os.path.join(other, os.path.relpath(world.manifest_file, world.path("home")))
    with open(place) as file:
        text = json.load(file)
    with open(place, "w") as file:
        json.dump({**text, "delivery": {"mode": "detached"}}, file)
    agent = Agent(world)

    def once(more):
        begun = time.perf_counter()
        subprocess.run([TELEMETRY, "track", "x", "--tool", TOOL], env={**environment, **more}, check=True)
        took = time.perf_counter() - begun
        # What it has set off is over before the next one.
        time.sleep(0.03)
        return took
    took = {"with": [], "without": []}
    for _ in range(100):
        took["with"].append(once({}))
        took["without"].append(once({"HOME": other, "XDG_RUNTIME_DIR": ""}))
    agent.end()
    middle = {name: statistics.median(values) * 1e3 for name, values in took.items()}
    ratio = middle["with"] / middle["without"]
    check(ratio <= 1.05, f"{middle['with']:.2f} ms with an agent, {middle['without']:.2f} ms without")
    return f"{middle['with']:.2f} ms with an agent, {middle['without']:.2f} ms without: {ratio:.2f}"
