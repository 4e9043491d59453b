/* The physical yardstick: the least that a careful C programmer would do to record the same event
   in the same format (docs/spool-format.md, "Records") into a file mapped MAP_SHARED: measure and
   check the strings, read the clock, make a UUID version 7, lock, encode in place, CRC-32C. No
   consent, no limits, no redaction, no recovery, one process. BENCH_RING_BYTES: size of the ring. */
#define _GNU_SOURCE
#include "payload.h"
#include <fcntl.h>
#include <nmmintrin.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static unsigned char *ring;
static size_t ring_bytes, tail;
static uint32_t sync_word;
static uint64_t random_state;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void subject_open(void)
{
    const char *size = getenv("BENCH_RING_BYTES"), *path = getenv("BENCH_RING");
    ring_bytes = size ? strtoull(size, NULL, 10) : 256 << 10;
    int fd = open(path ? path : "ring", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || posix_fallocate(fd, 0, (off_t)ring_bytes) != 0)
        exit((perror("ring"), 1));
    ring = mmap(NULL, ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ring == MAP_FAILED || getrandom(&random_state, sizeof random_state, 0) != sizeof random_state
        || getrandom(&sync_word, sizeof sync_word, 0) != sizeof sync_word)
        exit((perror("ring"), 1));
    random_state |= 1;
    close(fd);
}

/* Eight bytes at a time; the payload is ASCII, so a full UTF-8 decoder is never needed. */
static int is_ascii(const char *text, size_t length)
{
    uint64_t word, seen = 0;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        memcpy(&word, text + i, 8);
        seen |= word;
    }
    for (; i < length; i++)
        seen |= (unsigned char)text[i];
    return (seen & 0x8080808080808080u) == 0;
}

static uint32_t crc32c(uint32_t crc, const unsigned char *bytes, size_t length)
{
    uint64_t state = ~crc, word;
    for (; length >= 8; bytes += 8, length -= 8) {
        memcpy(&word, bytes, 8);
        state = _mm_crc32_u64(state, word);
    }
    for (; length; bytes++, length--)
        state = _mm_crc32_u8((uint32_t)state, *bytes);
    return ~(uint32_t)state;
}

static void make_uuid7(unsigned char *out, int64_t now_ns)
{
    uint64_t ms = (uint64_t)now_ns / 1000000, r;
    random_state ^= random_state << 13; /* xorshift64, under the lock */
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    r = random_state;
    uint64_t high = __builtin_bswap64(ms << 16 | 0x7000 | (r & 0xfff));
    uint64_t low = __builtin_bswap64((r * 0x9e3779b97f4a7c15u & 0x3fffffffffffffffu) | 0x8000000000000000u);
    memcpy(out, &high, 8);
    memcpy(out + 8, &low, 8);
}

struct text { const char *bytes; size_t length; };

static inline struct text measure(const char *bytes)
{
    struct text result = { bytes, strlen(bytes) };
    if (!is_ascii(result.bytes, result.length))
        exit(1);
    return result;
}

static inline unsigned char *put_attribute(unsigned char *out, unsigned char type, struct text key,
                                           const void *value, size_t length)
{
    uint16_t short_length = (uint16_t)length;
    out[0] = type;
    out[1] = (unsigned char)key.length;
    memcpy(out + 2, &short_length, 2);
    memcpy(out + 4, key.bytes, key.length);
    memcpy(out + 4 + key.length, value, length);
    return out + 4 + key.length + length;
}

static const char *const keys[5] = { "target", "compiler", "files", "seconds", "cached" };

static inline void subject_record(uint64_t i)
{
    const char *const *volatile table = keys; /* the keys, too, are unknown to the compiler */
    struct text type = measure(payload_type), name = measure(payload_name);
    struct text target = measure(payload_target), compiler = measure(payload_compiler), key[5];
    for (int k = 0; k < 5; k++)
        key[k] = measure(table[k]);
    int64_t files = payload_files(i);
    double seconds = payload_seconds(i);
    unsigned char cached = payload_cached(i);
    size_t length = 64 + type.length + name.length + 5 * 4 + target.length + compiler.length + 8 + 8 + 1;
    for (int k = 0; k < 5; k++)
        length += key[k].length;

    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_ns = now.tv_sec * 1000000000LL + now.tv_nsec;

    pthread_mutex_lock(&lock);
    if (tail + length + 8 > ring_bytes)
        tail = 0;
    unsigned char *record = ring + tail;
    uint32_t length32 = (uint32_t)length;
    uint16_t shorts[2] = { 0, 1 }, lengths[6] = { (uint16_t)type.length, (uint16_t)name.length, 0, 0, 0, 5 };
    memcpy(record + 8, &length32, 4);
    memcpy(record + 12, shorts, 4);
    memcpy(record + 16, &now_ns, 8);
    make_uuid7(record + 24, now_ns);
    memset(record + 40, 0, 12);
    memcpy(record + 52, lengths, 12);
    unsigned char *out = record + 64;
    memcpy(out, type.bytes, type.length);
    memcpy(out += type.length, name.bytes, name.length);
    out = put_attribute(out + name.length, 0, key[0], target.bytes, target.length);
    out = put_attribute(out, 0, key[1], compiler.bytes, compiler.length);
    out = put_attribute(out, 1, key[2], &files, 8);
    out = put_attribute(out, 2, key[3], &seconds, 8);
    put_attribute(out, 3, key[4], &cached, 1);
    uint32_t seed = sync_word ^ (uint32_t)tail;
    uint32_t crc = crc32c(crc32c(0, (unsigned char *)&seed, 4), record + 8, length - 8);
    memcpy(record + 4, &crc, 4);
    memcpy(record, &sync_word, 4);
    tail = (tail + length + 7) & ~(size_t)7;
    pthread_mutex_unlock(&lock);
}

static void subject_settle(void) {}
static void subject_close(void) {}

#include "harness.h"
