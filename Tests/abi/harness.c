#include "harness.h"

#include <stdarg.h>
#include <unistd.h>

void harness_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    fflush(stderr);
    _exit(1);
}

int harness_main(int argc, char **argv, const struct test *tests, size_t count)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < count; i++) printf("%s|%s|%s\n", tests[i].name, tests[i].requirement, tests[i].title);
        return 0;
    }
    for (size_t i = 0; argc == 2 && i < count; i++) {
        if (strcmp(argv[1], tests[i].name) != 0) continue;
        tests[i].body();
        return 0;
    }
    fprintf(stderr, "usage: %s --list | NAME\n", argv[0]);
    return 2;
}
