/* SPDX-License-Identifier: Apache-2.0 */
/* The environment given by the caller, and the identity of this run of the system. */
#include <stdatomic.h>
#include <sys/auxv.h>

#include "csystem.h"

bool csystem_is_privileged(void) { return getauxval(AT_SECURE) != 0; }

const char *csystem_next_copy(const char *name, const char *previous)
{
    size_t length = strlen(name);
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        /* Nearly every other name begins with another letter. */
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

void csystem_boot_id(void *place)
{
    static _Atomic uint64_t known[2];
    uint64_t id[2] = {atomic_load_explicit(&known[0], memory_order_relaxed), atomic_load_explicit(&known[1], memory_order_relaxed)};
    if (id[0] == 0 || id[1] == 0) {
        memset(id, 0, sizeof id);
        int file = csystem_above_streams(open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
        if (file >= 0) {
            if (read(file, id, sizeof id) != sizeof id)
                memset(id, 0, sizeof id);
            close(file);
        }
        for (int i = 0; i < 2; i++)
            atomic_store_explicit(&known[i], id[i], memory_order_relaxed);
    }
    memcpy(place, id, sizeof id);
}
