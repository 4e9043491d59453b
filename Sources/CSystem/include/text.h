/* SPDX-License-Identifier: Apache-2.0 */
/* What redaction asks of a text, byte by byte and word by word: tables and loops that its rules share.
   A text is `count` bytes at `text`; an index outside it counts as the end. Lists of words are one literal each. */
#ifndef CSYSTEM_TEXT_H
#define CSYSTEM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The kind of each byte; a set of bytes is the bits of its kinds: ByteSet.swift names them. */
extern const uint8_t csystem_byte_kinds[256];

static inline bool csystem_is_in(uint8_t byte, uint32_t set) { return set >> csystem_byte_kinds[byte] & 1; }

/** The first index from `start` on whose byte is not in `set`. */
intptr_t csystem_text_end(const uint8_t *text, intptr_t count, intptr_t start, uint32_t set);
/** Whether `literal` begins at `index`. */
bool csystem_text_has(const uint8_t *text, intptr_t count, intptr_t index, const uint8_t *literal);
/** The same in either case; `literal` is in small letters. */
bool csystem_text_has_folded(const uint8_t *text, intptr_t count, intptr_t index, const uint8_t *literal);
/** Behind the first of `alternatives`, between `|`, that begins at `index`, in either case if it `folds`; 0: none does. */
intptr_t csystem_text_behind(const uint8_t *text, intptr_t count, intptr_t index, const uint8_t *alternatives, bool folds);
/** Behind the first alternative of `pattern`, between `|`, that matches at `index`; 0: none. A capital is a set of bytes
    (text.c), `!` means that the next one does not follow, `+` and `*` take as many as there are; a backslash takes the
    meaning from a sign. */
intptr_t csystem_text_match(const uint8_t *text, intptr_t count, intptr_t index, const uint8_t *pattern);
/** Where `list` goes on behind the word from `start` to `end`, which a blank precedes there and `sign` follows, in
    either case; NULL: the list does not have it. */
const uint8_t *csystem_text_listed(const uint8_t *text, intptr_t start, intptr_t end, const uint8_t *list, uint8_t sign);
/** Where the word of `list`, each between blanks, begins that the name from `start` to `end` ends with, in
    either case, with `-`, `_`, `.` and blanks left out of the name; -1: none. */
intptr_t csystem_text_ending(const uint8_t *text, intptr_t start, intptr_t end, const uint8_t *list);
/** Behind `%XX`, `%25XX` and so on, which is a sign encoded once or more; 0: it does not begin at `start`. */
intptr_t csystem_text_percent(const uint8_t *text, intptr_t count, intptr_t start, const uint8_t *code);

#endif
