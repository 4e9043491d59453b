/* The event that every contestant records: a type, a name and five attributes, two strings, an
   int, a double and a bool. The strings live in payload.c, so that no compiler can know their
   lengths or contents. */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

extern const char *const payload_type;
extern const char *const payload_name;
extern const char *const payload_target;
extern const char *const payload_compiler;

/* The attributes of metrics. */
extern const char *const payload_method;
extern const char *const payload_status;

/* The numbers differ from event to event, so that nothing can be computed once. */
static inline int64_t payload_files(uint64_t i) { return (int64_t)i; }
static inline double payload_seconds(uint64_t i) { return (double)i * 0.25; }
static inline bool payload_cached(uint64_t i) { return (i & 1) != 0; }

#ifdef __cplusplus
}
#endif
#endif
