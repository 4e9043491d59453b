#!/usr/bin/env python3
"""The folders of Sources/TelemetryCore are layers: a type refers to types of its own folder and of lower layers, never to one
beside or above. The table "Layers" of ARCHITECTURE.md says which layer a folder is in. Only System/ makes
system calls. A function that says "With the mutex held" begins with `assertHeld()`, which unit tests check.

usage: layers.py ROOT
"""
import os
import re
import sys

DECLARATION = re.compile(r"^((?:package|public|private|fileprivate|final|indirect|@\w+) )*(?:struct|class|enum|protocol|typealias) (\w+)", re.M)

# read, write, open, close and stat are also names of functions here: only what can be nothing else is looked for.
SYSTEM_CALL = re.compile(
    r"(?<![\w.])((?:csystem_)?openat|fstat|fstatat|lstat|stat(?=\([^)])|pread|pwrite|ftruncate|(?:posix_)?fallocate|mmap|munmap"
    r"|unlink(?:at)?|rename(?:at2?)?|linkat|flock|fsync|fdatasync|mkdir(?:at)?|rmdir|f?chmod|lseek|f?access(?:at)?|faccessat"
    r"|readlink(?:at)?|getdents64|utimensat|CSystem\.(?:open|read|write|close)"
    r"|get(?:pid|ppid|uid|euid|gid|egid)|uname|sched_yield|fopen|nanosleep)\(")
# Bytes/ is below System/ and keeps the memory of its buffers itself.
HEAP = re.compile(r"(?<![\w.])(malloc|calloc|realloc|free|strdup)\(")
HELD = re.compile(r"/// With the mutex held[^\n]*\n(?: */// [^\n]*\n)*(?: *@[^\n]*\n)*( *[^\n]*(?:func|var) [^{]*\{\n)([^\n]*)\n")


def layers(root):
    """{folder: layer}; those of one layer know nothing of each other."""
    with open(os.path.join(root, "ARCHITECTURE.md"), encoding="utf-8") as file:
        rows = re.findall(r"^\| (\d+) \| `(\w+)/` \|", file.read(), re.M)
    return {folder: int(layer) for layer, folder in rows}


def code(path):
    """Without comments and what stands between quotation marks."""
    with open(path, encoding="utf-8") as file:
        return re.sub(r'"(?:\\.|[^"\\\n])*"', '""', re.sub(r"//.*", "", file.read()))


def main(root):
    core = os.path.join(root, "Sources/TelemetryCore")
    rank = layers(root)
    problems = [f"{name}: not in the table of ARCHITECTURE.md" for name in sorted(os.listdir(core)) if name not in rank]
    problems += [f"{name}: in the table of ARCHITECTURE.md, and no folder" for name in sorted(rank) if not os.path.isdir(os.path.join(core, name))]
    texts, places = {}, {}
    for folder in set(rank) & set(os.listdir(core)):
        for place, _, names in os.walk(os.path.join(core, folder)):
            for name in names:
                path = os.path.join(place, name)
                texts[path] = (folder, code(path))
                for modifiers, declared in DECLARATION.findall(texts[path][1]):
                    if "private" not in modifiers:
                        places[declared] = folder
    for path, (folder, text) in sorted(texts.items()):
        for word in sorted(set(re.findall(r"\b[A-Z]\w+", text))):
            other = places.get(word)
            if other and other != folder and rank[other] >= rank[folder]:
                problems.append(f"{os.path.relpath(path, root)}: {word} is in {other}/, which is not below {folder}/")
    for path, (folder, text) in sorted(texts.items()):
        if folder != "System":
            heap = HEAP.findall(text) if folder != "Bytes" else []
            for call in sorted(set(SYSTEM_CALL.findall(text) + heap)):
                problems.append(f"{os.path.relpath(path, root)}: {call}() is called outside System/")
    for path in sorted(texts):
        with open(path, encoding="utf-8") as file:
            for declared, first in HELD.findall(file.read()):
                if "assertHeld()" not in first and "or after the last call" not in declared:
                    problems.append(f"{os.path.relpath(path, root)}:{declared.rstrip()}: does not begin with assertHeld()")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems or not texts or not places else 0


sys.exit(main(sys.argv[1]))
