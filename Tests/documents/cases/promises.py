"""docs/privacy.md: every promise is numbered, and held by tests that exist."""
import functools
import glob
import os
import re
import shutil

from cases.names import sources
from document import Document
from suite import Test, check, check_equal

DOCUMENT = "docs/privacy.md"
NUMBER = re.compile(r"\bP\d+\b")
LOOKING = ["show", "show --wire", "show --sent", "show --sent --verify", "show --schema", "explain", "status", "doctor --offline",
           "export", "export --columns"]
#: Where a test gets its name, in shell and in Python.
NAMING = re.compile(r"""\b(?:test_case|check|test|case|scenario|Test|of_both)\b[ (]\s*f?(["'])((?:(?!\1)[^\\\n]|\\.)*)\1""")
EXPANSION = re.compile(r"\\?\$\{[^}]*\}|\\?\$\w+|\{[^{}]*\}")


@functools.cache
def names(root, suite):
    """The suite's sources, and patterns of the names of its tests, where what is filled in while it runs is open."""
    directory = os.path.join(root, "Tests", suite)
    check(os.path.exists(os.path.join(directory, "run")), f"there is no suite {suite}")
    text = sources(root, f"Tests/{suite}/**/*")
    found = [name for _, name in NAMING.findall(text)]
    for table in glob.glob(os.path.join(directory, "*.tsv")):
        found += [line.split("\t")[0] for line in open(table, encoding="utf-8") if line.strip() and not line.startswith("#")]
    patterns = [re.compile("(.+)".join(re.escape(part) for part in EXPANSION.split(name))) for name in found if len(EXPANSION.sub("", name)) >= 4]
    return text, patterns


def exists(root, suite, name):
    """A test of this name, whose open parts are words of the suite's own."""
    text, patterns = names(root, suite)
    matches = filter(None, (pattern.fullmatch(name) for pattern in patterns))
    return any(all(part in text for part in match.groups()) for match in matches)


def table(document):
    """[(number, whether it links to the details, [tests])] of the last table."""
    rows = [row for row in document.rows() if row and NUMBER.fullmatch(row[0].content.strip())]
    return [(number.content.strip(), any(child.type == "link_open" for child in details.children),
             [child.content for child in tests.children if child.type == "code_inline"]) for number, details, tests in rows]


def promised(document):
    """The numbers in running text, in their order."""
    rows = {id(row[0]) for row in document.rows() if row and NUMBER.fullmatch(row[0].content.strip())}
    return [number for token in document.tokens if token.type == "inline" and id(token) not in rows
            for child in token.children if child.type == "text" for number in NUMBER.findall(child.content)]


def tests(worlds):
    def same(_):
        document = Document(worlds.root, DOCUMENT)
        in_text, in_table = promised(document), [number for number, *_ in table(document)]
        check(len(in_table) >= 15, f"only {len(in_table)} promises")
        check_equal(in_table, sorted(set(in_table), key=lambda number: int(number[1:])), "numbers of the table, in order and once")
        check_equal(sorted(set(in_text)), sorted(in_table), "numbers in the text, and in the table")

    def held(_):
        wrong, count = [], 0
        for number, linked, tests in table(Document(worlds.root, DOCUMENT)):
            if not tests:
                wrong.append(f"{number}: no test")
            if not linked:
                wrong.append(f"{number}: no link to the document with the details")
            for test in tests:
                suite, _, name = test.partition(": ")
                count += 1
                if not exists(worlds.root, suite, name):
                    wrong.append(f"{number}: suite {suite} has no test {name!r}")
        check(not wrong, "\n".join(wrong))
        return f"{count} tests"
    def looking(worlds):
        """Every command of the table "See every byte", and the others of P15, in a home where nothing is."""
        world = worlds.of("looking")
        shutil.rmtree(world.home)
        os.mkdir(world.home, 0o700)
        for command in LOOKING:
            world.try_to(["telemetry", *command.split(), "--tool", "newtool"])
            check(not os.listdir(world.home), f"telemetry {command} has made {os.listdir(world.home)}")
    return [Test("privacy/looking", "A14 B3", "what only shows makes no file", looking),
            Test("promises/numbers", "I", f"every promise of {DOCUMENT} stands in its table, and no other", same),
            Test("promises/tests", "I", "every promise names tests, and each exists", held)]
