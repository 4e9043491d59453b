/* What a test's plugin exports as `plugin`. Collectors are `void *`, for the host knows nothing of the library. */
#ifndef PLUGIN_H
#define PLUGIN_H

#include <stdint.h>

struct counts {
    uint64_t recorded, delivered, pending, dropped;
};

struct plugin {
    /** Writes to `file`; NULL: sends to where nobody answers. */
    void *(*open)(const char *tool, const char *file);
    /** How many of `count` events were recorded. */
    int (*record)(void *collector, const char *name, int count);
    int (*flush)(void *collector, uint32_t timeout_ms);
    int (*close)(void *collector, uint32_t timeout_ms);
    struct counts (*count)(void *collector);
    /** An address in the library. */
    const void *(*library)(void);
};

#endif
