"""C and C++: programs are compiled and run, pieces of them are put into a frame."""
import re

from suite import Failed

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
LANGUAGES = {"c": ["cc", "-std=c99", "-x", "c"], "cpp": ["c++", "-std=c++17", "-x", "c++"]}
#: A piece may store a refusal; those behind it record all the same.
AGREED = {"MYTOOL_TELEMETRY_ENABLED": "1"}
HEADERS = {"c": "telemetry.h", "cpp": "telemetry.hpp"}

# What a piece of a program may take for granted. Braces let it declare the same names again.
FRAMES = {
    "c": """#define _POSIX_C_SOURCE 200809L
#include <telemetry.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int block(telemetry_options *options, telemetry_collector *telemetry, int argc, char **argv, int exit_code)
{
    (void)options, (void)telemetry, (void)argc, (void)argv, (void)exit_code;
    {
%s
    }
    return 0;
}

int main(int argc, char **argv)
{
    telemetry_options *options = telemetry_options_new("mytool", "1.0.0");
    telemetry_collector *telemetry = telemetry_open(options);
    char problem[512];
    int status = block(options, telemetry, argc, argv, 0);
    if (telemetry_options_error(options, problem, sizeof problem) > 0) {
        fprintf(stderr, "telemetry_options_error: %%s\\n", problem);
        return 99;
    }
    return status;
}
""",
    "cpp": """#include <telemetry.hpp>
#include <cstdio>
#include <string>
#include <string_view>

static int block(telemetry::Options &options, telemetry::Collector &telemetry, int argc, char **argv, int exit_code)
{
    (void)options, (void)telemetry, (void)argc, (void)argv, (void)exit_code;
    {
%s
    }
    return 0;
}

int main(int argc, char **argv)
{
    telemetry::Options options{"mytool", "1.0.0"};
    telemetry::Collector telemetry{options};
    return block(options, telemetry, argc, argv, 0);
}
""",
}


def is_program(text):
    return re.search(r"^int main\(", text, re.MULTILINE) is not None


def has_functions(text):
    """A body's braces stand in the first column, as everywhere in this project."""
    return re.search(r"^\{$", text, re.MULTILINE) is not None


def source(block):
    """What is compiled; lines are counted as in the document."""
    place = f'#line {block.line + 1} "{block.document.path}"\n{block.text}'
    if is_program(block.text):
        return place
    if has_functions(block.text):
        return f"#define _POSIX_C_SOURCE 200809L\n#include <{HEADERS[block.info]}>\n{place}"
    return FRAMES[block.info] % place


def compile_source(world, language, name, text, *flags):
    path, program = world.file(f"{name}.{language}", text), world.file(name)
    compiler, *options = LANGUAGES[language]
    wanted = world.run(["pkg-config", "--cflags", "--libs", "libtelemetry"]).split()
    world.run([compiler, *options, *WARNINGS, "-pthread", *flags, path, "-x", "none", "-o", program, *wanted])
    return program


def check(world, block):
    """Compiled with warnings as errors; whatever has a main is run and has to end with 0."""
    if not is_program(block.text) and has_functions(block.text):
        # Nothing calls them.
        compile_source(world, block.info, "block.o", source(block), "-c", "-Wno-unused-function")
        return
    program = compile_source(world, block.info, "block", source(block))
    output, code = world.try_to([program], **AGREED)
    if code != 0:
        raise Failed(f"ends with {code}\n{output}")
    world.output = output
