/* SPDX-License-Identifier: Apache-2.0 */
#include "crc32c.h"

/* Reflected Castagnoli polynomial. */
#define POLYNOMIAL 0x82f63b78u

static uint32_t table[256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void make_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (POLYNOMIAL & (0u - (crc & 1u)));
        table[i] = crc;
    }
}

static uint32_t crc_portable(uint32_t crc, const unsigned char *bytes, size_t length)
{
    pthread_once(&table_once, make_table);
    while (length--)
        crc = (crc >> 8) ^ table[(crc ^ *bytes++) & 0xff];
    return crc;
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <wmmintrin.h>

/* x^(8n - 33) modulo the polynomial, reflected: a carry-less product with it, passed through the CRC instruction
   once more, is the CRC advanced by n bytes. */
#define MOVE_32 0xba4fc28eull
#define MOVE_64 0x9e4addf8ull

CRC_TARGET
static inline uint64_t moved(uint32_t crc, uint64_t move)
{
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi32_si128((int)crc), _mm_cvtsi64_si128((long long)move), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

/* The instruction takes three cycles, and one can start in each cycle: three parts are processed at once. */
CRC_TARGET
static uint32_t crc_hardware(uint32_t crc, const unsigned char *bytes, size_t length)
{
    uint64_t word[3];
    while (length >= 96) {
        uint64_t first = crc, second = 0, third = 0;
        for (int i = 0; i < 32; i += 8) {
            memcpy(&word[0], bytes + i, 8);
            memcpy(&word[1], bytes + 32 + i, 8);
            memcpy(&word[2], bytes + 64 + i, 8);
            first = _mm_crc32_u64(first, word[0]);
            second = _mm_crc32_u64(second, word[1]);
            third = _mm_crc32_u64(third, word[2]);
        }
        uint64_t earlier = moved((uint32_t)first, MOVE_64) ^ moved((uint32_t)second, MOVE_32);
        crc = (uint32_t)(_mm_crc32_u64(0, earlier) ^ third);
        bytes += 96;
        length -= 96;
    }
    uint64_t state = crc;
    while (length >= 8) {
        memcpy(&word[0], bytes, 8);
        state = _mm_crc32_u64(state, word[0]);
        bytes += 8;
        length -= 8;
    }
    crc = (uint32_t)state;
    while (length--)
        crc = _mm_crc32_u8(crc, *bytes++);
    return crc;
}

bool crc_has_hardware(void)
{
    static int known; /* 0: not asked, 1: no, 2: yes; a race writes the same value twice */
    int state = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (state == 0) {
        unsigned a, b, c = 0, d;
        state = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2) && (c & bit_PCLMUL) ? 2 : 1;
        __atomic_store_n(&known, state, __ATOMIC_RELAXED);
    }
    return state == 2;
}
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
static uint32_t crc_hardware(uint32_t crc, const unsigned char *bytes, size_t length)
{
    uint64_t word;
    while (length >= 8) {
        memcpy(&word, bytes, 8);
        crc = __crc32cd(crc, word);
        bytes += 8;
        length -= 8;
    }
    while (length--)
        crc = __crc32cb(crc, *bytes++);
    return crc;
}
#else
static uint32_t crc_hardware(uint32_t crc, const unsigned char *bytes, size_t length)
{
    return crc_portable(crc, bytes, length);
}
#endif

uint32_t csystem_crc32c(uint32_t seed, const void *bytes, size_t length)
{
    uint32_t crc = ~seed;
    crc = crc_has_hardware() ? crc_hardware(crc, bytes, length) : crc_portable(crc, bytes, length);
    return ~crc;
}

uint32_t csystem_crc32c_prefixed(uint32_t prefix, const void *bytes, size_t length)
{
    if (crc_has_hardware()) {
        uint32_t crc = crc_hardware(~0u, (const unsigned char *)&prefix, sizeof prefix);
        return ~crc_hardware(crc, bytes, length);
    }
    return csystem_crc32c(csystem_crc32c(0, &prefix, sizeof prefix), bytes, length);
}
