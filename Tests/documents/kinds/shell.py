"""Commands: run as they stand, in the document's own HOME; their output is compared where it is shown."""
import glob
import json
import os
import re
import sys

from kinds import output, synopsis
from suite import Failed

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "prompt"))

SEPARATOR = "\x1e"
#: Where the packages put it.
BINDING = "/usr/share/telemetry/telemetry.sh"
#: All that the binding is made for, as its own suite has them.
SHELLS = [name.strip('"').split() for name in re.findall(r'"[^"]+"|[^\s"]+', re.search(r"^shells=\((.*)\)$", open(os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "shell", "lib.sh")).read(), re.MULTILINE)[1])]
RECORDS = re.compile(r"(?:\btelemetry(?: |_)track|\btelemetry_command_begin|\btelemetry_run|\btelemetry command .*--) ([\w.-]+)")
AS_ROOT = re.compile(r"^(sudo\s+)?(apt|apt-get|dpkg|ldconfig)\s|^sudo\s")


def installed(world, text):
    """The place of what is installed in this world."""
    return text.replace(os.path.dirname(BINDING), os.path.join(world.worlds.prefix, "share/telemetry"))


def split(text):
    """Lines that root's commands begin, and the rest."""
    lines = text.splitlines(keepends=True)
    root = [line.strip() for line in lines if AS_ROOT.match(line.strip())]
    return root, "".join(line for line in lines if not AS_ROOT.match(line.strip()))


def known_packages(root):
    """Those of this project and those that it needs."""
    own = re.findall(r"^Package: (\S+)", open(os.path.join(root, "debian/control")).read(), re.MULTILINE)
    needed = [line.split("#")[0].strip() for line in open(os.path.join(root, "scripts/packages"))]
    return {*own, *filter(None, needed)}


def root_problem(root, line):
    """What is wrong with a command of root's, which is not run: a package or a target of make that does not exist."""
    words = [word for word in line.split("#")[0].split() if word != "sudo" and not word.startswith("-")]
    if words[0] == "make":
        makefile = open(os.path.join(root, "Makefile")).read()
        targets = [word for word in words[1:] if "=" not in word]
        return next((f"no target {word!r}" for word in targets if not re.search(rf"^{re.escape(word)}:", makefile, re.MULTILINE)), None)
    if words[0] in ("apt", "apt-get"):
        known = known_packages(root)
        # A path is a file of `make deb`: NAME_VERSION_ARCHITECTURE.deb
        named = [os.path.basename(word).split("_")[0] for word in words[2:]]
        return next((f"no package {word!r} in debian/control or scripts/packages" for word in named if word not in known), None)
    return None


def recorded(world):
    """The names of all events that wait or lie in a log of this world."""
    names = []
    for log in glob.glob(os.path.join(world.home, ".local/state/telemetry/*/*.jsonl*")):
        for line in open(log, encoding="utf-8"):
            entry = json.loads(line)
            names += [event.get("name") for event in entry.get("events", [entry]) if isinstance(event, dict)]
    for directory in glob.glob(os.path.join(world.home, ".local/state/telemetry/*/")):
        tool = os.path.basename(directory.rstrip("/"))
        names += [json.loads(line)["name"] for line in world.helper("show", "--json", "--tool", tool).splitlines()]
    return names


def check(world, block):
    """`sh`: all of it as one script, with `sh -eu`; what it says it records is recorded."""
    root, script = split(block.text)
    for line in root:
        wrong = root_problem(world.worlds.root, line)
        if wrong:
            raise Failed(f"{line}: {wrong}")
    if not script.strip():
        return
    directory = world.worlds.root if script.split()[0] == "make" else None
    for shell in SHELLS if BINDING in script else [["sh"]]:
        before = recorded(world)
        world.output = world.run([*shell, "-euc", installed(world, script)], directory)
        # A script with a HOME of its own looks there itself.
        if not re.search(r"\bHOME=", script):
            check_recorded(script, before, recorded(world), shell)


def check_recorded(script, before, after, shell):
    """Definitions, comments and dry runs record nothing."""
    lines = re.sub(r"#.*", "", script).splitlines()
    for name in {name for line in lines if "--dry-run" not in line and "()" not in line for name in RECORDS.findall(line)}:
        if after.count(name) <= before.count(name):
            raise Failed(f"{shell[0]} has not recorded {name!r}; recorded: {after}")


def session(text):
    """(command, what is shown of its output) of each `$` line; a command goes on behind a backslash."""
    steps = []
    for line in text.splitlines():
        if steps and steps[-1][0].endswith("\\") and not steps[-1][1]:
            steps[-1][0] = steps[-1][0][:-1] + line.removeprefix("> ").strip()
        elif line.startswith("$ "):
            steps.append([line[2:], []])
        elif steps:
            steps[-1][1].append(line)
        else:
            raise Failed(f"the first line is no command; expected '$ COMMAND', got {line!r}")
    return steps


def check_session(world, block):
    """`console`: the commands in one shell; what each prints is what is shown."""
    steps = session(block.text)
    script = "".join(f"printf '{SEPARATOR}'\n(exit ${{last-0}})\n{command}\nlast=$?\n" for command, _ in steps)
    text, _ = world.try_to(["sh", "-c", installed(world, script)])
    for (command, shown), given in zip(steps, text.split(SEPARATOR)[1:], strict=True):
        output.compare(world, "\n".join(shown), given, command)


def check_terminal(world, block):
    """The commands of the block before, on a terminal: up to the question, if there is one."""
    from person import CTRL_D, QUESTION, meet

    class Person:
        environment = world.environment

    here = os.getcwd()
    os.chdir(world.directory)
    try:
        outcome = meet(Person, ["sh", "-euc", block.before.text], [CTRL_D])
    finally:
        os.chdir(here)
    shown, question, _ = outcome.screen.partition(QUESTION)
    output.compare(world, block.text, (shown + question).decode().replace("\r\n", "\n"), block.before.text.strip())


def check_text(world, block):
    """`text`: a synopsis, or what the commands of the block before have printed."""
    if block.marked("terminal") is not None:
        return check_terminal(world, block)
    command = block.marked("output-of")
    if command:
        return output.compare(world, block.text, world.run(["sh", "-euc", installed(world, command)]), command)
    if synopsis.is_one(block.text):
        return synopsis.check(world, block)
    if block.before and block.before.info in ("sh", "python") and world.output is not None:
        return output.compare(world, block.text, world.output, block.before.first_line)
    raise Failed("nobody knows what this shows: put the command in front of it as `sh` or `console`, or a mark (see Tests/documents/README.md)")
