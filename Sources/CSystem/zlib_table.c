/* SPDX-License-Identifier: Apache-2.0 */
#include "zlib_table.h"
#include "section.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

static struct {
    int (*init)(z_stream *, int level, int method, int window, int memory, int strategy, const char *version, int size);
    int (*deflate)(z_stream *, int);
    int (*end)(z_stream *);
} zlib;
static pthread_once_t zlib_once = PTHREAD_ONCE_INIT;

static void zlib_resolve(void)
{
    void *library = dlopen("libz.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return;
    *(void **)&zlib.deflate = dlsym(library, "deflate");
    *(void **)&zlib.end = dlsym(library, "deflateEnd");
    if (zlib.deflate != NULL && zlib.end != NULL)
        *(void **)&zlib.init = dlsym(library, "deflateInit2_");
}

static void zlib_load(void)
{
    if (!csystem_section_enter(CSYSTEM_LOADING))
        return;
    zlib_resolve();
    csystem_section_leave(CSYSTEM_LOADING);
}

size_t csystem_gzip(const void *bytes, size_t length, void *area, size_t capacity)
{
    /* 16 more than the window's bits means gzip, not zlib. With these values, deflate takes 256 KiB while it runs.
       Level 1: for events as JSON, level 6 saves a tenth more and takes twice as long. */
    enum { LEVEL = 1, WINDOW = 15 + 16, MEMORY = 8 };
    z_stream stream;
    pthread_once(&zlib_once, zlib_load);
    if (zlib.init == NULL || length > UINT_MAX || capacity > UINT_MAX)
        return 0;
    memset(&stream, 0, sizeof stream);
    if (zlib.init(&stream, LEVEL, Z_DEFLATED, WINDOW, MEMORY, Z_DEFAULT_STRATEGY, ZLIB_VERSION, sizeof stream) != Z_OK)
        return 0;
    stream.next_in = (Bytef *)(uintptr_t)bytes;
    stream.avail_in = (uInt)length;
    stream.next_out = area;
    stream.avail_out = (uInt)capacity;
    size_t written = zlib.deflate(&stream, Z_FINISH) == Z_STREAM_END ? capacity - stream.avail_out : 0;
    zlib.end(&stream);
    return written;
}
