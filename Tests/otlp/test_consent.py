"""J8: nothing is recorded without consent, whatever is sent."""
import os
import subprocess
import time

import messages
from receiving import JSON
from suite import check, check_equal, test
from world import BUILD, TOOL


def requests(tool=TOOL):
    return [messages.logs(tool, {"event_name": "secret-event"}), messages.spans(tool, {"name": "secret-span"}),
            messages.metrics(tool, messages.total("secret.metric", 1, time.time_ns(), messages.DELTA), messages.gauge("secret.gauge", 1))]


def tree(world):
    return sorted(os.path.join(where, name) for where, _, names in os.walk(world.path("home")) for name in names)


@test("consent/none", "J8")
def none(world):
    """Without an answer, after a no, for an unknown tool and with a switch: no file is made, and nothing is counted but in the answer"""
    world.manifest("http://127.0.0.1:9/")
    preference = world.path("home", ".config", "telemetry", TOOL, "enabled")
    os.remove(preference)
    before = tree(world)
    for environment, tool in (({}, TOOL), ({"DO_NOT_TRACK": "1"}, TOOL), ({}, "stranger"), ({"ITEST_NO_TELEMETRY": "1"}, TOOL)):
        receiver = world.otlp(environment=environment)
        for request in requests(tool):
            for form in ("protobuf", "json", "gzip"):
                count, why = receiver.post(request, form).rejected
                check(count > 0 and ("telemetry of the tool is off" in why or "nothing is known here" in why), f"{count} {why}")
        receiver.close()
        check_equal(before, tree(world), f"files, with {environment} and {tool}")


@test("consent/no-byte", "J8")
def no_byte(world):
    """Without consent nothing is written, made or connected to, as the kernel sees it"""
    os.remove(world.path("home", ".config", "telemetry", TOOL, "enabled"))
    log = world.path("strace")
    driver = world.driver
    world.driver = "/usr/bin/strace"
    try:
        receiver = world.otlp("-f", "-o", log, "-e", "trace=openat,mkdir,mkdirat,rename,renameat2,unlinkat,linkat,socket,connect,write,pwrite64,ftruncate,fallocate", driver)
        for request in requests():
            check(receiver.post(request).rejected[0] > 0, "was taken")
        receiver.close()
    finally:
        world.driver = driver
    with open(log) as file:
        calls = [line for line in file.read().splitlines() if "(" in line]
    wrong = [line for line in calls if any(word in line for word in ("O_CREAT", "O_WRONLY", "O_RDWR", "mkdir", "rename", "link", "socket", "connect", "pwrite", "truncate", "fallocate"))
             or "write(" in line and "write(1," not in line]
    check(calls and not wrong, "\n".join(wrong))


@test("consent/withdrawn", "J8")
def withdrawn(world):
    """A no counts within a second, and what waits is void; a later yes counts again"""
    receiver = world.otlp()
    for request in requests():
        check_equal((0, ""), receiver.post(request).rejected, "before")
    world.helper("disable")
    for request in requests():
        count, why = receiver.post(request).rejected
        check(count > 0 and "telemetry of the tool is off" in why, f"{count} {why}")
    check_equal("", world.helper("show", "--json"), "what waits")
    check_equal("", world.helper("show", "--json", "--signal", "spans"), "spans that wait")
    world.helper("enable")
    import time
    time.sleep(1.1)
    check_equal((0, ""), receiver.post(requests()[0]).rejected, "after a new yes")
    receiver.close()
    text = world.helper("show", "--json")
    check_equal(1, len(text.splitlines()), text)


@test("consent/own", "J8 H14")
def own(world):
    """Receivers of the user's own get spans and metrics without the author's consent, and the author gets nothing"""
    world.helper("disable")
    own_file = world.path("home", ".config", "telemetry", "own.yaml")
    with open(own_file, "w") as file:
        file.write("backends: [{kind: otlp, endpoint: 'http://127.0.0.1:9'}]\n")
    os.chmod(own_file, 0o600)
    receiver = world.otlp()
    events, spans, metrics = requests()
    check(receiver.post(events).rejected[0] == 1, "an event was taken")
    check_equal((0, ""), receiver.post(spans).rejected, "spans")
    check_equal((0, ""), receiver.post(metrics).rejected, "metrics")
    receiver.close()
    check("secret-span" in world.helper("show", "--json", "--signal", "spans", "--audience", "own"), "the span is not there")
    check("secret-span" not in world.helper("show", "--json", "--signal", "spans"), "the author has the span")
    check("secret" not in world.helper("metrics", "--audience", "author"), "the author has the metric")
    check("secret" in world.helper("metrics", "--audience", "own"), "the metric is not there")


@test("consent/manifest", "J8")
def manifest(world):
    """A manifest with an error, and one that is replaced while the agent runs"""
    receiver = world.otlp()
    check_equal((0, ""), receiver.post(requests()[0]).rejected, "without a manifest")
    os.makedirs(os.path.dirname(world.manifest_file), exist_ok=True)
    with open(world.manifest_file, "w") as file:
        file.write("tool: {name: itest}\nnonsense: 1\n")
    import time
    time.sleep(1.1)
    count, why = receiver.post(requests()[0]).rejected
    check_equal((1, "the tool's manifest has an error (1)"), (count, why), "with an error")
    world.manifest("http://127.0.0.1:9/", sections={"events": {"other": {"description": "d", "attributes": {}}}})
    time.sleep(1.1)
    check_equal((1, "the tool's manifest does not declare it (1)"), receiver.post(requests()[0]).rejected, "repaired")


@test("consent/tools", "J3 J8")
def tools(world):
    """Many tools, few of them open at a time: all are recorded apart"""
    for n in range(12):
        world.run([f"{BUILD}/bin/telemetry", "enable", "--tool", f"tool{n}"])
    receiver = world.otlp(3)
    for round in range(3):
        request = messages.logs("tool0", {"event_name": f"r{round}"})
        for n in range(1, 12):
            request.resource_logs.extend(messages.logs(f"tool{n}", {"event_name": f"r{round}"}).resource_logs)
        check_equal((0, ""), receiver.post(request).rejected, "answer")
    check(len(os.listdir(f"/proc/{receiver.process.pid}/fd")) < 60, "descriptors")
    receiver.close()
    for n in range(12):
        shown = subprocess.run([f"{BUILD}/bin/telemetry", "show", "--json", "--tool", f"tool{n}"], env=world.environment, capture_output=True, text=True).stdout
        check_equal(3, len(shown.splitlines()), f"tool{n}")


@test("consent/one-thread", "J9")
def one_thread(world):
    """The process that receives has one thread and connects nowhere, whatever the manifest says of the tool's programs"""
    world.manifest("http://127.0.0.1:9", kind="otlp", signals=["events", "metrics", "spans"], sections={"delivery": {"mode": "in-process"}})
    receiver = world.otlp()
    for _ in range(3):
        for request in requests():
            check_equal((0, ""), receiver.post(request).rejected, "answer")
        check_equal(1, len(os.listdir(f"/proc/{receiver.process.pid}/task")), "threads")
    sockets = [name for name in os.listdir(f"/proc/{receiver.process.pid}/fd")
               if os.readlink(f"/proc/{receiver.process.pid}/fd/{name}").startswith("socket:")]
    check_equal([], sockets, "sockets")
    receiver.close()
    children = subprocess.run(["pgrep", "-f", f"deliver.*{TOOL}"], capture_output=True, text=True).stdout
    check_equal("", children, "a process that delivers")
