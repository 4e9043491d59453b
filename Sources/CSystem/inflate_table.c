/* SPDX-License-Identifier: Apache-2.0 */
#include "zlib_table.h"
#include "section.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static struct {
    int (*init)(z_stream *, int window, const char *version, int size);
    int (*inflate)(z_stream *, int);
    int (*reset)(z_stream *);
    int (*end)(z_stream *);
} zlib;
static pthread_once_t zlib_once = PTHREAD_ONCE_INIT;

static void zlib_load(void)
{
    if (!csystem_section_enter(CSYSTEM_LOADING))
        return;
    void *library = dlopen("libz.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library != NULL) {
        *(void **)&zlib.inflate = dlsym(library, "inflate");
        *(void **)&zlib.reset = dlsym(library, "inflateReset");
        *(void **)&zlib.end = dlsym(library, "inflateEnd");
        if (zlib.inflate != NULL && zlib.reset != NULL && zlib.end != NULL)
            *(void **)&zlib.init = dlsym(library, "inflateInit2_");
    }
    csystem_section_leave(CSYSTEM_LOADING);
}

/* Room for more, at most `limit` bytes. */
static bool grow(unsigned char **area, size_t *capacity, size_t limit)
{
    size_t wanted = *capacity == 0 ? 64 << 10 : *capacity * 2;
    if (wanted > limit)
        wanted = limit;
    unsigned char *moved = wanted > *capacity ? realloc(*area, wanted) : NULL;
    if (moved == NULL)
        return false;
    *area = moved;
    *capacity = wanted;
    return true;
}

csystem_unpacking csystem_gunzip(const void *bytes, size_t length, size_t limit, unsigned char **area, size_t *written)
{
    /* 16 more than the window's bits means gzip, and nothing else. */
    enum { WINDOW = 15 + 16 };
    z_stream stream;
    size_t capacity = 0;
    csystem_unpacking result = CSYSTEM_NOT_GZIP;
    *area = NULL;
    *written = 0;
    pthread_once(&zlib_once, zlib_load);
    if (zlib.init == NULL)
        return CSYSTEM_CANNOT_UNPACK;
    if (length > UINT_MAX || limit >= UINT_MAX)
        return CSYSTEM_TOO_LARGE;
    memset(&stream, 0, sizeof stream);
    if (zlib.init(&stream, WINDOW, ZLIB_VERSION, sizeof stream) != Z_OK)
        return CSYSTEM_CANNOT_UNPACK;
    stream.next_in = (Bytef *)(uintptr_t)bytes;
    stream.avail_in = (uInt)length;
    for (;;) {
        /* One byte more than there may be tells a body that is too large from one that is not. */
        if (*written == capacity && !grow(area, &capacity, limit + 1)) {
            result = capacity > limit ? CSYSTEM_TOO_LARGE : CSYSTEM_CANNOT_UNPACK;
            break;
        }
        stream.next_out = *area + *written;
        stream.avail_out = (uInt)(capacity - *written);
        int status = zlib.inflate(&stream, Z_NO_FLUSH);
        *written = capacity - stream.avail_out;
        if (*written > limit) {
            result = CSYSTEM_TOO_LARGE;
            break;
        }
        if (status == Z_STREAM_END) {
            /* RFC 1952, section 2.2: members simply follow one another. */
            if (stream.avail_in == 0) {
                result = CSYSTEM_UNPACKED;
                break;
            }
            if (zlib.reset(&stream) != Z_OK)
                break;
        } else if (status == Z_MEM_ERROR) {
            result = CSYSTEM_CANNOT_UNPACK;
            break;
        } else if (status != Z_OK || (stream.avail_in == 0 && stream.avail_out != 0)) {
            break;
        }
    }
    zlib.end(&stream);
    if (result != CSYSTEM_UNPACKED) {
        free(*area);
        *area = NULL;
        *written = 0;
    }
    return result;
}
