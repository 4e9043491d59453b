"""manual-generator refuses what it cannot make a page or a script of, with status 1 and a sentence that says where."""
import os
import subprocess
import tempfile

from manual import BUILD, GENERATOR, check, equal, read, test

TABLE = os.path.join(BUILD, "obj/commands.json")


def refused(expected, arguments, files):
    """`arguments` may name the files."""
    with tempfile.TemporaryDirectory() as directory:
        for name, text in files.items():
            with open(os.path.join(directory, name), "w") as file:
                file.write(text)
        done = subprocess.run([GENERATOR, *arguments], cwd=directory, capture_output=True, text=True)
        equal(1, done.returncode, "status")
        check(done.stderr.startswith("manual-generator: ") and expected in done.stderr, f"{done.stderr!r} does not say {expected!r}")
        equal("", done.stdout, "standard output")


def case(name, expected, *arguments, **files):
    test(f"I refused: {name}")(lambda: refused(expected, arguments, {key.replace("_", "."): text for key, text in files.items()}))


def header(name, expected, old, new):
    text = read("include/telemetry.h")
    check(old in text, f"no {old!r} in the header")
    case(name, expected, "functions", "telemetry.h", "1", ".", telemetry_h=text.replace(old, new, 1))


def frame(name, expected, line, document="# A\n\n## B\n\ntext\n"):
    case(name, expected, "page", "x.in", TABLE, "1", x_in=line + "\n", x_md=document)


header("a function without documentation", "telemetry_options_free: has no documentation",
       """/**
 * Frees options. Collectors opened with them are not affected. NULL is ignored.
 *
 * Threads: one at a time for the same options.
 * Blocking: none.
 *
 * @since 0.1.0
 */
""", "")
header("a prototype that it cannot read", "is no parameter", "telemetry_options_free(telemetry_options *options)", "telemetry_options_free(void (*f)(int))")
header("a header without its introduction", "has no introduction", "\n/*\n", "\n/* none */\n")
header("a header without a title", "SUMMARY", " * libtelemetry: usage", " * usage")
frame("an unknown directive", "x.in: '%bogus'?", "%bogus")
frame("a document that is not there", "none.md: No such file", "%document none.md")
frame("a section that is not there", "x.md: no section 'C'", "%section x.md C")
frame("Markdown that it does not know", "x.md:3: '> quoted' is no Markdown", "%document x.md", "# A\n\n> quoted\n")
frame("a table whose row has too few cells", "1 cells, expected 2", "%document x.md", "# A\n\n| a | b |\n|---|---|\n| c |\n")
frame("a table without a head", "not the head of a table", "%document x.md", "| a | b |\n| c | d |\n| e | f |\n")
case("a table of commands that is none", "not a table of commands", "completion", "bash", "x.json", x_json="{}")
case("an unknown shell", "usage:", "completion", "tcsh", TABLE)
case("a directory that is not there", "No such file", "functions", os.path.join(BUILD, "include/telemetry.h"), "1", "none")
