"""What the documents name in running text exists: commands, options, functions, constants, variables."""
import functools
import glob
import os
import re

from document import every, executed
from kinds import shell, synopsis
from suite import Test, check

FUNCTION = re.compile(r"\b(telemetry_[a-z0-9_]+)(?:\*?\(\)|\()")
LOWER = re.compile(r"\btelemetry_[a-z0-9_]*[a-z0-9]\b")
UPPER = re.compile(r"(?<![\w<$-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?!\w|-)(?:_?\*)?")
#: What stands for a tool's name in the name of a variable.
TOOLS = re.compile(r"^(?:MYTOOL|MY_TOOL|TOOL|[A-Z]+)_(?=NO_TELEMETRY$|TELEMETRY_[A-Z]+$)")
#: Where a name has to occur that users read, and where one that contributors read may.
SHIPPED = ("Sources/**/*", "include/*", "bindings/**/*", "install/**/*")
ALL = (*SHIPPED, "linker/*", "scripts/*", "Makefile", "Package.swift", "Tests/**/*", "benchmarks/**/*", "examples/**/*")
#: Of other programs, and of libcurl.
FOREIGN = {"PKG_CONFIG_PATH", "LD_LIBRARY_PATH", "ALL_PROXY", "TIMESTAMP_NS"}


@functools.cache
def sources(root, *patterns):
    """The text of all files but documents and what was built. Of names that occur anywhere, this suite is no witness."""
    own = os.path.join(root, "Tests", "documents")
    texts = []
    for pattern in patterns:
        for path in glob.glob(os.path.join(root, pattern), recursive=True):
            if os.path.isfile(path) and not path.endswith(".md") and (patterns != ALL or not path.startswith(own)):
                texts.append(open(path, encoding="utf-8", errors="replace").read())
    return "\n".join(texts)


def functions(root):
    """What the header declares, and what the shell binding defines."""
    header = sources(root, "include/telemetry.h")
    binding = sources(root, "bindings/shell/telemetry.sh")
    return set(re.findall(r"\b(telemetry_[a-z0-9_]+)\(", header)) | set(re.findall(r"^(telemetry_\w+)\(\)", binding, re.MULTILINE))


def is_known(name, names):
    """A name that ends in `_` stands for all that begin so."""
    return name in names or (name.endswith("_") and any(each.startswith(name) for each in names))


def occurs(root, name, patterns):
    text = sources(root, *patterns)
    if name.endswith("*"):
        return name.rstrip("*") in text
    suffix = TOOLS.sub("_", name)
    return re.search(rf"(?<![A-Z_]){re.escape(name)}(?![A-Z0-9_])", text) is not None or (suffix != name and f'"{suffix}"' in text)


def command_problems(worlds, _):
    """(command line, what is wrong) of a piece of code."""
    def find(code):
        for line in re.findall(r"(?:^|(?<=\| ))telemetry [^|]*", code):
            if re.match(r"telemetry (?:--|[a-z])", line):
                wrong = synopsis.problem(worlds.of("names"), line)
                if wrong:
                    yield line, wrong
        if code.startswith("sudo "):
            wrong = shell.root_problem(worlds.root, code)
            if wrong:
                yield code, wrong
    return find


def name_problems(worlds, for_users):
    """(name, what is wrong) of a piece of code. What users read names only what ships."""
    patterns = SHIPPED if for_users else ALL

    def find(code):
        known = functions(worlds.root)
        for name in FUNCTION.findall(code):
            if not is_known(name, known):
                yield name, "neither in include/telemetry.h nor in bindings/shell/telemetry.sh"
        for name in LOWER.findall(code):
            if not is_known(name, known) and not re.search(rf"\b{name}", sources(worlds.root, *patterns)):
                yield name, "in no source"
        for name in UPPER.findall(code):
            if name not in FOREIGN and not occurs(worlds.root, name, patterns):
                yield name, "in no source"
    return find


def _each(worlds, title, what, finder):
    """One test a document; `finder` is told whether users read it."""
    readers = {document.path for document in executed(worlds.root)}

    def one(document):
        def body(_):
            find = finder(worlds, document.path in readers)
            wrong = [f"{document.path}:{line}: {name}: {why}" for line, code in document.code() for name, why in find(code)]
            check(not wrong, "\n".join(wrong))
        return Test(f"{title}/{document.path}", "I", what, body)
    return [one(document) for document in every(worlds.root) if document.code()]


def tests(worlds):
    return [*_each(worlds, "commands", "every `telemetry COMMAND --option` is one", command_problems),
            *_each(worlds, "names", "every function, constant and variable occurs in the sources", name_problems)]
