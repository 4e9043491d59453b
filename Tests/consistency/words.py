#!/usr/bin/env python3
"""Finds patterns of words.tsv in what people read.

usage: words.py ROOT             every document, the sources of manual pages, the header, and the comments of the sources
       words.py ROOT --examples  each pattern finds its own sentence, and no pattern finds a plain one
"""
import glob
import os
import re
import sys

DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md",
             "Tests/*/README.md", "Tests/world/torture/README.md", "benchmarks/README.md", "docs/**/*.md", "bindings/*/README.md", "examples/*/README.md",
             "man/*.in", "include/telemetry.h", "Sources/**/*.swift", "Sources/CSystem/**/*.[ch]", "linker/*.c")
PLAIN = ["The lock belongs to the process that takes it next.", "There is no file, and there is none in the parent.",
         "It is no longer valid.", "If none is valid, the second one counts.", "Each tool has its own name."]


def patterns(root):
    """[(pattern, advice, example)]"""
    with open(os.path.join(root, "Tests/consistency/words.tsv"), encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#")]
    return [(re.compile(pattern, re.IGNORECASE), advice, example) for pattern, advice, example in rows]


def prose(path, text):
    """(line, paragraph, row or item) of what is not code, each on one line."""
    if path.endswith(".swift"):
        text = re.sub(r"(?m)^(?![ \t]*//).*$", "", text)
        text = re.sub(r"(?m)^[ \t]*///? ?", "", text)
    elif path.endswith(".c") or "/CSystem/" in path:
        text = "".join(re.sub(r"[^\n]", "", code) + comment for code, comment in re.findall(r"(.*?)(/\*.*?\*/|\Z)", text, re.S))
        text = re.sub(r"(?m)^ +(?=\S)|/\*+ ?|[ \t]*\*/", "", text)
    elif path.endswith(".h"):
        text = re.sub(r"(?m)^(?![ \t]*/?\*).*$", "", text)
        text = re.sub(r"(?m)^[ \t]*/?\*+/? ?|[ \t]*\*/$", "", text)
    if path.endswith(".in"):
        text = re.sub(r"(?m)^[.%].*$", "", text)
    text = re.sub(r"(?ms)^ *```.*?^ *```$", lambda block: "\n" * block[0].count("\n"), text)
    start, lines = 0, []
    for number, line in enumerate([*text.split("\n"), ""], 1):
        isCode = line.startswith("    ") and not lines
        begins = re.match(r" *(?:[-|#>]|\d+\. |@|Threads:|Blocking:)", line) or re.match(r"\w+ {2,}", line)
        if lines and (not line.strip() or begins):
            yield start, re.sub(r"`[^`]*`", "`…`", " ".join(" ".join(lines).split()))
            lines = []
        if line.strip() and not isCode:
            start = start if lines else number
            lines.append(re.sub(r"^ *(?:- |\d+\. |> )", "", line))


def found(root):
    known = patterns(root)
    for path in sorted(path for pattern in DOCUMENTS for path in glob.glob(os.path.join(root, pattern), recursive=True)):
        for line, text in prose(path, open(path, encoding="utf-8").read()):
            for pattern, advice, _ in known:
                for match in pattern.finditer(text):
                    yield f"{os.path.relpath(path, root)}:{line}: '{match[0].strip()[:60]}': {advice}"


def examples(root):
    for pattern, _, example in patterns(root):
        if not pattern.search(example):
            yield f"{pattern.pattern} does not find: {example}"
        for plain in PLAIN:
            if pattern.search(plain):
                yield f"{pattern.pattern} finds: {plain}"


if __name__ == "__main__":
    complaints = list(examples(sys.argv[1]) if "--examples" in sys.argv else found(sys.argv[1]))
    print("\n".join(complaints) or "plain")
    sys.exit(1 if complaints else 0)
