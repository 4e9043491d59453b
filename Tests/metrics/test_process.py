"""H6: what a process says of itself, against /proc and against the collector of prometheus_client."""
import json
import os
import re
import subprocess
import urllib.request

from suite import check, check_equal, test
from world import BUILD

PYTHON = os.path.join(BUILD, "venv", "bin", "python3")

# self [MODE]: prints its metrics for each line of standard input, OpenMetrics if the line says so. own: it has a gauge of one of the
# names. off: it did not ask for process metrics. fork: a child answers. limited: its address space has a limit.
SELF = r"""
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <telemetry.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    telemetry_options *options = telemetry_options_new("itest", "1.0.0");
    if (strcmp(mode, "off") != 0 && telemetry_options_set_process_metrics(options, true) != TELEMETRY_OK)
        return 3;
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    if (strcmp(mode, "own") == 0)
        telemetry_gauge(telemetry, "process_open_fds", 4711, NULL, 0);
    if (strcmp(mode, "limited") == 0) {
        struct rlimit limit = {1 << 30, 1 << 30};
        setrlimit(RLIMIT_AS, &limit);
    }
    telemetry_count(telemetry, "a", 1, NULL, 0);
    if (strcmp(mode, "fork") == 0) {
        usleep(1500 * 1000);
        pid_t child = fork();
        if (child > 0) {
            int status;
            waitpid(child, &status, 0);
            return WEXITSTATUS(status);
        }
    }
    static char line[100], text[1 << 20];
    while (fgets(line, sizeof line, stdin)) {
        size_t length = telemetry_metrics_write(telemetry, line[0] == 'o' ? "application/openmetrics-text; version=1.0.0" : NULL, text, sizeof text, NULL);
        printf("%d\n%zu\n", (int)getpid(), length);
        fwrite(text, 1, length, stdout);
        fflush(stdout);
    }
    return 0;
}
"""

COLLECTOR = """
import json
from prometheus_client import CollectorRegistry, ProcessCollector
registry = CollectorRegistry()
ProcessCollector(registry=registry)
print(json.dumps({family.name: [family.type, family.documentation] for family in registry.collect()}))
"""


