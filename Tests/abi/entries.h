/* How many descriptors ("fd") or threads ("task") this process has. For programs that are not linked with the library, and
   so not with fixture.c, too. */
#ifndef ENTRIES_H
#define ENTRIES_H

#include <dirent.h>

#include "harness.h"

static inline int count_entries(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/%s", name);
    DIR *directory = opendir(path);
    CHECK(directory != NULL);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory));) count += entry->d_name[0] != '.';
    closedir(directory);
    return strcmp(name, "fd") == 0 ? count - 1 : count;
}

#endif
