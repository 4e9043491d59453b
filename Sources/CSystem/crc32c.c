#include "csystem.h"

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
#include <nmmintrin.h>

__attribute__((target("sse4.2")))
static uint32_t crc_hardware(uint32_t crc, const unsigned char *bytes, size_t length)
{
    uint64_t state = crc;
    uint64_t word;
    while (length >= 8) {
        memcpy(&word, bytes, 8);
        state = _mm_crc32_u64(state, word);
        bytes += 8;
        length -= 8;
    }
    crc = (uint32_t)state;
    if (length >= 4) {
        uint32_t half;
        memcpy(&half, bytes, 4);
        crc = _mm_crc32_u32(crc, half);
        bytes += 4;
        length -= 4;
    }
    while (length--)
        crc = _mm_crc32_u8(crc, *bytes++);
    return crc;
}

static int has_hardware(void)
{
    static int known; /* 0: not asked, 1: no, 2: yes; a race writes the same value twice */
    int state = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (state == 0) {
        unsigned a, b, c = 0, d;
        state = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2) ? 2 : 1;
        __atomic_store_n(&known, state, __ATOMIC_RELAXED);
    }
    return state == 2;
}
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>

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

static int has_hardware(void) { return 1; }
#else
static uint32_t crc_hardware(uint32_t crc, const unsigned char *bytes, size_t length)
{
    return crc_portable(crc, bytes, length);
}

static int has_hardware(void) { return 0; }
#endif

uint32_t csystem_crc32c(uint32_t seed, const void *bytes, size_t length)
{
    uint32_t crc = ~seed;
    crc = has_hardware() ? crc_hardware(crc, bytes, length) : crc_portable(crc, bytes, length);
    return ~crc;
}

uint32_t csystem_crc32c_prefixed(uint32_t prefix, const void *bytes, size_t length)
{
    if (has_hardware()) {
        uint32_t crc = crc_hardware(~0u, (const unsigned char *)&prefix, sizeof prefix);
        return ~crc_hardware(crc, bytes, length);
    }
    return csystem_crc32c(csystem_crc32c(0, &prefix, sizeof prefix), bytes, length);
}
