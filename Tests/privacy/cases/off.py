"""Off means off: for every way of being off, no socket, no file, no library, and no need of a network."""
import os
import re

import fixture
from suite import check, check_equal, test

YES = "config/telemetry/mytool/enabled"
CALLS = "trace=network,%file,ftruncate,fallocate,memfd_create,inotify_init1"
CHANGE = re.compile(r"O_CREAT|O_WRONLY|O_RDWR|O_TRUNC|O_APPEND|O_TMPFILE")
CHANGING = re.compile(r"^\d+ +(mkdir|rename|unlink|rmdir|link|symlink|mknod|truncate|ftruncate|fallocate|chmod|fchmodat|chown|"
                      r"fchownat|utimensat|memfd_create)\w*\(")
NETWORK = re.compile(r"^\d+ +(socket|socketpair|connect|bind|listen|sendto|sendmsg)\(")


def off_when(name, rows, title, files=(), manifest=(), environment=None, flag=(), prefer="true\n", policy=None, errors=False):
    """Registers a test of one way of being off, over a preference that says on where it can."""
    def body(box):
        box.manifest(*manifest)
        if prefer is not None:
            box.preference(prefer)
        for path, text in files:
            box.write(path, text)
        box.policy(policy)
        if name == "invoking-user":
            caller_refuses(box)
        return check_off(box, environment or {}, flag, errors)
    body.__doc__ = f"Off by {title}: no socket, no file made, changed or removed, no libcurl; the same without a network."
    test(f"off/{name}", rows)(body)


def caller_refuses(box):
    os.chmod(box.root, 0o755)
    box.write("caller/.config/telemetry/mytool/enabled", "false\n")
    for directory, _, names in os.walk(box.path("caller")):
        for path in [directory, *(os.path.join(directory, each) for each in names)]:
            os.chown(path, fixture.CALLER, fixture.CALLER)
    box.environment.update(SUDO_UID=str(fixture.CALLER), SUDO_HOME=box.path("caller"))


def programs(box, flag):
    """Command lines that would record, send or look, each with whether what it prints may differ between two runs."""
    tool = [box.programs.path("tool"), "mytool", box.path("mytool.yaml"), *flag, "--flush", "300", "--close", "300"]
    commands = [["track", "build", "--property", "size:int=5"], ["command", "build", "--duration-ms", "5", "--exit-code", "0"],
                ["command", "--", "sh", "-c", "echo wrapped; exit 3"], ["flush"], ["deliver"], ["deliver", "--now"], ["show"], ["status"],
                ["status", "--json"], ["machine-id"], ["export"], ["explain"], ["explain", "--json"]]
    return [tool, *(box.command(*flag, *command) for command in commands)]


def check_off(box, environment, flag, errors):
    for command in programs(box, flag):
        before = box.snapshot()
        plain = box.execute(command, environment)
        check(errors or plain.returncode == (3 if "sh" in command else 0), f"{command}: {plain.returncode} {plain.stderr.decode()}")
        isolated = box.execute(command, environment, wrapper=["unshare", "-n"])
        check_equal((plain.returncode, plain.stdout, plain.stderr), (isolated.returncode, isolated.stdout, isolated.stderr),
                    f"{command} without a network")
        check_equal(before, box.snapshot(), f"files after {command}")
        traced = box.execute(command, environment, wrapper=["strace", "-f", "-qq", "-o", "/proc/self/fd/2", "-e", CALLS])
        check_trace(command, traced.stderr.decode(errors="replace").splitlines())
    check_enabled(box, environment, flag, errors)


def check_trace(command, lines):
    check(any("execve(" in line for line in lines), f"{command}: no trace: {lines[:3]}")
    for line in lines:
        check(not NETWORK.match(line), f"{command}: {line}")
        check("libcurl" not in line, f"{command}: {line}")
        check(not CHANGING.match(line), f"{command}: {line}")
        check(not CHANGE.search(line) or "/dev/null" in line or "/dev/tty" in line, f"{command}: {line}")


def check_enabled(box, environment, flag, errors):
    report = box.path("report.json")
    box.use("--report", report, *flag, environment=environment)
    with open(report) as file:
        check('"enabled": false' in file.read(), "the tool is on")


