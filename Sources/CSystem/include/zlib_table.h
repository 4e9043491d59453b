/* SPDX-License-Identifier: Apache-2.0 */
/* zlib, opened when the first request body is compressed. Only its header is needed to build. */
#ifndef CSYSTEM_ZLIB_TABLE_H
#define CSYSTEM_ZLIB_TABLE_H

#include <stddef.h>

/** Writes `length` bytes as one gzip member (RFC 1952) into `area`. Returns the size of the member. 0: zlib cannot
    be loaded, memory ran out, or the result does not fit. */
size_t csystem_gzip(const void *bytes, size_t length, void *area, size_t capacity);

#endif
