"""`telemetry COMMAND --option`, wherever it is written, against `--help`."""
import functools
import re

from suite import Failed


@functools.cache
def _helps(world):
    overview = world.helper("help")
    commands = re.findall(r"^  ([a-z-]+)  ", overview.split("\nOptions")[0], re.MULTILINE)
    return overview, {command: world.helper(command, "--help") for command in commands}


def options_in(text):
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text))


def problem(world, line):
    """What is wrong with a command line; None: nothing."""
    overview, helps = _helps(world)
    own = line.split(" -- ")[0]
    if own.rstrip().endswith(" --"):
        own = own.rstrip()[:-3]
    words = own.split()[1:]
    while words and words[0].startswith("-"):
        words = words[1:] if "=" in words[0] or words[0] in ("--help", "--version", "--json", "--quiet", "--no-telemetry", "-h") else words[2:]
    command = words[0] if words else None
    known = options_in(overview) | {"-h"}
    if command and re.fullmatch(r"[a-z][a-z-]*", command):
        if command not in helps:
            return f"no command {command!r}"
        known |= options_in(helps[command])
    unknown = options_in(own) - known
    return f"no option {sorted(unknown)} of telemetry {command}" if unknown else None


def is_one(text):
    """Every line is a call of the helper, or goes on with one."""
    lines = text.splitlines()
    return bool(lines) and lines[0].startswith("telemetry ") and all(re.match(r"telemetry |\s+[\[-]", line) for line in lines)


def check(world, block):
    joined = re.sub(r"\n\s+", " ", block.text.strip())
    for line in joined.splitlines():
        wrong = problem(world, line)
        if wrong:
            raise Failed(f"{line}: {wrong}")
