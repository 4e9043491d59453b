/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <string.h>

/* Numbers as in ByteSet.swift. */
const uint8_t csystem_byte_kinds[256] = {
    ['0' ... '9'] = 1, ['a' ... 'f'] = 2, ['g' ... 'z'] = 3, ['A' ... 'F'] = 4, ['G' ... 'Z'] = 5,
    ['-'] = 6, ['_'] = 7, ['.'] = 8, ['/'] = 9, [' '] = 10, ['\t'] = 10, ['\n'] = 11, ['\r'] = 11, ['\v'] = 12, ['\f'] = 12,
    [0] = 13, ['"'] = 14, ['\''] = 14, ['`'] = 14, ['='] = 15, [':'] = 16, ['%'] = 17, ['+'] = 18, ['~'] = 19, ['$'] = 20,
    [','] = 21, ['<'] = 22, ['>'] = 23, ['&'] = 24, [';'] = 25, ['?'] = 26, ['#'] = 27,
    ['('] = 28, [')'] = 28, ['['] = 28, [']'] = 28, ['\\'] = 28, ['{' ... '}'] = 28, [0x7F] = 28,
    [1 ... 8] = 29, [0x0E ... 0x1F] = 29, ['@'] = 30, [0x80 ... 0xFF] = 31,
};

#if defined(__clang__)
#define SMALL __attribute__((minsize))
#else
#define SMALL
#endif

enum { UPPER = 1 << 4 | 1 << 5 };

static inline uint8_t folded(uint8_t byte) { return csystem_is_in(byte, UPPER) ? byte | 0x20 : byte; }

intptr_t csystem_text_end(const uint8_t *text, intptr_t count, intptr_t start, uint32_t set)
{
    while (start < count && csystem_is_in(text[start], set))
        start++;
    return start;
}

bool csystem_text_has(const uint8_t *text, intptr_t count, intptr_t index, const uint8_t *literal)
{
    if (index < 0)
        return false;
    for (; *literal; literal++, index++)
        if (index >= count || text[index] != *literal)
            return false;
    return true;
}

SMALL bool csystem_text_has_folded(const uint8_t *text, intptr_t count, intptr_t index, const uint8_t *literal)
{
    if (index < 0)
        return false;
    for (; *literal; literal++, index++)
        if (index >= count || folded(text[index]) != *literal)
            return false;
    return true;
}

SMALL intptr_t csystem_text_behind(const uint8_t *text, intptr_t count, intptr_t index, const uint8_t *alternatives, bool folds)
{
    if (index < 0 || index >= count)
        return 0;
    for (;; alternatives++) {
        intptr_t at = index;
        while (*alternatives && *alternatives != '|' && at < count && *alternatives == (folds ? folded(text[at]) : text[at]))
            alternatives++, at++;
        bool is_whole = !*alternatives || *alternatives == '|';
        if (is_whole && at > index)
            return at;
        while (*alternatives && *alternatives != '|')
            alternatives++;
        if (!*alternatives)
            return 0;
    }
}

enum {
    DIGIT = 1 << 1, LOWER = 3 << 2, UNDERSCORE = 1 << 7, DASH = 1 << 6, DOT = 1 << 8, BLANK = 1 << 10, SPACE = 0xF << 10,
    QUOTE = 1 << 14, EQUALS = 1 << 15, COMMA = 1 << 21, LESS = 1 << 22, GREATER = 1 << 23, AMPERSAND = 1 << 24,
    SEMICOLON = 1 << 25, NUMBER = 1 << 27, BRACKET = 1 << 28,
    LETTER = LOWER | UPPER, WORD = DIGIT | LETTER | DASH | UNDERSCORE,
    BEHIND = SPACE | QUOTE | COMMA | SEMICOLON | BRACKET | GREATER | AMPERSAND | DOT,
};

