/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4) of libmd, which is linked in. Opening it would take a short program longer than all its
   hashing. */
#ifndef CSYSTEM_SHA256_H
#define CSYSTEM_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A hash in progress; room for libmd's SHA2_CTX and a pointer. */
typedef struct csystem_sha256 { uint64_t words[32]; } csystem_sha256;

/** From now on uses OpenSSL's SHA-256, if the process has loaded libcrypto already or, with `loading`, if it can
    be loaded. Looks once for each; cheap afterwards. For one thread at a time. */
void csystem_sha256_prefer_fast(bool loading);
void csystem_sha256_begin(csystem_sha256 *hash);
void csystem_sha256_update(csystem_sha256 *hash, const void *bytes, size_t length);
/** Writes 32 bytes. */
void csystem_sha256_finish(csystem_sha256 *hash, uint8_t *digest);

#endif
