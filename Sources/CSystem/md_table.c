#include "md_table.h"
#include "section.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/types.h>
#include <sha2.h>

/* The last word of the state names who computes it. */
enum { OWNER = sizeof(((csystem_sha256 *)NULL)->words) / sizeof(uint64_t) - 1 };

_Static_assert(sizeof(SHA2_CTX) <= OWNER * sizeof(uint64_t), "csystem_sha256 must hold SHA2_CTX");

typedef struct implementation {
    void (*init)(void *);
    void (*update)(void *, const void *, size_t);
    void (*final)(uint8_t *, void *);
} implementation;

static implementation md, crypto;
static const implementation *preferred;
static pthread_once_t md_once = PTHREAD_ONCE_INIT;

static bool resolve(implementation *into, void *library, const char *init, const char *update, const char *final)
{
    *(void **)&into->init = dlsym(library, init);
    *(void **)&into->update = dlsym(library, update);
    *(void **)&into->final = dlsym(library, final);
    return into->init && into->update && into->final;
}

static void md_load(void)
{
    if (!csystem_section_enter(CSYSTEM_LOADING)) return;
    void *library = dlopen("libmd.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library && resolve(&md, library, "SHA256Init", "SHA256Update", "SHA256Final"))
        __atomic_store_n(&preferred, &md, __ATOMIC_RELEASE);
    csystem_section_leave(CSYSTEM_LOADING);
}

/* OpenSSL's uses the processor's own instructions, six times as fast. Its state (SHA256_CTX, 112 bytes)
   is smaller than libmd's; the functions are deprecated since 3.0 and part of its ABI all the same. */
void csystem_sha256_prefer_fast(bool loading)
{
    static int looks;
    pthread_once(&md_once, md_load);
    if (__atomic_load_n(&preferred, __ATOMIC_ACQUIRE) != &md || __atomic_load_n(&looks, __ATOMIC_RELAXED) > loading) return;
    if (!csystem_section_enter(CSYSTEM_LOADING)) return;
    __atomic_store_n(&looks, loading + 1, __ATOMIC_RELAXED);
    void *library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL | (loading ? 0 : RTLD_NOLOAD));
    if (library && preferred == &md && resolve(&crypto, library, "SHA256_Init", "SHA256_Update", "SHA256_Final"))
        __atomic_store_n(&preferred, &crypto, __ATOMIC_RELEASE);
    csystem_section_leave(CSYSTEM_LOADING);
}

bool csystem_sha256_begin(csystem_sha256 *hash)
{
    pthread_once(&md_once, md_load);
    const implementation *owner = __atomic_load_n(&preferred, __ATOMIC_ACQUIRE);
    hash->words[OWNER] = (uintptr_t)owner;
    if (owner) owner->init(hash);
    return owner != NULL;
}

void csystem_sha256_update(csystem_sha256 *hash, const void *bytes, size_t length)
{
    if (length > 0) ((const implementation *)(uintptr_t)hash->words[OWNER])->update(hash, bytes, length);
}

void csystem_sha256_finish(csystem_sha256 *hash, uint8_t *digest)
{
    ((const implementation *)(uintptr_t)hash->words[OWNER])->final(digest, hash);
}