/* The sets that capitals mean in patterns. */
static const uint32_t pattern_sets[26] = {
    ['A' - 'A'] = LETTER, ['B' - 'A'] = BLANK, ['C' - 'A'] = BEHIND, ['D' - 'A'] = DIGIT, ['F' - 'A'] = LOWER | DOT,
    ['G' - 'A'] = SPACE | DOT | COMMA | QUOTE | SEMICOLON, ['H' - 'A'] = UPPER | UNDERSCORE | DASH,
    ['K' - 'A'] = BEHIND | EQUALS | LESS, ['L' - 'A'] = LOWER, ['M' - 'A'] = LOWER | UNDERSCORE, ['O' - 'A'] = WORD | DOT,
    ['P' - 'A'] = LOWER | DASH | UNDERSCORE | DOT, ['Q' - 'A'] = QUOTE, ['T' - 'A'] = LETTER | UNDERSCORE | DOT,
    ['U' - 'A'] = UPPER, ['V' - 'A'] = UPPER | UNDERSCORE, ['W' - 'A'] = WORD, ['X' - 'A'] = DIGIT | LETTER,
    ['Y' - 'A'] = DIGIT | UPPER | DASH | NUMBER,
};

SMALL intptr_t csystem_text_match(const uint8_t *text, intptr_t count, intptr_t index, const uint8_t *pattern)
{
    intptr_t at = index;
    while (*pattern && *pattern != '|') {
        bool is_not = *pattern == '!';
        pattern += is_not;
        uint32_t set = *pattern >= 'A' && *pattern <= 'Z' ? pattern_sets[*pattern - 'A'] : 0;
        pattern += *pattern == '\\';
        uint8_t sign = *pattern++;
        intptr_t first = at;
        bool is_found;
        if (*pattern == '+' || *pattern == '*') {
            at = csystem_text_end(text, count, at, set);
            is_found = at > first || *pattern == '*';
            pattern++;
        } else {
            uint8_t byte = at < count ? text[at] : 0;
            is_found = set ? csystem_is_in(byte, set) : byte == sign;
            at += is_found && !is_not;
        }
        if (is_found == is_not) {
            while (*pattern != '|')
                if (!*pattern++)
                    return 0;
            pattern++;
            at = index;
        }
    }
    return at;
}

SMALL const uint8_t *csystem_text_listed(const uint8_t *text, intptr_t start, intptr_t end, const uint8_t *list, uint8_t sign)
{
    char word[20] = " ";
    if (end <= start || end - start > (intptr_t)sizeof word - 3)
        return NULL;
    intptr_t length = 1;
    for (; start < end; start++)
        word[length++] = (char)folded(text[start]);
    word[length++] = (char)sign;
    word[length] = 0;
    const char *found = strstr((const char *)list, word);
    return found ? (const uint8_t *)found + length : NULL;
}

/** Where the last letters of the name from `start` to `end` begin, if they are the word that ends before `word`;
    -1: they are not. */
SMALL static intptr_t last_letters(const uint8_t *text, intptr_t start, intptr_t end, const char *word)
{
    enum { longest = 64 };
    intptr_t index = end;
    for (int matched = 0; *--word != ' '; matched++) {
        for (;;) {
            if (index <= start || end - index >= longest)
                return -1;
            uint8_t byte = text[--index];
            if ((byte | 0x20) == *word)
                break;
            /* The quick check of keys relies on two adjacent letters. */
            if (matched < 2 || !(byte == '-' || byte == '_' || byte == '.' || byte == ' '))
                return -1;
        }
    }
    return index;
}

SMALL intptr_t csystem_text_ending(const uint8_t *text, intptr_t start, intptr_t end, const uint8_t *list)
{
    if (end - start < 2)
        return -1;
    const char last[] = {(char)folded(text[end - 2]), (char)folded(text[end - 1]), ' ', 0};
    for (const char *word = (const char *)list; (word = strstr(word, last)); word++) {
        intptr_t first = last_letters(text, start, end, word + 2);
        if (first >= 0)
            return first;
    }
    return -1;
}

SMALL intptr_t csystem_text_percent(const uint8_t *text, intptr_t count, intptr_t start, const uint8_t *code)
{
    if (start < 0 || start >= count || text[start] != '%')
        return 0;
    intptr_t index = start + 1;
    while (index < start + 7 && csystem_text_has(text, count, index, (const uint8_t *)"25"))
        index += 2;
    return csystem_text_has_folded(text, count, index, code) ? index + 2 : 0;
}
