/* SPDX-License-Identifier: Apache-2.0 */
/* The attributes of a series as a caller gives them, encoded and hashed in one pass to find the series:
   docs/metrics-format.md, "Series". Whether they may be stored is not looked at here. */
#include "crc32c.h"

enum { KEY_BYTES = 64, VALUE_BYTES = 1024, ATTRIBUTES = 64, HEADER_SIZE = 4, WORD = 8 };

/** The first four bytes as they would be stored. 0: the attribute would be changed, or left out. */
static inline uint32_t header_of(const telemetry_attribute *attribute)
{
    size_t length = WORD;
    if (!attribute->key)
        return 0;
    if (attribute->type == TELEMETRY_STRING) {
        if (!attribute->value.string || (length = strnlen(attribute->value.string, VALUE_BYTES + 1)) > VALUE_BYTES)
            return 0;
    } else if (attribute->type == TELEMETRY_BOOL) {
        length = 1;
    } else if (attribute->type > TELEMETRY_BOOL) {
        return 0;
    }
    size_t key = strnlen(attribute->key, KEY_BYTES + 1);
    if (key == 0 || key > KEY_BYTES)
        return 0;
    return (uint32_t)attribute->type | (uint32_t)key << 8 | (uint32_t)length << 16;
}

static inline size_t key_length(uint32_t header) { return header >> 8 & 0xff; }
static inline size_t value_length(uint32_t header) { return header >> 16; }
static inline uint8_t truth(const telemetry_attribute *attribute) { return (attribute->value.integer & 0xff) != 0; }

#if CRC_HARDWARE
static inline uint64_t load(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/** Writes the text, and up to seven bytes behind it. Of the text and its terminator, nothing else is read. */
CRC_TARGET static inline uint64_t put(uint64_t crc, const char *text, size_t length, unsigned char *target)
{
    uint64_t word;
    if (length >= WORD) {
        const char *end = text + length;
#pragma clang loop unroll(disable)
        for (; end - text >= WORD; text += WORD, target += WORD) {
            word = load(text);
            memcpy(target, &word, WORD);
            crc = crc_step(crc, word);
        }
        length &= WORD - 1;
        if (length == 0)
            return crc;
        word = load(end - WORD) >> (64 - 8 * length);
    } else if (length >= 3) {
        uint32_t first, last;
        memcpy(&first, text, 4);
        memcpy(&last, text + length - 3, 4);
        /* What both have comes to the same place. */
        word = first | (uint64_t)last << (8 * length - 24);
    } else if (length > 0) {
        uint16_t first, last;
        memcpy(&first, text, 2);
        memcpy(&last, text + length - 1, 2);
        word = first | (uint32_t)last << (8 * length - 8);
    } else {
        return crc;
    }
    memcpy(target, &word, WORD);
    return crc_rest(crc, word, length);
}

CRC_TARGET static intptr_t encode_hardware(
    const telemetry_attribute *attributes, size_t count, void *area, size_t capacity, uint32_t *hash)
{
    uint32_t sum = 0;
    unsigned char *at = area;
    for (const telemetry_attribute *attribute = attributes; attribute < attributes + count; attribute++) {
        uint32_t header = header_of(attribute);
        size_t key = key_length(header), value = value_length(header);
        if (header == 0)
            return CSYSTEM_CHANGED;
        if (capacity - (size_t)(at - (unsigned char *)area) < HEADER_SIZE + key + value + WORD)
            return CSYSTEM_LONG;
        memcpy(at, &header, HEADER_SIZE);
        at += HEADER_SIZE;
        uint64_t crc = put(crc_rest(UINT32_MAX, header, HEADER_SIZE), attribute->key, key, at);
        at += key;
        if (attribute->type == TELEMETRY_STRING) {
            crc = put(crc, attribute->value.string, value, at);
        } else {
            bool is_bool = attribute->type == TELEMETRY_BOOL;
            uint64_t word = is_bool ? truth(attribute) : (uint64_t)attribute->value.integer;
            memcpy(at, &word, WORD);
            crc = is_bool ? crc_rest(crc, word, 1) : crc_step(crc, word);
        }
        at += value;
        sum += ~(uint32_t)crc;
    }
    *hash = sum;
    return at - (unsigned char *)area;
}
#endif

/* Not a part of csystem_encode_given, which would have to save registers for it. */
__attribute__((noinline)) intptr_t csystem_encode_given_portable(
    const telemetry_attribute *attributes, size_t count, void *area, size_t capacity, uint32_t *hash)
{
    unsigned char *at = area;
    *hash = 0;
    for (size_t i = 0; i < count; i++) {
        const telemetry_attribute *attribute = &attributes[i];
        uint32_t header = header_of(attribute);
        size_t key = key_length(header), value = value_length(header);
        if (header == 0)
            return CSYSTEM_CHANGED;
        if (capacity - (size_t)(at - (unsigned char *)area) < HEADER_SIZE + key + value + WORD)
            return CSYSTEM_LONG;
        memcpy(at, &header, HEADER_SIZE);
        memcpy(at + HEADER_SIZE, attribute->key, key);
        if (attribute->type == TELEMETRY_STRING)
            memcpy(at + HEADER_SIZE + key, attribute->value.string, value);
        else if (attribute->type == TELEMETRY_BOOL)
            at[HEADER_SIZE + key] = truth(attribute);
        else
            memcpy(at + HEADER_SIZE + key, &attribute->value.integer, WORD);
        *hash += csystem_crc32c(0, at, HEADER_SIZE + key + value);
        at += HEADER_SIZE + key + value;
    }
    return at - (unsigned char *)area;
}

intptr_t csystem_encode_given(
    const telemetry_attribute *attributes, size_t count, void *area, size_t capacity, uint32_t *hash)
{
    if (count > ATTRIBUTES || (count > 0 && !attributes))
        return CSYSTEM_CHANGED;
#if CRC_HARDWARE
    if (crc_has_hardware())
        return encode_hardware(attributes, count, area, capacity, hash);
#endif
    return csystem_encode_given_portable(attributes, count, area, capacity, hash);
}
