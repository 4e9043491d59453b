"""docs/troubleshooting.md quotes what is really said."""
import ctypes
import functools
import re

from cases.names import sources
from document import Document
from suite import Test, check

DOCUMENT = "docs/troubleshooting.md"
#: A quoted part shorter than this proves nothing.
LEAST = 4


@functools.cache
def literals(root):
    """Every string literal of what ships, its escapes undone; interpolations and ends of literals as line ends."""
    code = re.sub(r"^\s*//.*$", "", sources(root, "Sources/**/*.swift", "Sources/**/*.c", "Sources/**/*.h"), flags=re.MULTILINE)
    found = re.findall(r'"((?:[^"\\\n]|\\.)*)"', code)
    return "\n".join(re.sub(r"\\(.)", lambda match: "\n" if match[1] == "(" else match[1], each) for each in found)


@functools.cache
def transport_texts():
    """What libcurl says of its errors, which is handed on as it is."""
    texts = ctypes.CDLL("libcurl.so.4").curl_easy_strerror
    texts.restype = ctypes.c_char_p
    return "\n".join(texts(code).decode() for code in range(1, 100))


def problems(root, message):
    """The parts of a message between its ellipses that nobody says."""
    parts = [part.strip() for part in message.split("…")]
    parts = [part for part in parts if len(part) >= LEAST]
    if not parts:
        return [f"{message!r} has no part of {LEAST} characters"]
    return [part for part in parts if part not in literals(root) and part not in transport_texts()]


def quoted(document):
    """(line, message) of the first column of every table."""
    return [(row[0].map[0] + 1 if row[0].map else 0, child.content)
            for row in document.rows() for child in row[0].children if child.type == "code_inline"]


def tests(worlds):
    def body(_):
        messages = quoted(Document(worlds.root, DOCUMENT))
        check(len(messages) > 30, f"only {len(messages)} messages are quoted")
        wrong = [f"{DOCUMENT}:{line}: nobody says {part!r}" for line, message in messages for part in problems(worlds.root, message)]
        check(not wrong, "\n".join(wrong))
        return f"{len(messages)} messages"
    return [Test("messages/troubleshooting", "I", f"every message quoted in {DOCUMENT} stands in Sources, or is libcurl's", body)]
