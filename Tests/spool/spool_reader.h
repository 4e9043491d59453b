/* Reads spool segments, written from docs/spool-format.md alone; the quick sibling of
   spool_reader.py, for tests that read millions of records. */
#ifndef SPOOL_READER_H
#define SPOOL_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A valid record, in place: `bytes` is valid during the visit only. */
typedef struct spool_record {
    const uint8_t *bytes;
    uint32_t length;
    /** Where the attributes begin, and how many there are. */
    uint32_t attributes_offset;
    uint16_t attribute_count;
} spool_record;

/** What the segments of a directory hold, in sum. */
typedef struct spool_summary {
    /** Files named like a segment, and those among them without a valid description or of a later version of the format. */
    uint64_t segments, unreadable, later;
    /** Segments that are read up to a record of a kind or schema that is not known. */
    uint64_t stopped;
    /** Records reserved, delivered and dropped by the segments' own account, and found. */
    uint64_t reserved, delivered, dropped, found;
} spool_summary;

typedef void spool_visitor(void *context, const spool_record *record);

/** Visits the records of a segment's image that wait to be delivered, in order; adds to `summary`. */
void spool_read_image(const uint8_t *image, size_t size, spool_visitor *visit, void *context, spool_summary *summary);

/** Visits every segment in `directory`. False: the directory cannot be read. */
bool spool_read_directory(const char *directory, spool_visitor *visit, void *context, spool_summary *summary);

/** The value of the event's attribute `key` as an int; false: there is none. */
bool spool_int(const spool_record *record, const char *key, int64_t *value);

/** The value of the event's attribute `key` as a string of `length` bytes; NULL: there is none. */
const char *spool_string(const spool_record *record, const char *key, size_t *length);

#endif
