"""Pieces of a Makefile and of a CMakeLists.txt: they build a program against what is installed."""
import os
import re
import shutil

PROGRAM = """#include <telemetry.h>
#include <stdio.h>

int main(void)
{
    puts(telemetry_version());
    return 0;
}
"""


def check_make(world, block):
    directory = _directory(world, "make")
    with open(os.path.join(directory, "Makefile"), "w") as file:
        file.write(block.text)
    world.run(["make", "tool"], directory)
    world.run(["./tool"], directory)


def check_cmake(world, block):
    """What leaves out the beginning gets one."""
    directory, text = _directory(world, "cmake"), block.text
    if "add_executable" not in text:
        text = "add_executable(tool tool.c)\n" + text
    if "cmake_minimum_required" not in text:
        text = "cmake_minimum_required(VERSION 3.13)\nproject(tool C)\n" + text
    with open(os.path.join(directory, "CMakeLists.txt"), "w") as file:
        file.write(text)
    world.run(["cmake", "-S", ".", "-B", "built"], directory)
    world.run(["cmake", "--build", "built"], directory)
    world.run(["./built/" + re.search(r"add_executable\((\w+)", text)[1]], directory)


def _directory(world, name):
    directory = os.path.join(world.path, name)
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    for source in ("tool.c", "main.c"):
        with open(os.path.join(directory, source), "w") as file:
            file.write(PROGRAM)
    return directory
