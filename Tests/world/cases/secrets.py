"""Texts with secrets, of the kinds that programs leak elsewhere: on the next line, behind Some(", in XML and encoded JSON, on
command lines, in .netrc and .pgpass lines, keys that were cut. What is recorded is what the rules leave of them, whether
the text is an attribute, an error message or an argument, in process and by the helper."""
import json
import os
import pathlib
import re

from suite import check, check_equal, test

CORPUS = pathlib.Path(__file__).resolve().parents[2] / "redaction"

SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <telemetry.h>

int main(int argc, char **argv)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    telemetry_options_set_backend_file(options, argv[2], 0, 0);
    telemetry_options_set_extended_collection(options, true);
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    FILE *texts = fopen(argv[1], "r");
    char *text = NULL;
    size_t room = 0;
    int number = 0;
    while (argc == 3 && texts && getdelim(&text, &room, 0, texts) > 0) {
        char name[16];
        snprintf(name, sizeof name, "%d", number++);
        telemetry_attribute attribute = telemetry_string("text", text);
        telemetry_track(collector, TELEMETRY_FEATURE_USED, name, &attribute, 1);
        telemetry_track_error(collector, name, "data", text, NULL, 0);
        const char *arguments[] = {"run", text};
        telemetry_track_command_extended(collector, name, arguments, 2, NULL, 1, 0, NULL, 0);
        if (number % 200 == 0) telemetry_flush(collector, 10000);
    }
    char key[80];
    memset(key, 'k', sizeof key);
    strcpy(key + 58, "_password");
    telemetry_attribute cut = telemetry_string(key, "marble4711");
    telemetry_track(collector, TELEMETRY_FEATURE_USED, "cut", &cut, 1);
    free(text);
    return telemetry_close(collector, 20000) == TELEMETRY_OK ? 0 : 1;
}
"""


def unescape(field):
    return field.encode().decode("unicode_escape").encode("latin-1").decode() if "\\" in field else field


def rows(name):
    """Texts of one piece; lists of arguments are for the unit tests."""
    lines = [line.split("\t") for line in (CORPUS / name).read_text().splitlines()]
    return [[unescape(field) for field in line] for line in lines if "\\0" not in line[1]]


def is_left(secret, text):
    """Half of a secret is as good as all of it."""
    width = min(len(secret), max(4, (len(secret) + 1) // 2))
    return any(secret[start:start + width] in text for start in range(len(secret) - width + 1))


def recorded(world, texts):
    """For each text what was recorded of it: as an attribute, as an error, as an argument."""
    program = world.program("texts", SOURCE)
    pathlib.Path(world.path("texts.bin")).write_bytes(b"".join(text.encode() + b"\0" for text in texts))
    world.run([program, world.path("texts.bin"), world.path("events.jsonl")])
    events = [json.loads(line) for line in pathlib.Path(world.path("events.jsonl")).read_text().splitlines()]
    found = [[] for _ in texts]
    for each in events:
        if each["name"] == "cut":
            check("marble4711" not in json.dumps(each), f"a key that was cut: {each}")
        else:
            found[int(each["name"])].append(each.get("error") or each.get("metadata", {}).get("text") or each["args"][1])
    check_equal({3}, {len(each) for each in found}, "events of each text")
    return found


@test("secrets/recorded", "C7")
def secrets(world):
    """Of invented secrets at least 97 % are in no event, whichever way their texts were recorded."""
    texts = rows("secrets.tsv") + rows("held-out-secrets.tsv")
    missed = [row[:2] for row, found in zip(texts, recorded(world, [row[1] for row in texts]))
              if any(is_left(secret, text) for secret in row[2:] for text in found)]
    check(len(missed) * 100 <= 3 * len(texts), f"{len(missed)} of {len(texts)}: {missed}")


@test("secrets/innocent", "C7")
def innocent(world):
    """Of innocent texts at most 1 % are changed."""
    texts = [row[1] for row in rows("innocent.tsv") + rows("held-out-innocent.tsv")]
    changed = [text for text, found in zip(texts, recorded(world, texts)) if set(found) != {text}]
    check(len(changed) * 100 <= len(texts), f"{len(changed)} of {len(texts)}: {changed}")


@test("secrets/helper", "C7")
def helper(world):
    """The helper's properties are redacted by the same rules."""
    world.telemetry("track", "x", "--property", "note=password:\n  marble4711", "--property", "api.key=marble4711",
                    "--property", f"{'k' * 58}_password=marble4711", "--property", "state=password: required")
    found = os.popen(f"grep -r marble4711 {world.root} 2>/dev/null").read()
    check(found == "", f"left on disk: {found}")


@test("secrets/every-name", "C7")
def every_name(world):
    """Each secret name of docs/redaction.md, by itself and behind a word, with an `s`, a number and in capitals: as a key and in a text."""
    with open(CORPUS.parents[1] / "docs" / "redaction.md") as file:
        names = re.search(r"\*\*Secret names\*\*.*?:\n(.*?)\.\n", file.read(), re.DOTALL).group(1)
    names = re.findall(r"`(\w+)`", names)
    check(len(names) > 25 and "pwd" in names, f"names of the page: {names}")
    missed = []
    for name in names:
        words = [form for base in (name, "my_" + name) for end in ("", "s", "2", "s2", "_2") for form in (base + end, (base + end).upper())]
        values = [f"{word}=hunter2" for word in words] + [f"t{place}=x {word}=hunter2 y" for place, word in enumerate(words)]
        arguments = [argument for value in values for argument in ("--property", value)]
        text = world.helper("track", "x", "--dry-run", *arguments)
        missed += re.findall(r'"[^"]*":"[^"]*hunter2[^"]*"', text)
        check("[redacted]" in text, f"{name}: {text}")
    check_equal([], missed, "what still holds a secret")
