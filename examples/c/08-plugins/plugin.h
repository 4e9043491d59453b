/* What the host and its plugins have agreed on. */
#include <telemetry.h>

/* Each plugin exports `const struct plugin plugin`. */
struct plugin {
    const char *name;
    /* `host` is the host's collector, which may be off. The plugin's own events go to its own collector. */
    int (*start)(void);
    int (*check)(telemetry_collector *host, const char *text);
    void (*stop)(void);
};
