"""Manifests at their limits: what a document promises is taken, and what nobody can see is refused.

Other readers of configuration refuse JSON with surrogate pairs (YAML has none), take what turns a terminal's line
around, or stop at a bound that nobody wrote down."""
import json
import os

from suite import check, check_equal, test
from world import BUILD, TOOL


def check_manifest(world, content, expected=0):
    path = world.path("manifest.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)
    return world.run([f"{BUILD}/bin/telemetry", "manifest", "check", path, "--json"], expected=expected)


@test("manifest/limits", "C10")
def limits(world):
    """500 events with 64 attributes each, as many as there may be, with all that an attribute can say."""
    attribute = {"type": "int", "description": "How many there were.", "min": 0, "max": 1000, "unit": "rows"}
    events = {f"event-{number}": {"type": "feature.used", "description": "Something was used.",
                                  "attributes": {f"attribute-{each}": attribute for each in range(64)}} for number in range(500)}
    done = check_manifest(world, json.dumps({"tool": {"name": TOOL}, "events": events}))
    found = json.loads(done.stdout)
    check_equal((500, 32000), (found["events"], found["attributes"]), "events and attributes")
    many = {f"event-{number}": {"description": "Something was used."} for number in range(501)}
    refused = check_manifest(world, json.dumps({"tool": {"name": TOOL}, "events": many}), 3)
    check("at most 500" in refused.stderr, refused.stderr)


@test("manifest/surrogates", "C10")
def surrogates(world):
    r"""JSON escapes characters beyond U+FFFF as pairs; the event is recorded under its name."""
    names = ["launch \U0001f680", "\U00010000 first", "last \U0010ffff", "back\\\\ud83d\\ude80slash", "plain é"]
    text = json.dumps({"tool": {"name": TOOL}, "backend": {"kind": "file"}, "events": {name: {"description": "Was used."} for name in names}})
    check("\\ud83d\\ude80" in text, "the pairs are escaped")
    check_manifest(world, text)
    for name in names:
        world.telemetry("track", name, "--manifest", world.path("manifest.json"))
    world.telemetry("flush", "--manifest", world.path("manifest.json"))
    with open(os.path.join(world.spool, "events.jsonl"), encoding="utf-8") as file:
        check_equal(names, [json.loads(line)["name"] for line in file], "names recorded")
    for half in ("\\ud83d", "\\ude80\\ud83d", "\\ud83dx"):
        check_manifest(world, '{"tool": {"name": "itest", "version": "%s"}}' % half, 3)


@test("manifest/surrogates-in-config", "A6")
def surrogates_in_config(world):
    """A tool's own configuration in JSON with a pair in it answers as any other."""
    os.unlink(world.path("home", ".config", "telemetry", TOOL, "enabled"))
    os.makedirs(world.path("home", ".config", TOOL), exist_ok=True)
    with open(world.path("home", ".config", TOOL, "config.json"), "w") as file:
        json.dump({"greeting": "\U0001f44b", "telemetry": True}, file)
    path = world.path("manifest.json")
    with open(path, "w") as file:
        json.dump({"tool": {"name": TOOL}, "config": {"file": f"{TOOL}/config.json", "key": "telemetry"}}, file)
    status = json.loads(world.telemetry("status", "--json", "--manifest", path).stdout)
    check_equal((True, "tool config"), (status["enabled"], status["source"]), "what the config answers")


@test("manifest/booleans", "A6")
def booleans(world):
    """The spellings of YAML 1.2, which the document names, and no others."""
    for word in ("true", "True", "TRUE", "false", "False", "FALSE"):
        check_manifest(world, f"tool: {{name: {TOOL}}}\nlocal_only: {word}\n")
    for word in ("yes", "on", "tRUE", "'true'", "1"):
        check_manifest(world, f"tool: {{name: {TOOL}}}\nlocal_only: {word}\n", 3)


@test("manifest/unseen", "C9")
def unseen(world):
    """What a terminal obeys or nobody sees is refused where a line for people is made of it."""
    for character in ("\x1b", "\x7f", "\x85", "\x9b", "\u200f", "\u202e", "\u2066", "\u2028", "\ufeff", "\U000e0041"):
        escaped = json.dumps(f"a{character}b")
        for content in (f'{{"tool": {{"name": "{TOOL}", "version": {escaped}}}}}',
                        f'{{"tool": {{"name": "{TOOL}"}}, "deletion": {{"email": "a@b.example", "subject": {escaped}}}}}',
                        f'{{"tool": {{"name": "{TOOL}"}}, "events": {{{escaped}: {{"description": "Used."}}}}}}',
                        f'{{"tool": {{"name": "{TOOL}"}}, "events": {{"e": {{"description": {escaped}}}}}}}'):
            done = check_manifest(world, content, 3)
            check(character not in done.stderr, f"{character!r} in {done.stderr!r}")
