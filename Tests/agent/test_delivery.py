"""J2, J8: an agent delivers for every tool, none delays another, and nothing leaves without consent."""
import json
import os
import signal
import subprocess
import threading
import time

from agents import TELEMETRY, Agent, BlackHole, adopting, children, manifest, names, pending, record, resident, switches
from listening import exchange
from origin import Origin
from stage import wait_until
from suite import check, check_equal, test
from world import TOOL

# Records events until it is killed, with the manifest's receivers, and starts nothing in the background.
STAYS = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    telemetry_options *options = telemetry_options_new(argv[1], "1");
    telemetry_options_load_manifest(options, NULL);
    telemetry_options_set_delivery(options, TELEMETRY_DETACHED);
    telemetry_collector *collector = telemetry_open(options);
    for (int i = 0; i < atoi(argv[2]); i++)
        put(collector, "stays", NULL, 0);
    puts("recorded");
    fflush(stdout);
    if (argc > 3)
        pause();
    telemetry_close(collector, 1000);
    return 0;
}
"""


@test("delivery/seen", "J2")
def seen(world):
    """What a run leaves is delivered at once, of a tool that is new and of one that is known; and once."""
    origin = world.closes(Origin())
    agent = Agent(world)
    for number in range(3):
        for tool in ("first", "second"):
            manifest(world, tool, origin.url + "/" + tool)
            begun = time.monotonic()
            record(world, tool, f"{tool}{number}")
            wait_until(lambda: f"{tool}{number}" in names(origin), f"event {number} of {tool}")
            check(time.monotonic() - begun < 2, f"it took {time.monotonic() - begun:.1f} s")
    check_equal(sorted(f"{tool}{number}" for number in range(3) for tool in ("first", "second")), sorted(names(origin)), "events")
    wait_until(lambda: [tool["state"] for tool in agent.status()["tools"]] == ["idle", "idle"], "nothing is delivered any more")
    check_equal([0, 0], [pending(world, tool) for tool in ("first", "second")], "pending")
    # The state directory is taken away and comes back.
    os.rename(world.path("home", ".local", "state", "telemetry"), world.path("away"))
    record(world, "first", "later")
    wait_until(lambda: "later" in names(origin), "the event after the directory was replaced")
    agent.end()


@test("delivery/waiting", "J2")
def waiting(world):
    """What waited before the agent began is delivered, and a program that was killed has left nothing behind."""
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url)
    record(world, name="before")
    agent = Agent(world)
    wait_until(lambda: names(origin) == ["before"], "the event that waited")
    program = subprocess.Popen([world.program("stays", STAYS), TOOL, "5", "wait"], env=world.environment, stdout=subprocess.PIPE, text=True)
    check_equal("recorded\n", program.stdout.readline(), "the program")
    time.sleep(0.5)
    check_equal(["before"], names(origin), "while the program lives")
    program.kill()
    program.wait()
    program.stdout.close()
    wait_until(lambda: len(names(origin)) == 6, "the events of the killed program")
    wait_until(lambda: pending(world) == 0, "nothing is pending")
    agent.end()


def record_all(world, tools):
    """An event for each of the tools, two at a time."""
    lanes = [threading.Thread(target=lambda each=tools[lane::2]: [record(world, tool) for tool in each]) for lane in range(2)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()


@test("delivery/many", "J2")
def many(world):
    """200 tools, one with a black hole, one with a wrong key, one withdrawn in the middle: the others are delivered within a second."""
    origin = world.closes(Origin(lambda asked: 401 if asked.path == "/key" else 200))
    hole = world.closes(BlackHole())
    tools = [f"tool{number:03}" for number in range(197)]
    for tool in [*tools, "hole", "key", "withdrawn"]:
        manifest(world, tool, hole.url if tool == "hole" else f"{origin.url}/{tool}")
    record_all(world, [*tools, "hole", "key", "withdrawn"])
    check_equal([], origin.requests, "requests before the agent")
    begun = time.monotonic()
    agent = Agent(world)
    withdrawal = subprocess.Popen([TELEMETRY, "disable", "--quiet", "--tool", "withdrawn"], env=world.environment)
    good = {f"/{tool}" for tool in tools}
    wait_until(lambda: good <= {asked.path for asked in list(origin.requests)}, "197 tools")
    took = time.monotonic() - begun
    check_equal(0, withdrawal.wait(), "exit code of disable")
    # Not because the black hole was given up before: that takes 10 s.
    check_equal("delivering", agent.tool("hole")["state"], "the tool with the black hole")
    check_equal(1, max(sum(asked.path == path for asked in origin.requests) for path in good), "requests of a tool")
    # Other work of this machine may make one measurement longer.
    for _ in range(12):
        if took < 1.0:
            break
        agent.end()
        origin.requests.clear()
        record_all(world, tools)
        begun = time.monotonic()
        agent = Agent(world)
        wait_until(lambda: good <= {asked.path for asked in list(origin.requests)}, "197 tools")
        took = time.monotonic() - begun
        wait_until(lambda: agent.tool("key")["passes"] > 0, "the tool with the wrong key", 30)
    check(took < 1.0, f"it took {took:.2f} s")
    record(world, "tool000", "again")
    wait_until(lambda: "again" in names(origin), "an event meanwhile", 5)
    status = agent.status()
    check_equal(0, status["lost_workers"], "workers that were lost")
    check_equal("waiting", agent.tool("key")["state"], "the tool with the wrong key")
    check_equal(1, pending(world, "key"), "it still has its event")
    check(agent.tool("withdrawn")["state"] in ("disabled", "idle"), f"the withdrawn one: {agent.tool('withdrawn')}")
    check_equal(0, pending(world, "withdrawn"), "it has no event any more")
    agent.end()
    check_equal(1, pending(world, "hole"), "the tool with the black hole still has its event")
    return f"{took:.2f} s"


@test("delivery/holes", "J2")
def holes(world):
    """Thirty black holes at once, asked for the first time: a tool whose receiver answers waits for none of them, and the processes are bounded."""
    origin = world.closes(Origin())
    hole = world.closes(BlackHole())
    for number in range(30):
        manifest(world, f"hole{number:02}", hole.url, backend={"kind": "http", "endpoint": hole.url, "timeout_ms": 30000})
        record(world, f"hole{number:02}")
    manifest(world, TOOL, origin.url)
    agent = Agent(world)
    wait_until(lambda: len(children(agent.id)) >= 30, "all of them are asked", 25)
    most = 0
    for number in range(10):
        record(world, name=f"e{number}")
        wait_until(lambda: f"e{number}" in names(origin), f"event {number}", 5)
        most = max(most, len(children(agent.id)))
    check(30 < most <= 48, f"{most} processes")
    agent.end()


@test("delivery/consent", "J8")
def consent(world):
    """No byte leaves, and no connection is made, for a tool whose user has not agreed; what waits after a refusal by hand is erased."""
    origin = world.closes(Origin())
    for tool in ("refused", "silent", "unknown"):
        manifest(world, tool, origin.url, consent="opt-in")
        record(world, tool)
        check_equal(1, pending(world, tool), f"pending of {tool}")
    answers = world.path("home", ".config", "telemetry")
    with open(os.path.join(answers, "refused", "enabled"), "w") as file:
        file.write("false\n")
    os.unlink(os.path.join(answers, "silent", "enabled"))
    # Its manifest is gone: nobody knows where its events would go.
    os.unlink(world.path("home", ".local", "share", "telemetry", "tools", "unknown.yaml"))
    os.unlink(os.path.join(answers, "unknown", "enabled"))
    agent = Agent(world)
    agreed = "agreed"
    manifest(world, agreed, origin.url)
    record(world, agreed, "agreed")
    wait_until(lambda: "agreed" in names(origin), "the event of the tool whose user has agreed")
    for tool in ("refused", "silent", "unknown"):
        body = tool.encode()
        exchange(agent.socket, b"POST /agent/wake HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        wait_until(lambda: agent.tool(tool)["passes"] >= 2 and agent.tool(tool)["state"] == "disabled", f"the agent has looked at {tool}")
    check_equal(["agreed"], names(origin), "events that have left")
    check_equal(1, len(origin.requests), "requests")
    check_equal((0, 1), (pending(world, "refused"), pending(world, "silent")), "what still waits, after a refusal and without an answer")
    # DO_NOT_TRACK in the agent's own environment is a refusal for every tool.
    agent.end()
    record(world, agreed, "later")
    agent = Agent(world, environment={"DO_NOT_TRACK": "1"})
    wait_until(lambda: agent.tool(agreed)["state"] == "disabled", "the agent has looked")
    check_equal(1, len(origin.requests), "requests")
    agent.end()


@test("delivery/killed", "J1")
def killed(world):
    """Killed again and again while it delivers: every event arrives; only a request that was under way may come twice."""
    slow = threading.Event()
    origin = world.closes(Origin(lambda asked: (slow.wait(0.05), 200)[1]))
    manifest(world, TOOL, origin.url)
    expected = []
    for number in range(12):
        agent = Agent(world)
        for part in range(3):
            record(world, name=f"e{number}.{part}")
            expected.append(f"e{number}.{part}")
        time.sleep(0.02 * (number % 5))
        agent.kill()
    agent = Agent(world)
    wait_until(lambda: set(expected) <= set(names(origin)), "every event")
    wait_until(lambda: pending(world) == 0, "nothing waits")
    agent.end()
    wait_until(lambda: not world.processes(), "no process is left")


@test("delivery/workers", "J1")
def workers(world):
    """A worker that is killed is replaced, and its tool is tried again; workers end when the agent is gone."""
    hole = world.closes(BlackHole())
    origin = world.closes(Origin())
    manifest(world, TOOL, hole.url)
    record(world)
    agent = Agent(world)
    wait_until(lambda: agent.tool(TOOL) and agent.tool(TOOL)["state"] == "delivering", "at the black hole")
    worker, = children(agent.id)
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: agent.status()["lost_workers"] == 1, "the loss is noted")
    manifest(world, TOOL, origin.url)
    wait_until(lambda: names(origin) == ["x"], "delivered nevertheless")
    wait_until(lambda: not children(agent.id), "idle workers end")
    manifest(world, TOOL, hole.url)
    record(world)
    wait_until(lambda: children(agent.id), "a worker")
    worker, = children(agent.id)
    agent.kill()
    wait_until(lambda: not os.path.exists(f"/proc/{worker}") or _is_dead(worker), "the worker ends with its agent")
    # SIGTERM: what is being sent has half a second, and is kept.
    agent = Agent(world)
    wait_until(lambda: agent.tool(TOOL) and agent.tool(TOOL)["state"] == "delivering", "at the black hole", 30)
    begun = time.monotonic()
    agent.end()
    check(time.monotonic() - begun < 3, f"its end took {time.monotonic() - begun:.1f} s")
    check_equal(1, pending(world), "pending")


def _is_dead(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@test("delivery/pause", "J2")
def pause(world):
    """A receiver that fails has its pause, however many runs there are meanwhile; then it is tried again, without anybody asking."""
    origin = world.closes(Origin(503))
    manifest(world, TOOL, origin.url)
    agent = Agent(world)
    record(world, name="e0")
    wait_until(lambda: len(origin.requests) == 1, "the first attempt")
    wait_until(lambda: agent.tool(TOOL)["state"] == "waiting", "its pause")
    origin.answer = 200
    for number in range(1, 6):
        record(world, name=f"e{number}")
    wait_until(lambda: pending(world) == 0, "the next attempts", 30)
    check_equal([f"e{number}" for number in range(6)], names(origin)[1:], "events")
    first, second = (asked.time for asked in origin.requests[:2])
    check(second - first >= 2.5, f"the second attempt comes {second - first:.1f} s after the first")
    agent.end()


@test("delivery/busy", "J2")
def busy(world):
    """While another process delivers, the agent does not turn round and round; then it goes on."""
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url)
    record(world)
    lock = world.path("home", ".local", "state", "telemetry", TOOL, "deliver.lock")
    holder = subprocess.Popen(["flock", lock, "sleep", "60"])
    try:
        wait_until(lambda: subprocess.run(["flock", "-n", lock, "true"]).returncode != 0, "the lock is held")
        agent = Agent(world)
        time.sleep(1.5)
        check(agent.tool(TOOL)["passes"] <= 3, f"{agent.tool(TOOL)['passes']} passes in 1.5 s")
        check_equal([], names(origin), "delivered while the lock is held")
    finally:
        subprocess.run(["pkill", "-P", str(holder.pid)], check=False)
        holder.kill()
        holder.wait()
    wait_until(lambda: names(origin) == ["x"], "delivered afterwards", 30)
    agent.end()


@test("delivery/manifest", "J2")
def wrong(world):
    """A manifest with a mistake holds up nobody else; one at another place is named by whoever wakes the agent."""
    origin = world.closes(Origin())
    manifest(world, "good", origin.url)
    manifest(world, "bad", origin.url)
    manifest(world, "other", origin.url)
    for tool in ("good", "bad", "other"):
        record(world, tool, tool)
    installed = world.path("home", ".local", "share", "telemetry", "tools")
    os.rename(os.path.join(installed, "other.yaml"), world.path("elsewhere.yaml"))
    with open(os.path.join(installed, "bad.yaml"), "w") as file:
        file.write("tool: {name: bad}\nbackend: {kind: nonsense}\n")
    # What the environment names is about one tool, not about all.
    agent = Agent(world, environment={"TELEMETRY_MANIFEST": os.path.join(installed, "bad.yaml")})
    wait_until(lambda: names(origin) == ["good"], "the tool with the right manifest")
    wait_until(lambda: agent.tool("bad")["state"] == "options", "the one with the mistake")
    check("its manifest is wrong" in agent.ask("status").stdout, "in the text")
    body = f"other\n{world.path('elsewhere.yaml')}\n".encode()
    answer = exchange(agent.socket, b"POST /agent/wake HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    check(answer.startswith(b"HTTP/1.1 204"), answer)
    wait_until(lambda: sorted(names(origin)) == ["good", "other"], "the one at another place")
    agent.end()


@test("delivery/spans", "J2")
def spans(world):
    """Spans of the tool, and metrics for a receiver of the user's own, are delivered too."""
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url, backend={"kind": "otlp", "endpoint": origin.url, "signals": "events,metrics,spans"})
    agent = Agent(world)
    world.run([TELEMETRY, "span", "--name", "work", "--tool", TOOL, "--", "true"], preexec_fn=adopting)
    wait_until(lambda: any(asked.path == "/v1/traces" for asked in origin.requests), "a request with spans")
    world.run([TELEMETRY, "count", "runs", "--tool", TOOL], preexec_fn=adopting)
    wait_until(lambda: any(asked.path == "/v1/metrics" for asked in origin.requests), "a request with metrics")
    wait_until(lambda: agent.tool(TOOL)["state"] in ("idle", "waiting"), "nothing is left")
    agent.end()


