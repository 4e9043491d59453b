"""What a document shows of a command's output, against the output."""
import difflib
import re

from suite import Failed

# Of these, any will do.
VARIABLE = [
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>"),
    (r"\b[0-9a-f]{64}\b", "<hash>"),
    (r"\b[0-9a-f]{32}\b", "<id>"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r'("duration_ms": ?)\d+', r"\1<number>"),
]
ELLIPSIS = "…"


def normal(text, *places):
    """Without what differs from run to run; `places` are pairs of a path and what is shown for it."""
    for path, shown in places:
        text = text.replace(path, shown)
    for pattern, name in VARIABLE:
        text = re.sub(pattern, name, text)
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def pattern(line):
    """An ellipsis stands for anything within a line."""
    return ".*".join(re.escape(part) for part in line.split(ELLIPSIS))


def matches(shown, given):
    """A line that is an ellipsis stands for any number of lines."""
    if not shown:
        return not given
    if shown[0].strip() == ELLIPSIS:
        return any(matches(shown[1:], given[skipped:]) for skipped in range(len(given) + 1))
    return bool(given) and re.fullmatch(pattern(shown[0]), given[0]) is not None and matches(shown[1:], given[1:])


def compare(world, shown, given, what):
    places = [(world.home, "/home/you"), (world.directory, "/home/you/project"), (world.worlds.prefix, "/usr")]
    left, right = normal(shown), normal(given, *places)
    if not matches(left, right):
        difference = "\n".join(difflib.unified_diff(left, right, "in the document", "in reality", lineterm="", n=0))
        raise Failed(f"{what} prints something else:\n{difference}")
