"""YAML and JSON: manifests and policies by the helper's own judgement, records beside real ones."""
import json
import os
import re
import shutil
import subprocess

import records
from suite import Failed, Skipped


def check_yaml(world, block):
    """A document with `tool` is a manifest, one with `own` or `backends` a file own.yaml, any other a policy."""
    if re.search(r"^tool:", block.text, re.MULTILINE):
        path = world.file(block.marked("file") or "block.yaml", block.text)
        world.helper("manifest", "check", path)
    elif re.search(r"^(own|backends):", block.text, re.MULTILINE):
        check_own(world, block.text)
    else:
        check_policy(world, block.text)


def check_own(world, text):
    """The helper understands it, and somebody has asked for something with it."""
    path = os.path.join(world.home, ".config", "telemetry", "own.yaml")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    try:
        done = subprocess.run(["telemetry", "explain", "--tool", "mytool", "--json"], env=world.environment, capture_output=True, text=True)
    finally:
        os.remove(path)
    if done.returncode != 0:
        raise Failed(done.stderr)
    own = json.loads(done.stdout)["own"]
    if (own["enabled"], own["source"]) != (True, "own.yaml"):
        raise Failed(f"not understood: {own['reason']}")


def check_policy(world, text):
    """In an /etc that only this process sees, the helper understands it."""
    if os.geteuid() != 0:
        raise Skipped("needs root: a policy lies in /etc")
    directory = os.path.join(world.path, "etc")
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory + "/telemetry")
    with open(directory + "/telemetry/policy.yaml", "w", encoding="utf-8") as file:
        file.write(text)
    for name in ("ld.so.cache", "passwd", "group", "nsswitch.conf"):
        shutil.copy(f"/etc/{name}", directory)
    command = ["unshare", "-m", "--propagation", "private", "sh", "-euc",
               'mount --bind "$0" /etc; exec telemetry explain --tool mytool --json', directory]
    done = subprocess.run(command, env=world.environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(done.stderr)
    [policy] = [each for each in json.loads(done.stdout)["sources"] if each["source"] == "admin policy"]
    if policy["value"] not in ("true", "false"):
        raise Failed(f"the policy is not understood: {policy}")


def check_json(world, block):
    """Parses, with `…` standing for what was left out, and has the members of a real record of its kind."""
    try:
        value = json.loads(block.text.replace("…", ""))
    except ValueError as error:
        raise Failed(f"not JSON: {error}")
    for record in value if isinstance(value, list) else [value]:
        kind = records.kind(record)
        if kind is None:
            raise Failed(f"a record of no known kind: {sorted(record)}; the kinds stand in Tests/documents/records.py")
        real = records.real(world.worlds, kind)
        if list(record) != list(real):
            raise Failed(f"members {list(record)}; {kind} has {list(real)}")