@test("delivery/idle", "J2")
def quiet(world):
    """With 50 tools and nothing to do: at most 6 MiB of memory, no process beside it, and not one wake-up in 5 seconds."""
    origin = world.closes(Origin())
    for number in range(50):
        manifest(world, f"tool{number:02}", origin.url)
        record(world, f"tool{number:02}")
    agent = Agent(world)
    wait_until(lambda: len(names(origin)) == 50, "50 events")
    wait_until(lambda: not children(agent.id), "idle workers end")
    check_equal(50, sum(tool["state"] == "idle" for tool in agent.status()["tools"]), "idle tools")
    time.sleep(1.2)
    before = switches(agent.id)
    time.sleep(5)
    check_equal(before, switches(agent.id), "times that it gave the processor away")
    memory = resident(agent.id)
    check(memory <= 6 * 1024, f"{memory} KiB resident")
    record(world, "tool07", "last")
    wait_until(lambda: "last" in names(origin), "it is awake when something comes")
    agent.end()
    return f"{memory} KiB"


@test("delivery/limits", "J2")
def limits(world):
    """Where the system lets no directory be watched, the agent says so and looks now and then."""
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url)
    shim = world.preload("nowatch", """
#include <errno.h>
#include <stdint.h>
int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
    (void)fd, (void)path, (void)mask;
    errno = ENOSPC;
    return -1;
}
""")
    agent = Agent(world, environment={"LD_PRELOAD": shim})
    check_equal(False, agent.status()["is_told_of_changes"], "is_told_of_changes")
    check("looks every 10 s" in agent.ask("status", ).stdout, "in the text")
    record(world)
    wait_until(lambda: names(origin) == ["x"], "delivered", 25)
    agent.end()
