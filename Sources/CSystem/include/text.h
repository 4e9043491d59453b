/* SPDX-License-Identifier: Apache-2.0 */
/* The questions that redaction asks about a text, byte by byte and word by word: tables and loops that its rules
   share. A text is `count` bytes at `text`; an index outside it counts as the end. A list of words is one literal. */
#ifndef CSYSTEM_TEXT_H
#define CSYSTEM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The kind of each byte; a set of bytes is the bits of its kinds. ByteSet.swift names them. */
extern const uint8_t csystem_byte_kinds[256];

static inline bool csystem_is_in(uint8_t byte, uint32_t set) { return set >> csystem_byte_kinds[byte] & 1; }

/** The first index, beginning at `start`, whose byte is not in `set`. */
intptr_t csystem_text_end(const uint8_t *text, intptr_t count, intptr_t start, uint32_t set);
/** Whether `literal` begins at `index`. */
bool csystem_text_has(const uint8_t *text, intptr_t count, intptr_t index, const uint8_t *literal);
/** The same, ignoring case; `literal` is in lower-case letters. */
bool csystem_text_has_folded(const uint8_t *text, intptr_t count, intptr_t index, const uint8_t *literal);
/** The index after the first of `alternatives`, separated by `|`, that begins at `index`, ignoring case if
    `folds`; 0: none does. */
intptr_t csystem_text_behind(const uint8_t *text, intptr_t count, intptr_t index, const uint8_t *alternatives, bool folds);
/** The index after the first alternative of `pattern`, separated by `|`, that matches at `index`; 0: none. A
    capital is a set of bytes (text.c), `!` means that the next item does not follow, `+` and `*` take as many as there
    are; a backslash makes a sign literal. */
intptr_t csystem_text_match(const uint8_t *text, intptr_t count, intptr_t index, const uint8_t *pattern);
/** Where `list` continues after the word from `start` to `end`. In the list a blank precedes the word and `sign`
    follows it; case is ignored. NULL: the list does not contain it. */
const uint8_t *csystem_text_listed(const uint8_t *text, intptr_t start, intptr_t end, const uint8_t *list, uint8_t sign);
/** Looks for a word of `list` (words are between blanks) that the name from `start` to `end` ends with, ignoring
    case, and `-`, `_`, `.` and blanks in the name. Returns where the word begins in the name; -1: none. */
intptr_t csystem_text_ending(const uint8_t *text, intptr_t start, intptr_t end, const uint8_t *list);
/** The index after `%XX`, `%25XX` and so on, which is a sign encoded once or more; 0: it does not begin at
    `start`. */
intptr_t csystem_text_percent(const uint8_t *text, intptr_t count, intptr_t start, const uint8_t *code);

#endif