off_when("default", "A1", "opt-in and no answer", prefer=None)
off_when("unseen-notice", "A1", "opt-out before the notice was shown", manifest=["consent: opt-out"], prefer=None)
off_when("author-gate", "A2", "the author's gate", manifest=["enabled: false"])
off_when("policy", "A10", "the administrator's policy", policy="telemetry: off\n")
off_when("policy-for-tool", "A10", "the administrator's policy for this tool", policy="tools: {mytool: off}\n")
off_when("policy-malformed", "A10", "a policy that cannot be understood", policy="telemetry: [\n")
off_when("every-tool-variable", "A4", "TELEMETRY_ENABLED", environment={"TELEMETRY_ENABLED": "false"})
off_when("do-not-track", "A4", "DO_NOT_TRACK", environment={"DO_NOT_TRACK": "1"})
off_when("no-telemetry-option", "A3", "the option for one run", flag=["--no-telemetry"])
off_when("no-telemetry-variable", "A5", "MYTOOL_NO_TELEMETRY", environment={"MYTOOL_NO_TELEMETRY": "1"})
off_when("enabled-variable", "A6", "MYTOOL_TELEMETRY_ENABLED=0", environment={"MYTOOL_TELEMETRY_ENABLED": "0"})
off_when("enabled-variable-malformed", "A6", "MYTOOL_TELEMETRY_ENABLED that says neither",
         environment={"MYTOOL_TELEMETRY_ENABLED": "maybe"})
off_when("invoking-user", "A16", "the refusal of who called sudo")
off_when("all-tools", "A8", "the refusal for all tools", files=[("config/telemetry/_all/enabled", "false\n")])
off_when("preference", "A8", "the preference", prefer="false\n")
off_when("preference-malformed", "A8", "a preference that says neither", prefer="perhaps\n")
off_when("project-config", "A9", "the project's config", prefer=None, files=[("work.yaml", "telemetry: {enabled: false}\n")],
         manifest=["config: {file: mytool/config.yaml, key: telemetry.enabled, project_file: work.yaml}"])
off_when("tool-config", "A9", "the tool's config", prefer=None, files=[("config/mytool/config.yaml", "telemetry: {enabled: false}\n")],
         manifest=["config: {file: mytool/config.yaml, key: telemetry.enabled}"])
off_when("ci", "A11", "continuous integration", prefer=None, environment={"CI": "true"},
         files=[("config/mytool/config.yaml", "telemetry: {enabled: true}\n")],
         manifest=["config: {file: mytool/config.yaml, key: telemetry.enabled}"])
off_when("invalid-options", "A2", "a manifest with an error", manifest=["nonsense: true"], errors=True)


@test("off/control", "A1")
def control(box):
    """The same look finds a socket, libcurl and new files when telemetry is on."""
    box.manifest(port=fixture.closed_port())
    box.preference("true\n")
    command = programs(box, [])[0]
    before = box.snapshot()
    traced = box.execute(command, wrapper=["strace", "-f", "-qq", "-o", "/proc/self/fd/2", "-e", CALLS])
    lines = traced.stderr.decode(errors="replace").splitlines()
    for pattern in [NETWORK, CHANGING]:
        check(any(pattern.match(line) for line in lines), f"nothing matches {pattern.pattern}")
    check(any("libcurl" in line for line in lines) and any(CHANGE.search(line) for line in lines), "no libcurl, or no file made")
    check(before != box.snapshot(), "no file was made")


def local_when(name, manifest=(), environment=None):
    def body(box):
        box.manifest(*manifest, port=fixture.closed_port())
        box.preference("true\n")
        tool = [box.programs.path("tool"), "mytool", box.path("mytool.yaml"), "--flush", "2000", "--close", "500"]
        for command in [tool, box.command("track", "build"), box.command("flush"), box.command("deliver", "--now")]:
            traced = box.execute(command, environment or {}, wrapper=["strace", "-f", "-qq", "-o", "/proc/self/fd/2", "-e", CALLS])
            for line in traced.stderr.decode(errors="replace").splitlines():
                check(not NETWORK.match(line) and "libcurl" not in line, f"{command}: {line}")
        with open(box.state("events.jsonl"), "rb") as file:
            check_equal(13, len(file.readlines()), "events in the local log")
    body.__doc__ = "Local only, with a receiver in the manifest: no socket, no libcurl, and the local log grows."
    test(f"off/local-{name}", "A7")(body)


local_when("variable", environment={"MYTOOL_TELEMETRY_LOCAL": "1"})
local_when("manifest", manifest=["local_only: true"])
