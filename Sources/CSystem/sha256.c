/* SPDX-License-Identifier: Apache-2.0 */
#include "sha256.h"
#include "section.h"

#include <dlfcn.h>
#include <sys/types.h>
#include <sha2.h>

/* The last word of the state says which library computes the hash. */
enum { OWNER = sizeof(((csystem_sha256 *)NULL)->words) / sizeof(uint64_t) - 1 };

_Static_assert(sizeof(SHA2_CTX) <= OWNER * sizeof(uint64_t), "csystem_sha256 must hold SHA2_CTX");

typedef struct implementation {
    void (*init)(void *);
    void (*update)(void *, const void *, size_t);
    void (*final)(uint8_t *, void *);
} implementation;

static void md_init(void *state) { SHA256Init(state); }
static void md_update(void *state, const void *bytes, size_t length) { SHA256Update(state, bytes, length); }
static void md_final(uint8_t *digest, void *state) { SHA256Final(digest, state); }

static const implementation md = {md_init, md_update, md_final};
static implementation crypto;
static const implementation *preferred = &md;

static bool resolve(implementation *into, void *library)
{
    *(void **)&into->init = dlsym(library, "SHA256_Init");
    *(void **)&into->update = dlsym(library, "SHA256_Update");
    *(void **)&into->final = dlsym(library, "SHA256_Final");
    return into->init && into->update && into->final;
}

/* OpenSSL uses special instructions of the processor and is six times as fast. Its state (SHA256_CTX, 112 bytes)
   is smaller than libmd's. The functions are deprecated since 3.0, but still a part of its ABI. */
void csystem_sha256_prefer_fast(bool loading)
{
    static int looks;
    if (__atomic_load_n(&preferred, __ATOMIC_ACQUIRE) != &md || __atomic_load_n(&looks, __ATOMIC_RELAXED) > loading) return;
    if (!csystem_section_enter(CSYSTEM_LOADING)) return;
    __atomic_store_n(&looks, loading + 1, __ATOMIC_RELAXED);
    void *library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL | (loading ? 0 : RTLD_NOLOAD));
    if (library && preferred == &md && resolve(&crypto, library)) __atomic_store_n(&preferred, &crypto, __ATOMIC_RELEASE);
    csystem_section_leave(CSYSTEM_LOADING);
}

void csystem_sha256_begin(csystem_sha256 *hash)
{
    const implementation *owner = __atomic_load_n(&preferred, __ATOMIC_ACQUIRE);
    hash->words[OWNER] = (uintptr_t)owner;
    owner->init(hash);
}

void csystem_sha256_update(csystem_sha256 *hash, const void *bytes, size_t length)
{
    if (length > 0) ((const implementation *)(uintptr_t)hash->words[OWNER])->update(hash, bytes, length);
}

void csystem_sha256_finish(csystem_sha256 *hash, uint8_t *digest)
{
    ((const implementation *)(uintptr_t)hash->words[OWNER])->final(digest, hash);
}
