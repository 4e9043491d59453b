"""Every page: there, well formed, and found by whatis(1); those of functions say what the header says."""
import os
import re
import subprocess

from header import functions
from manual import BUILD, check, equal, output, same, test

MAN = os.path.join(BUILD, "man")
OTHERS = {"libtelemetry.3", "telemetry.1", "telemetry-manifest.5", "telemetry-own.5", "telemetry-policy.5"}


def paths():
    return sorted(os.path.join(directory, name) for directory, _, names in os.walk(MAN) for name in names)


def rendered(path):
    """As text on lines that are never broken, without fonts."""
    groff = ["groff", "-man", "-Tascii", "-P-cbou", "-rLL=4000n", "-rHY=0", "-ww"]
    return output(*groff, path)


def plain(text):
    """One line, with what only fonts and sections tell apart taken out."""
    return re.sub(r"\b(telemetry_\w+)\(3\)", r"\1()", " ".join(text.replace("`", "").split()))


def page_of(name):
    section = name.rsplit(".", 1)[1]
    return os.path.join(MAN, f"man{section}", name)


def each(complaint):
    """Runs a check on every page; fails with all complaints."""
    found = [f"{os.path.basename(path)}: {text}" for path in paths() for text in [complaint(path)] if text]
    check(not found, "\n".join(found))


@test("I the pages of section 3 are the functions of the header, and libtelemetry(3)")
def one_each():
    same({f"{name}.3" for name in functions()} | OTHERS, map(os.path.basename, paths()), "pages")


@test("I groff has no warning on any page")
def groff():
    each(lambda path: said("groff", "-man", "-ww", "-Tutf8", "-z", path))


@test("I man has no warning on any page")
def man():
    each(lambda path: said("man", "--warnings", "-E", "UTF-8", "-l", path, silent=True))


def said(*command, silent=False):
    """What a command that looks for mistakes says."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env={**os.environ, "MANWIDTH": "80", "MANROFFSEQ": "", "LC_ALL": "C.UTF-8"})
    text = done.stderr if silent else done.stdout + done.stderr
    return text or (f"status {done.returncode}" if done.returncode else "")


@test("I mandoc finds no error and no warning on any page but that it has no date")
def mandoc():
    def complaint(path):
        text = subprocess.run(["mandoc", "-Tlint", "-Wwarning", path], capture_output=True, text=True).stdout
        # The pages have the version instead: the same sources give the same bytes on any day.
        return "\n".join(line for line in text.splitlines() if 'missing date, using ""' not in line)
    each(complaint)


@test("I no page has a character that is not ASCII, so that any locale shows it")
def ascii_only():
    each(lambda path: "" if open(path, "rb").read().isascii() else "not ASCII")


@test("I lexgrog finds name and summary of every page")
def whatis():
    def complaint(path):
        name = os.path.basename(path).rsplit(".", 1)[0]
        text = subprocess.run(["lexgrog", path], capture_output=True, text=True).stdout
        summary = re.fullmatch(rf'{re.escape(path)}: "{re.escape(name)} - (.+)"\n', text)
        if not summary:
            return text or "nothing found"
        return "" if re.fullmatch(r"[^`\\@]{5,110}[^.`\\ ]", summary[1]) else f"no summary: {summary[1]!r}"
    each(complaint)


@test("I the page of a function has its prototype, its description, its parameters and what it returns")
def says_all():
    for function in functions().values():
        text = rendered(page_of(f"{function.name}.3"))
        sections = dict(re.findall(r"^([A-Z][A-Z ]+)\n((?:(?:  .*)?\n)+)", text, re.M))
        prototype = re.search(rf"{function.name}\((.*?)\);", sections["SYNOPSIS"], re.S)
        names = [p.split("*")[-1].split()[-1] for p in prototype[1].split(",")] if prototype[1] != "void" else []
        equal(function.parameters, names, f"{function.name}: parameters in the prototype")
        check(plain(function.prose) == plain(sections["DESCRIPTION"]), f"{function.name}: description: {sections['DESCRIPTION']}")
        documented = plain(" ".join(f"{name} {what}" for name, what in function.documented))
        equal(documented, plain(sections.get("PARAMETERS", "")), f"{function.name}: parameters")
        if function.returned:
            equal(plain(function.returned), plain(sections["RETURN VALUE"]), f"{function.name}: return value")
        check("libtelemetry(3)" in sections["SEE ALSO"], f"{function.name}: see also")


@test("I libtelemetry(3) lists every function, type and constant of the header")
def library():
    text = rendered(page_of("libtelemetry.3"))
    listed = re.findall(r"^ +(telemetry_\w+)\(3\)", text[text.index("\nFUNCTIONS\n"):text.index("\nSEE ALSO\n")], re.M)
    same(functions(), listed, "functions")
    header = open(os.path.join(BUILD, "include/telemetry.h")).read()
    same(re.findall(r"^typedef (?:struct|enum) (\w+)", header, re.M), re.findall(r"^   (telemetry_\w+)$", text, re.M), "types")
    constants = re.findall(r"^ +(TELEMETRY_\w+) = -?\d|^#define (TELEMETRY_\w+) \"[a-z]", header, re.M)
    same({a or b for a, b in constants}, re.findall(r"^ {7}(TELEMETRY_\w+)(?= = | \"|$| {2})", text, re.M), "constants")


@test("I no page breaks a word, so that what is copied from it is a name")
def unbroken():
    each(lambda path: ", ".join(re.findall(r"\S+\u2010$", output("groff", "-man", "-Tutf8", "-P-cbou", path), re.M)))


@test("I every reference to a page of ours leads to one")
def references():
    ours = {os.path.basename(path) for path in paths()}
    for path in paths():
        for name, section in re.findall(r"\b((?:lib)?telemetry[\w-]*)\((\d)\)", rendered(path)):
            check(f"{name}.{section}" in ours, f"{os.path.basename(path)} refers to {name}({section})")
