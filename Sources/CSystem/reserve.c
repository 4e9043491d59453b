/* SPDX-License-Identifier: Apache-2.0 */
#include "csystem.h"

#include <sched.h>

/* Swift's allocator ends the program if memory is out: it calls posix_memalign(3) and unwraps the result. Code
   that is linked with this file has its own posix_memalign and free, which are hidden from all other code: if the
   real one fails, a small area that is set aside provides what a call needs to finish. */

enum {
    GRANULE = 64,
    GRANULES = 8192,
    PATIENCE = 10000,
};

static _Alignas(4096) unsigned char area[GRANULES * GRANULE];
/* The number of granules of a block, at its first granule; 0: free, as are granules that no block covers. */
static uint16_t lengths[GRANULES];
static unsigned taken;
static bool locked;

/* Held for a few instructions. A child that was forked during them never gets the lock, and is told that there is
   no more memory. */
static bool acquire(void)
{
    for (int i = 0; i < PATIENCE; i++) {
        if (!__atomic_exchange_n(&locked, true, __ATOMIC_ACQUIRE))
            return true;
        sched_yield();
    }
    return false;
}

static void release(void)
{
    __atomic_store_n(&locked, false, __ATOMIC_RELEASE);
}

/* Takes the first gap of that many granules. */
static void *take(size_t count)
{
    size_t gap = 0;
    for (size_t i = 0; i < GRANULES && i - gap < count;) {
        if (lengths[i] != 0)
            gap = i += lengths[i];
        else
            i++;
        if (i - gap == count) {
            lengths[gap] = (uint16_t)count;
            __atomic_add_fetch(&taken, (unsigned)count, __ATOMIC_RELAXED);
            return area + gap * GRANULE;
        }
    }
    return NULL;
}

static void *take_from_reserve(size_t size, size_t alignment)
{
    if (alignment > GRANULE || size > sizeof area / 2 || !acquire())
        return NULL;
    void *block = take(size / GRANULE + 1);
    release();
    return block;
}

/* Without the lock the block stays taken, which csystem_has_memory() notices. */
static void give_back(size_t offset)
{
    size_t first = offset / GRANULE;
    if (!acquire())
        return;
    __atomic_sub_fetch(&taken, lengths[first], __ATOMIC_RELAXED);
    lengths[first] = 0;
    release();
}

bool csystem_has_memory(size_t bytes)
{
    if (__atomic_load_n(&taken, __ATOMIC_RELAXED) > GRANULES / 4)
        return false;
    if (bytes == 0)
        return true;
    /* Volatile: otherwise the compiler removes an allocation that is freed at once. */
    void *volatile probe = malloc(bytes);
    bool has_memory = probe != NULL;
    free(probe);
    return has_memory;
}

#ifdef CSYSTEM_RESERVE

__attribute__((visibility("hidden"))) int posix_memalign(void **block, size_t alignment, size_t size)
{
    bool is_plain = alignment <= _Alignof(max_align_t);
    *block = is_plain ? malloc(size) : aligned_alloc(alignment, (size + alignment - 1) & ~(alignment - 1));
    if (*block == NULL)
        *block = take_from_reserve(size, alignment);
    return *block == NULL ? ENOMEM : 0;
}

__attribute__((visibility("hidden"))) void free(void *block)
{
    /* The process's own free, whichever library provides it. */
    static void (*real)(void *);
    void (*found)(void *) = __atomic_load_n(&real, __ATOMIC_RELAXED);
    size_t offset = (size_t)((uintptr_t)block - (uintptr_t)area);
    if (offset < sizeof area) {
        give_back(offset);
        return;
    }
    if (found == NULL) {
        found = (void (*)(void *))dlsym(RTLD_DEFAULT, "free");
        __atomic_store_n(&real, found, __ATOMIC_RELAXED);
    }
    if (found != NULL)
        found(block);
}

#endif
