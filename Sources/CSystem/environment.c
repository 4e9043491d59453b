/* What the caller has put into the environment. */
#include <sys/auxv.h>

#include "csystem.h"

bool csystem_is_privileged(void) { return getauxval(AT_SECURE) != 0; }

const char *csystem_next_copy(const char *name, const char *previous)
{
    size_t length = strlen(name);
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        /* Nearly every other name begins otherwise. */
        if (**entry != *name || strncmp(*entry, name, length) != 0 || (*entry)[length] != '=')
            continue;
        const char *value = *entry + length + 1;
        if (previous == NULL)
            return value;
        if (value == previous)
            previous = NULL;
    }
    return NULL;
}
