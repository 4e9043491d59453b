/* SPDX-License-Identifier: Apache-2.0 */
/* zlib, opened when the first body is compressed or unpacked. Only its header is needed to build. */
#ifndef CSYSTEM_ZLIB_TABLE_H
#define CSYSTEM_ZLIB_TABLE_H

#include <stddef.h>

/** Writes `length` bytes as one gzip member (RFC 1952) into `area`. Returns the size of the member. 0: zlib cannot
    be loaded, memory ran out, or the result does not fit. */
size_t csystem_gzip(const void *bytes, size_t length, void *area, size_t capacity);

typedef enum {
    CSYSTEM_UNPACKED,
    /** It is not gzip, or its end is missing. */
    CSYSTEM_NOT_GZIP,
    CSYSTEM_TOO_LARGE,
    /** zlib cannot be loaded, or memory ran out. */
    CSYSTEM_CANNOT_UNPACK,
} csystem_unpacking;

/** Unpacks one or more gzip members, at most `limit` bytes of content, and never takes much more memory than that. Only
    if it succeeds, `*area` is memory of malloc(3) with `*written` bytes. */
csystem_unpacking csystem_gunzip(
    const void *bytes, size_t length, size_t limit, unsigned char **area, size_t *written);

#endif
