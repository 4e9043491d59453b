#include "md_table.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/types.h>
#include <sha2.h>

_Static_assert(sizeof(SHA2_CTX) <= sizeof(csystem_sha256), "csystem_sha256 must hold SHA2_CTX");

static struct {
    __typeof__(&SHA256Init) init;
    __typeof__(&SHA256Update) update;
    __typeof__(&SHA256Final) final;
    bool loaded;
} md;

static pthread_once_t md_once = PTHREAD_ONCE_INIT;

static void md_load(void)
{
    void *library = dlopen("libmd.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    md.init = (__typeof__(md.init))dlsym(library, "SHA256Init");
    md.update = (__typeof__(md.update))dlsym(library, "SHA256Update");
    md.final = (__typeof__(md.final))dlsym(library, "SHA256Final");
    md.loaded = md.init && md.update && md.final;
}

bool csystem_sha256_begin(csystem_sha256 *hash)
{
    pthread_once(&md_once, md_load);
    if (md.loaded) md.init((SHA2_CTX *)hash);
    return md.loaded;
}

void csystem_sha256_update(csystem_sha256 *hash, const void *bytes, size_t length)
{
    if (length > 0) md.update((SHA2_CTX *)hash, bytes, length);
}

void csystem_sha256_finish(csystem_sha256 *hash, uint8_t *digest)
{
    md.final(digest, (SHA2_CTX *)hash);
}
