"""What the documents name in running text exists: commands, options, functions, constants, variables."""
import functools
import glob
import os
import re

from document import every
from kinds import synopsis
from suite import Test, check

FUNCTION = re.compile(r"\b(telemetry_[a-z0-9_]+)(\*?\(\)|\()")
LOWER = re.compile(r"\btelemetry_[a-z0-9_]*[a-z0-9]\b")
UPPER = re.compile(r"(?<![\w<$-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?!\w|-)(?:_?\*)?")
#: What stands for a tool's name in the name of a variable.
TOOLS = re.compile(r"^(?:MYTOOL|MY_TOOL|TOOL|[A-Z]+)_(?=NO_TELEMETRY$|TELEMETRY_[A-Z]+$)")
#: Where a name has to occur: what ships, and for the variables of tests and builds, these.
SOURCES = ["Sources/**/*", "include/*", "bindings/**/*", "linker/*", "scripts/*", "Makefile", "Package.swift", "Tests/**/*", "benchmarks/**/*",
           "examples/**/*"]


@functools.cache
def sources(root, *patterns):
    """The text of all files but documents and what was built; this suite does not count."""
    own = os.path.join(root, "Tests", "documents")
    texts = []
    for pattern in patterns or SOURCES:
        for path in glob.glob(os.path.join(root, pattern), recursive=True):
            if os.path.isfile(path) and not path.endswith(".md") and (patterns or not path.startswith(own)):
                texts.append(open(path, encoding="utf-8", errors="replace").read())
    return "\n".join(texts)


def functions(root):
    """What the header declares, and what the shell binding defines."""
    header = sources(root, "include/telemetry.h")
    return set(re.findall(r"\b(telemetry_[a-z0-9_]+)\(", header)) | set(re.findall(r"^(telemetry_\w+)\(\)", sources(root, "bindings/shell/telemetry.sh"), re.MULTILINE))


def is_known(name, names):
    return name in names or (name.endswith("_") and any(each.startswith(name) for each in names))


def occurs(root, name):
    text = sources(root)
    if name.endswith("*"):
        return name.rstrip("*") in text
    suffix = TOOLS.sub("_", name)
    return re.search(rf"\b{re.escape(name)}\b", text) is not None or (suffix != name and f'"{suffix}"' in text)


def _each(worlds, title, what, find):
    """One test a document; `find` gives (name, what is wrong) for a piece of code."""
    def one(document):
        def body(_):
            wrong = [f"{document.path}:{line}: {name}: {why}" for line, code in document.code() for name, why in find(code)]
            check(not wrong, "\n".join(wrong))
        return Test(f"{title}/{document.path}", "I", what, body)
    return [one(document) for document in every(worlds.root) if document.code()]


def command_problems(worlds):
    world = None

    def find(code):
        nonlocal world
        for line in re.findall(r"(?:^|(?<=[\s|]))telemetry (?!::)[^|]*", code):
            if re.match(r"telemetry (?:--|\[?-|[a-z])", line) and not re.match(r"telemetry [a-z-]+\.", line):
                world = world or worlds.of("names")
                wrong = synopsis.problem(world, line)
                if wrong:
                    yield line, wrong
    return find


def name_problems(worlds):
    def find(code):
        known = functions(worlds.root)
        for name, ending in FUNCTION.findall(code):
            if not is_known(name, known):
                yield name, "neither in include/telemetry.h nor in bindings/shell/telemetry.sh"
        for name in LOWER.findall(code):
            if not is_known(name, known) and not re.search(rf"\b{name}", sources(worlds.root)):
                yield name, "in no source"
        for name in UPPER.findall(code):
            if not occurs(worlds.root, name):
                yield name, "in no source"
    return find


def tests(worlds):
    return [*_each(worlds, "commands", "every `telemetry COMMAND --option` is one", command_problems(worlds)),
            *_each(worlds, "names", "every function, constant and variable occurs in the sources", name_problems(worlds))]
