/* The tracepoint's code and data; apart from its caller, as lttng-ust's manual advises. */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "lttng_provider.h"
