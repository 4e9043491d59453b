/* The measuring loop with nothing in it: what the timer and the machine's noise amount to. */
#include <stdint.h>

static void subject_open(void) {}
static inline void subject_record(uint64_t i) { __asm__ volatile("" : : "r"(i) : "memory"); }
static void subject_settle(void) {}
static void subject_close(void) {}

#include "harness.h"
