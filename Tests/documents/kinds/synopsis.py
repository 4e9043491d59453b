"""`telemetry COMMAND --option`, wherever it is written, against `--help`."""
import functools
import re

from suite import Failed


class Syntax:
    """What `telemetry help` and `telemetry COMMAND --help` say there is."""

    def __init__(self, world):
        overview = world.helper("help")
        commands, options = overview.split("\nOptions", 1)
        self.globals = options_in(options) | {"-h"}
        self.valued = set(re.findall(r"^  (--[a-z-]+) [A-Z]", options, re.MULTILINE))
        self.commands = {name: options_in(world.helper(name, "--help")) for name in re.findall(r"^  ([a-z-]+)  ", commands, re.MULTILINE)}

    def command(self, words):
        """The first word that is neither an option nor one's value; None without one, or where it is a placeholder."""
        words = iter(words)
        for word in words:
            if not word.startswith(("-", "[")):
                return word if re.fullmatch(r"[a-z][a-z-]*", word) else None
            if word in self.valued:
                next(words, None)
        return None


@functools.cache
def syntax(world):
    return Syntax(world)


def options_in(text):
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text))


def problem(world, line):
    """What is wrong with a command line; None: nothing. What follows `--` is another program's."""
    own, known = re.split(r" --(?= |$)", line)[0], syntax(world)
    command = known.command(own.split()[1:])
    if command and command not in known.commands:
        return f"no command {command!r}"
    unknown = options_in(own) - known.globals - known.commands.get(command, set())
    return f"no option {sorted(unknown)} of telemetry {command or ''}" if unknown else None


def is_one(text):
    """Every line is a call of the helper, or goes on with one."""
    lines = text.splitlines()
    return bool(lines) and lines[0].startswith("telemetry ") and all(re.match(r"telemetry |\s+[\[-]", line) for line in lines)


def check(world, block):
    for line in re.sub(r"\n\s+", " ", block.text.strip()).splitlines():
        wrong = problem(world, line)
        if wrong:
            raise Failed(f"{line}: {wrong}")
