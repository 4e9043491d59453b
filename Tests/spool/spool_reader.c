#include "spool_reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { header_bytes = 4096, description_bytes = 1536, slot_bytes = 64 };

static uint16_t u16(const uint8_t *at) { uint16_t v; memcpy(&v, at, sizeof v); return v; }
static uint32_t u32(const uint8_t *at) { uint32_t v; memcpy(&v, at, sizeof v); return v; }
static uint64_t u64(const uint8_t *at) { uint64_t v; memcpy(&v, at, sizeof v); return v; }

static uint32_t table[256];

static void fill_table(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t value = byte;
        for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ (value & 1 ? 0x82F63B78u : 0);
        table[byte] = value;
    }
}

/** The running value: start with 0xFFFFFFFF, XOR the last with it. */
static uint32_t crc_run(uint32_t crc, const uint8_t *bytes, size_t length)
{
    if (table[1] == 0) fill_table();
    while (length--) crc = table[(crc ^ *bytes++) & 0xFF] ^ (crc >> 8);
    return crc;
}

static uint32_t crc32c(const uint8_t *bytes, size_t length) { return ~crc_run(0xFFFFFFFFu, bytes, length); }

static uint32_t seeded_crc(uint32_t seed, const uint8_t *bytes, size_t length)
{
    return ~crc_run(crc_run(0xFFFFFFFFu, (const uint8_t *)&seed, sizeof seed), bytes, length);
}

/** The first valid copy of the description, or NULL. */
static const uint8_t *description_of(const uint8_t *image)
{
    static const size_t copies[] = {1024, 2560};
    for (int i = 0; i < 2; i++) {
        const uint8_t *copy = image + copies[i];
        if (memcmp(copy, "TLMSEG\0\1", 8) != 0) continue;
        uint32_t length = u32(copy + 12);
        if (length < 64 || length > description_bytes) continue;
        if (crc32c(copy + 12, length - 12) == u32(copy + 8)) return copy;
    }
    return NULL;
}

static bool has_version(const uint8_t *copy, uint8_t from, uint8_t to)
{
    return memcmp(copy, "TLMSEG", 7) == 0 && copy[7] >= from && copy[7] <= to;
}

/** A segment that is not readable is of a later version of the format, and not damaged. */
static bool is_later(const uint8_t *image)
{
    const uint8_t *first = image + 1024, *second = image + 2560;
    if (has_version(first, 1, 1) || has_version(second, 1, 1)) return false;
    return has_version(first, 2, 255) || has_version(second, 2, 255);
}

/** The valid progress slot with the higher sequence number, or NULL. */
static const uint8_t *progress_of(const uint8_t *image, uint64_t generation)
{
    const uint8_t *best = NULL;
    for (int i = 0; i < 2; i++) {
        const uint8_t *slot = image + 64 + i * slot_bytes;
        uint32_t sequence = u32(slot + 4);
        if (sequence == 0 || u64(slot + 8) != generation || u32(slot + 16) < header_bytes) continue;
        if (crc32c(slot + 4, slot_bytes - 4) != u32(slot)) continue;
        if (!best || sequence > u32(best + 4)) best = slot;
    }
    return best;
}

/** Steps over one attribute at `offset`; 0: it does not fit. */
static uint32_t attribute_end(const uint8_t *record, uint32_t offset, uint32_t length)
{
    if (offset + 4 > length) return 0;
    uint8_t kind = record[offset];
    uint16_t value_length = u16(record + offset + 2);
    if (kind > 3 || ((kind == 1 || kind == 2) && value_length != 8) || (kind == 3 && value_length != 1)) return 0;
    uint32_t end = offset + 4 + record[offset + 1] + value_length;
    return end > length ? 0 : end;
}

/** Checks that all parts fit; fills in where the attributes are. */
static bool parts_fit(spool_record *record)
{
    const uint8_t *bytes = record->bytes;
    uint32_t offset = 64;
    for (int field = 52; field <= 58; field += 2) offset += u16(bytes + field);
    for (int i = 0, n = u16(bytes + 60); i < n; i++) {
        if (offset + 2 > record->length) return false;
        offset += 2 + u16(bytes + offset);
    }
    if (offset > record->length) return false;
    record->attributes_offset = offset;
    record->attribute_count = u16(bytes + 62);
    for (int i = 0; i < record->attribute_count; i++) {
        offset = attribute_end(bytes, offset, record->length);
        if (offset == 0) return false;
    }
    return true;
}

