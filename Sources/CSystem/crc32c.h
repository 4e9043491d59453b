/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of CRC-32C with the processor's own instruction, for code in which every nanosecond counts. A function that
   takes them has the attribute CRC_TARGET, and is called only if crc_has_hardware() says so. */
#ifndef CRC32C_H
#define CRC32C_H

#include "csystem.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#define CRC_HARDWARE 1
#define CRC_TARGET __attribute__((target("sse4.2,pclmul")))
CRC_TARGET static inline uint64_t crc_step(uint64_t crc, uint64_t word) { return _mm_crc32_u64(crc, word); }
bool crc_has_hardware(void);
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#define CRC_HARDWARE 1
#define CRC_TARGET
static inline uint64_t crc_step(uint64_t crc, uint64_t word) { return __crc32cd((uint32_t)crc, word); }
static inline bool crc_has_hardware(void) { return true; }
#else
#define CRC_HARDWARE 0
static inline bool crc_has_hardware(void) { return false; }
#endif

#if CRC_HARDWARE
/** The state after 1 to 7 bytes, the lowest ones of `word`, in one step: zeroes before a message do not change a state
    of zero, so the bytes are put behind zeroes. What they do not reach of the state moves on. */
CRC_TARGET static inline uint64_t crc_rest(uint64_t crc, uint64_t word, size_t length)
{
    return crc_step(0, (word ^ crc) << (64 - 8 * length)) ^ crc >> 8 * length;
}
#endif

#endif
