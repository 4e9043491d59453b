#!/usr/bin/env python3
"""Invents texts with secrets and texts without, by kinds: generate.py SEED DIRECTORY PREFIX [--messages] [--held-out].

Writes PREFIXsecrets.tsv (kind, text, what must not be left of it ...) and PREFIXinnocent.tsv (kind, text); control characters
and backslashes as in corpus.tsv. Of each kind every fourth template is kept for --held-out, which has those and other
values for all: rules are written with the one part and measured with the other. With --messages the texts are those of
messages.py, and of held_out.py with --held-out.

What lies here was written with: 1 . "", 11 . messages- --messages, 81 . held-out- --messages --held-out. What begins with
earlier- was held out, as --held-out makes it, until rules were changed for it.
"""
import base64
import random
import string
import sys
import urllib.parse
from pathlib import Path

import held_out
import innocent
import messages
import secrets_by_kind


def escape(text):
    for sign, name in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"), ("\0", "\\0")):
        text = text.replace(sign, name)
    return text


class Inventor:
    """Values for the places of a template: {S} the secret, {user}, {host} ... what stands around it."""
    SYLLABLES = "ba be bo da do fa fi go ka ki lo lu ma mi na no pa po ra ri sa so ta ti va vo za zu".split()
    WORDS = ("harbour violet marble lantern copper meadow walnut saddle pepper anchor timber velvet orchid falcon "
             "pebble cactus thimble gravel nectar bramble juniper kettle mitten otter parsnip quarry ribbon").split()
    HOSTS = "db.internal cache.example.net registry.example.org build-7 10.2.3.4 localhost api.example.com".split()
    TOOLS = "deploy fetch publish sync backup migrate".split()

    def __init__(self, seed):
        self.random = random.Random(seed)

    def draw(self, alphabet, count):
        return "".join(self.random.choice(alphabet) for _ in range(count))

    def choice(self, values):
        return self.random.choice(values)

    def name(self):
        return "".join(self.random.sample(self.SYLLABLES, 3))

    def password(self):
        """As people choose them."""
        word = self.choice(self.WORDS)
        return self.choice([
            word + str(self.random.randrange(10, 9999)), word.capitalize() + str(self.random.randrange(1, 99)) + "!",
            word[:3] + "3" + word[3:].upper() + "x", self.draw(string.ascii_lowercase + string.digits, 10) + "7",
            word.capitalize() + "-" + self.choice(self.WORDS) + "-" + str(self.random.randrange(10, 99)),
            self.draw(string.ascii_letters + string.digits, 12),
        ])

    def plain(self):
        """A password that a URL or a shell needs no quotes for."""
        return self.choice(self.WORDS) + self.draw(string.digits, 3)

    def token(self, count=24):
        return self.mixed(string.ascii_letters + string.digits, count)

    def mixed(self, alphabet, count):
        """Like any other of its length: not one of the few without a digit or a capital."""
        while True:
            made = self.draw(alphabet, count)
            if all(any(c in made for c in part) for part in (string.digits, string.ascii_uppercase, string.ascii_lowercase)
                   if any(c in alphabet for c in part)):
                return made

    def base64(self, count):
        return base64.b64encode(bytes(self.random.randrange(256) for _ in range(count))).decode()

    def fill(self, template, secret):
        around = {"user": self.name(), "host": self.choice(self.HOSTS), "n": str(self.random.randrange(2, 5000)),
                  "tool": self.choice(self.TOOLS), "w": self.choice(self.WORDS), "S": secret,
                  "Q": urllib.parse.quote(secret, safe=""), "hex": self.draw("0123456789abcdef", 8)}
        for name, value in around.items():
            template = template.replace("{" + name + "}", value)
        return template


def chosen(templates, is_held_out):
    """Of fewer than four there is none to spare."""
    if len(templates) < 4:
        return templates
    return [each for index, each in enumerate(templates) if is_held_out or index % 4 != 3]


def secrets(inventor, is_held_out):
    rows = []
    for kind, (make, templates, repeats) in secrets_by_kind.KINDS.items():
        for template in chosen(templates, is_held_out):
            for _ in range(repeats):
                made = make(inventor)
                parts = [made] if isinstance(made, str) else list(made)
                rows.append([kind, inventor.fill(template, " ".join(parts)), *parts])
    return rows


def innocents(inventor, is_held_out):
    rows = []
    for kind, (make, templates, repeats) in innocent.KINDS.items():
        for template in chosen(templates, is_held_out):
            for _ in range(repeats if "{S}" in template else 1):
                rows.append([kind, inventor.fill(template, make(inventor))])
    return rows


def write(path, rows):
    unique = list(dict.fromkeys("\t".join(escape(field) for field in row) for row in rows))
    path.write_text("\n".join(unique) + "\n")


def main():
    seed, directory, prefix = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    is_held_out = "--held-out" in sys.argv
    if "--messages" in sys.argv:
        module = held_out if is_held_out else messages
        for name, rows in zip(("secrets", "innocent"), messages.rows(seed, module.SECRETS, module.INNOCENT, 3)):
            write(directory / f"{prefix}{name}.tsv", rows)
        return
    write(directory / f"{prefix}secrets.tsv", secrets(Inventor(seed), is_held_out))
    write(directory / f"{prefix}innocent.tsv", innocents(Inventor(seed + 1), is_held_out))


if __name__ == "__main__":
    main()
