/* How many entries a directory has, "." and ".." included: of /proc/self/fd and /proc/self/task, before and after. For
   programs that are not linked with the library, and so not with fixture.h. */
#ifndef ENTRIES_H
#define ENTRIES_H

#include <dirent.h>

#include "harness.h"

static int entries(const char *directory)
{
    DIR *stream = opendir(directory);
    int count = 0;
    CHECK(stream != NULL);
    while (readdir(stream)) count++;
    closedir(stream);
    return count;
}

#endif