/** `unknown`: what is there is intact, and of a kind or schema that version 1 does not have. */
static bool record_at(const uint8_t *image, size_t size, size_t offset, uint32_t sync, spool_record *record, bool *unknown)
{
    if (offset + 64 > size || u32(image + offset) != sync) return false;
    uint32_t length = u32(image + offset + 8);
    if (length < 64 || length > 65528 || offset + length > size) return false;
    if (seeded_crc(sync ^ (uint32_t)offset, image + offset + 8, length - 8) != u32(image + offset + 4)) return false;
    *record = (spool_record){.bytes = image + offset, .length = length};
    *unknown = u16(record->bytes + 14) != 1;
    if (*unknown) return true;
    return parts_fit(record);
}

void spool_read_image(const uint8_t *image, size_t size, spool_visitor *visit, void *context, spool_summary *summary)
{
    summary->segments++;
    const uint8_t *description = size >= header_bytes ? description_of(image) : NULL;
    if (!description) {
        if (size >= header_bytes && is_later(image))
            summary->later++;
        else
            summary->unreadable++;
        return;
    }
    uint64_t state = u64(image);
    size_t end = (size_t)(state & 0xFFFFFF) * 8;
    if (end < header_bytes || end > size) end = size;
    summary->reserved += state >> 24 & 0xFFFFFF;
    size_t offset = header_bytes;
    const uint8_t *progress = progress_of(image, u64(description + 16));
    if (progress) {
        offset = u32(progress + 16);
        summary->delivered += u32(progress + 20);
        for (int reason = 0; reason < 10; reason++) summary->dropped += u32(progress + 24 + 4 * reason);
    }
    while (offset + 64 <= end) {
        spool_record record;
        bool unknown;
        if (!record_at(image, size, offset, u32(description + 44), &record, &unknown)) {
            offset += 8;
            continue;
        }
        if (unknown) {
            summary->stopped++;
            break;
        }
        summary->found++;
        if (visit) visit(context, &record);
        offset += (record.length + 7) / 8 * 8;
    }
}

static bool is_segment_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == 16 && strcmp(name + 16, ".seg") == 0;
}

static void read_file(int directory, const char *name, spool_visitor *visit, void *context, spool_summary *summary)
{
    int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) return;
    struct stat status;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= 64 << 20) {
        size_t size = (size_t)status.st_size;
        uint8_t *image = malloc(size ? size : 1);
        if (image && read(file, image, size) == (ssize_t)size) spool_read_image(image, size, visit, context, summary);
        free(image);
    }
    close(file);
}

bool spool_read_directory(const char *path, spool_visitor *visit, void *context, spool_summary *summary)
{
    DIR *directory = opendir(path);
    if (!directory) return false;
    for (struct dirent *entry; (entry = readdir(directory));)
        if (is_segment_name(entry->d_name)) read_file(dirfd(directory), entry->d_name, visit, context, summary);
    closedir(directory);
    return true;
}

static const uint8_t *find(const spool_record *record, const char *key, uint8_t kind)
{
    uint32_t offset = record->attributes_offset;
    for (int i = 0; i < record->attribute_count; i++) {
        const uint8_t *attribute = record->bytes + offset;
        if (attribute[0] == kind && attribute[1] == strlen(key) && memcmp(attribute + 4, key, attribute[1]) == 0)
            return attribute;
        offset += 4u + attribute[1] + u16(attribute + 2);
    }
    return NULL;
}

bool spool_int(const spool_record *record, const char *key, int64_t *value)
{
    const uint8_t *attribute = find(record, key, 1);
    if (attribute) memcpy(value, attribute + 4 + attribute[1], sizeof *value);
    return attribute != NULL;
}

const char *spool_string(const spool_record *record, const char *key, size_t *length)
{
    const uint8_t *attribute = find(record, key, 0);
    if (!attribute) return NULL;
    *length = u16(attribute + 2);
    return (const char *)attribute + 4 + attribute[1];
}