class Program:
    def __init__(self, world, mode=""):
        self.child = subprocess.Popen([world.program("self", SELF), mode], env=world.environment, cwd=world.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        world.closes(self)

    def text(self, format_="text"):
        self.child.stdin.write(format_.encode() + b"\n")
        self.child.stdin.flush()
        self.pid, length = int(self.child.stdout.readline()), int(self.child.stdout.readline())
        return self.child.stdout.read(length).decode()

    def values(self):
        return {name: float(value) for name, value in re.findall(r"^(process_\w+) (\S+)$", self.text(), re.M)}

    def close(self):
        self.child.stdin.close()
        self.child.wait(30)
        self.child.stdout.close()


@test("process/names", "H6")
def names(world):
    """Names, types and help are those of prometheus_client; both texts pass the parsers and promtool."""
    world.telemetry("enable")
    program = Program(world)
    script = ("import sys, json\n"
              "from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics\n"
              "from prometheus_client.parser import text_string_to_metric_families as text\n"
              "parse = openmetrics if sys.argv[1] == 'openmetrics' else text\n"
              "print(json.dumps({f.name: [f.type, f.documentation] for f in parse(sys.stdin.read()) if f.name.startswith('process_')}))\n")
    theirs = json.loads(subprocess.run([PYTHON, "-c", COLLECTOR], capture_output=True, text=True, check=True).stdout)
    check("process_open_fds" in theirs, f"{theirs}")
    for format_ in ("text", "openmetrics"):
        done = subprocess.run([PYTHON, "-c", script, format_], input=program.text(format_), text=True, capture_output=True)
        check_equal("", done.stderr, f"{format_}: errors")
        ours = json.loads(done.stdout)
        check_equal(theirs, {name: ours.get(name) for name in theirs}, format_)
        # Without a limit of the address space there is no process_virtual_memory_max_bytes.
        check_equal({"process_threads"}, set(ours) - set(theirs), f"{format_}: beyond prometheus_client's")
    done = subprocess.run(["promtool", "check", "metrics"], input=program.text(), text=True, capture_output=True)
    check_equal((0, ""), (done.returncode, "".join(line for line in (done.stdout + done.stderr).splitlines() if "process_" in line)), "promtool")


@test("process/values", "H6")
def values(world):
    """The values are those of /proc and of the limits; a start stays the same; no descriptor is left open."""
    world.telemetry("enable")
    program = Program(world)
    first, second = program.values(), program.values()
    with open(f"/proc/{program.pid}/stat") as file:
        fields = [None, None, None] + file.read().rsplit(")", 1)[1].split()
    ticks = os.sysconf("SC_CLK_TCK")
    with open("/proc/stat") as file:
        boot = int(re.search(r"^btime (\d+)$", file.read(), re.M)[1])
    check_equal(len(os.listdir(f"/proc/{program.pid}/fd")), second["process_open_fds"], "descriptors")
    check_equal(first["process_open_fds"], second["process_open_fds"], "descriptors the second time")
    check_equal(float(fields[20]), second["process_threads"], "threads")
    check_equal(float(fields[23]), second["process_virtual_memory_bytes"], "virtual memory")
    # The kernel counts pages in batches.
    check(abs(int(fields[24]) * os.sysconf("SC_PAGESIZE") - second["process_resident_memory_bytes"]) < 4 << 20, f"{second}")
    check(abs(boot + int(fields[22]) / ticks - second["process_start_time_seconds"]) < 1.1, f"{second}, {boot}, {fields[22]}")
    check_equal(first["process_start_time_seconds"], second["process_start_time_seconds"], "start")
    check(0 < first["process_cpu_seconds_total"] <= second["process_cpu_seconds_total"] < 60, f"{first} {second}")
    limits = open(f"/proc/{program.pid}/limits").read()
    check_equal(float(re.search(r"Max open files\s+(\d+)", limits)[1]), second["process_max_fds"], "limit of descriptors")


@test("process/limited", "H6")
def limited(world):
    """A limit of the address space is written where there is one."""
    world.telemetry("enable")
    check_equal(float(1 << 30), Program(world, "limited").values().get("process_virtual_memory_max_bytes"), "limit")


@test("process/asked-for", "H6")
def asked_for(world):
    """Who does not ask has none; nothing of them is in the file that all processes share; without consent there is nothing."""
    world.telemetry("enable")
    check("process_" not in Program(world, "off").text(), "process metrics that nobody asked for")
    check("process_cpu_seconds_total" in Program(world).text(), "no process metrics")
    check("process_" not in world.telemetry("metrics").stdout, "process metrics in the shared file")
    world.telemetry("disable")
    check_equal("", Program(world).text(), "without consent")


@test("process/own-name", "H6")
def own_name(world):
    """A metric of the program's own keeps its name."""
    world.telemetry("enable")
    program = Program(world, "own")
    text = program.text()
    check_equal(["process_open_fds 4711"], re.findall(r"^process_open_fds .*$", text, re.M), "process_open_fds")
    check_equal(1, text.count("# TYPE process_open_fds "), "families")
    check("process_max_fds" in text, text)


@test("process/fork", "H6")
def fork(world):
    """A forked child writes what it uses itself, with its own start."""
    world.telemetry("enable")
    program = Program(world, "fork")
    values = program.values()
    check(program.pid != program.child.pid, "no child")
    with open(f"/proc/{program.pid}/stat") as file:
        child = file.read().rsplit(")", 1)[1].split()
    with open(f"/proc/{program.child.pid}/stat") as file:
        parent = file.read().rsplit(")", 1)[1].split()
    check(int(child[19]) > int(parent[19]), "the child began later")
    with open("/proc/stat") as file:
        boot = int(re.search(r"^btime (\d+)$", file.read(), re.M)[1])
    check(abs(boot + int(child[19]) / os.sysconf("SC_CLK_TCK") - values["process_start_time_seconds"]) < 1.1, f"{values}")


@test("process/manifest", "H6")
def manifest(world):
    """A manifest may ask for them too."""
    world.telemetry("enable")
    world.manifest("http://127.0.0.1:9/", {"process_metrics": True})
    source = SELF.replace("telemetry_options_set_process_metrics(options, true)", "telemetry_options_load_manifest(options, NULL)")
    child = subprocess.run([world.program("by-manifest", source)], env=world.environment, input="text\n", capture_output=True, text=True, cwd=world.root, timeout=60)
    check("process_start_time_seconds " in child.stdout, child.stdout + child.stderr)


@test("process/listener", "H6")
def listener(world):
    """The program's listener shows them too, and nothing any more after a withdrawal."""
    world.telemetry("enable")
    source = r"""
#include <stdio.h>
#include <telemetry.h>

int main(void)
{
    char address[200];
    telemetry_options *options = telemetry_options_new("itest", "1.0.0");
    telemetry_options_set_process_metrics(options, true);
    telemetry_options_set_metrics_listener(options, "127.0.0.1:0");
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    telemetry_count(telemetry, "a", 1, NULL, 0);
    if (telemetry_metrics_listener(telemetry, address, sizeof address) != TELEMETRY_OK)
        return 3;
    puts(address);
    fflush(stdout);
    getchar();
    return 0;
}
"""
    child = subprocess.Popen([world.program("listening", source)], env=world.environment, cwd=world.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    class Closing:
        def close(self):
            child.stdin.close()
            child.wait(30)
            child.stdout.close()

    world.closes(Closing())
    url = f"http://{child.stdout.readline().strip()}/metrics"
    with urllib.request.urlopen(url, timeout=30) as answer:
        text = answer.read().decode()
    check("a_total 1" in text and "process_cpu_seconds_total " in text, text)
    world.telemetry("disable")
    with urllib.request.urlopen(url, timeout=30) as answer:
        check_equal("", answer.read().decode(), "after the withdrawal")
