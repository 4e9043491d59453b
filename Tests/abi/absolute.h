/* A file of the working directory by its whole name, which is what a backend takes. */
#ifndef ABSOLUTE_H
#define ABSOLUTE_H

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/** Valid until the thread's next call. */
static inline const char *absolute(const char *name)
{
    static _Thread_local char path[2 * PATH_MAX];
    char directory[PATH_MAX];
    if (name[0] == '/' || getcwd(directory, sizeof directory) == NULL)
        return name;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

#endif
