/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's event parser, opened with dlopen at the first manifest and never before: a program without a manifest
   does not load it. Events are flattened, so that Swift reads no union. */
#ifndef CSYSTEM_YAML_TABLE_H
#define CSYSTEM_YAML_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum csystem_yaml_kind {
    CSYSTEM_YAML_STREAM_END,
    CSYSTEM_YAML_DOCUMENT_START,
    CSYSTEM_YAML_DOCUMENT_END,
    CSYSTEM_YAML_SCALAR,
    CSYSTEM_YAML_ALIAS,
    CSYSTEM_YAML_SEQUENCE_START,
    CSYSTEM_YAML_SEQUENCE_END,
    CSYSTEM_YAML_MAPPING_START,
    CSYSTEM_YAML_MAPPING_END,
    /** Not well formed: `text` says why. No event follows. */
    CSYSTEM_YAML_ERROR
} csystem_yaml_kind;

typedef struct csystem_yaml_event {
    csystem_yaml_kind kind;
    /** A plain scalar: without quotes, so that its text may mean a number or a boolean. */
    bool plain;
    /** The node has an anchor or a tag. */
    bool anchored, tagged;
    /** From 0, in characters. */
    size_t line, column;
    /** Text of a scalar or of an error: UTF-8, not terminated, valid until the next call. */
    const uint8_t *text;
    size_t length;
} csystem_yaml_event;

typedef struct csystem_yaml csystem_yaml;

/** Begins to parse UTF-8 that must outlive the parser. 0, ENOMEM, or ELIBACC without libyaml. */
int csystem_yaml_open(csystem_yaml **parser, const void *bytes, size_t length);
/** The next event, valid until the next call. */
void csystem_yaml_next(csystem_yaml *parser, csystem_yaml_event *event);
void csystem_yaml_close(csystem_yaml *parser);

/** strtod(3) in the C locale, whatever the host's locale is. False: `text` is not a number, or only a part of it
    is. */
bool csystem_yaml_double(const char *text, double *value);

#endif
