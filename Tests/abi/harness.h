/* A test program: a table of named tests, one run per process, so that each starts with a library
   that has done nothing yet. `program --list` prints "name|requirement|title" lines;
   `program NAME` runs one test: exit code 0, or 1 with the failed check on stderr. */
#ifndef HARNESS_H
#define HARNESS_H

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <telemetry.h>

struct test {
    const char *name;
    /** The requirements proved, e.g. "C5 E12". */
    const char *requirement;
    /** What is shown, as a sentence. */
    const char *title;
    void (*body)(void);
};

/** Fails the test unless `condition` holds. */
#define CHECK(condition) \
    do { \
        if (!(condition)) harness_fail(__FILE__, __LINE__, "%s", #condition); \
    } while (0)

/** Fails the test unless both integers are equal; shows both. */
#define CHECK_INT(expected, actual) \
    do { \
        long long harness_expected = (long long)(expected), harness_actual = (long long)(actual); \
        if (harness_expected != harness_actual) \
            harness_fail(__FILE__, __LINE__, "%s: expected %lld, got %lld", #actual, harness_expected, harness_actual); \
    } while (0)

/** Fails the test unless both strings are equal; shows both. */
#define CHECK_STRING(expected, actual) \
    do { \
        const char *harness_expected = (expected), *harness_actual = (actual); \
        if (!harness_actual || strcmp(harness_expected, harness_actual) != 0) \
            harness_fail(__FILE__, __LINE__, "%s: expected \"%s\", got \"%s\"", #actual, harness_expected, \
                         harness_actual ? harness_actual : "NULL"); \
    } while (0)

void harness_fail(const char *file, int line, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

int harness_main(int argc, char **argv, const struct test *tests, size_t count);

#define TEST_PROGRAM(table) \
    int main(int argc, char **argv) { return harness_main(argc, argv, table, sizeof table / sizeof table[0]); }

#endif
