/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an attribute may contain something to redact. Runs for every text of every event, so it only looks for
   what every rule needs; Sources/TelemetryCore/Redaction decides. It may flag harmless text, but never misses text
   that a rule redacts: a test compares it with the rules. */
#include "csystem.h"

#define LAST3(a, b, c) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16)

/** For the last letter of a name, or of its plural: which letters may come before it, and which before those. Most
    keys end otherwise. ord pwd swd red id, ase ode ure kie sse, ing, ial, ken ion dsn, ret jwt ort, key dby, nic, psk,
    nha; a sign may come before the last two. */
#define BIT(letter) (1u << ((letter) & 31))
#define SIGN (BIT('-') | BIT('_') | BIT('.') | BIT(' '))
static const struct { uint32_t second, third; } last_letters[32] = {
    ['a' & 31] = {BIT('h'), BIT('n') | SIGN},
    ['c' & 31] = {BIT('i'), BIT('n') | SIGN},
    ['d' & 31] = {BIT('r') | BIT('w') | BIT('e') | BIT('i'), BIT('o') | BIT('p') | BIT('s') | BIT('r') | BIT('n') | SIGN},
    ['e' & 31] = {BIT('s') | BIT('d') | BIT('r') | BIT('i'), BIT('a') | BIT('o') | BIT('u') | BIT('k') | BIT('s') | SIGN},
    ['g' & 31] = {BIT('n'), BIT('i') | SIGN},
    ['k' & 31] = {BIT('s'), BIT('p') | SIGN},
    ['l' & 31] = {BIT('a'), BIT('i') | SIGN},
    ['n' & 31] = {BIT('s') | BIT('e') | BIT('o'), BIT('k') | BIT('i') | BIT('d') | SIGN},
    ['s' & 31] = {BIT('a') | BIT('c') | BIT('d') | BIT('e') | BIT('g') | BIT('k') | BIT('l') | BIT('n') | BIT('t') | BIT('y'), ~0u},
    ['t' & 31] = {BIT('e') | BIT('w') | BIT('r'), BIT('r') | BIT('j') | BIT('o') | SIGN},
    ['y' & 31] = {BIT('e') | BIT('b'), BIT('k') | BIT('d') | SIGN},
    ['_' & 31] = {~0u, ~0u},
};

/** The key ends like the name of a secret; a number and an `s` may follow. */
static __attribute__((noinline, cold, minsize)) bool is_like_secret(const unsigned char *key, size_t length)
{
    size_t whole = length;
    while (length > 3 && ((unsigned char)(key[length - 1] - '0') < 10 || (length < whole && key[length - 1] == '_')))
        length--;
    if (length > 3 && (key[length - 1] | 0x20) == 's' && (key[length - 2] | 0x20) != 's')
        length--;
    if (length < 3)
        return false;
    const unsigned char *end = key + length;
    unsigned char before = length > 3 ? end[-4] | 0x20 : 0;
    /* A sign may come between any two letters. */
    bool split = before <= '.' || before == ('_' | 0x20);
    switch (LAST3(end[-3] | 0x20, end[-2] | 0x20, end[-1] | 0x20)) {
    case LAST3('o', 'r', 'd'): return split || before == 'w' || before == 'o';
    case LAST3('o', 'r', 't'): return split || before == 'w';
    case LAST3('s', 's', 'e'): return split || before == 'a';
    case LAST3('n', 'h', 'a'): return split || before == 'e';
    case LAST3('d', 'b', 'y'): return split || before == 'e';
    case LAST3('a', 's', 'e'): return split || before == 'r';
    case LAST3('o', 'd', 'e'): return split || before == 'c';
    case LAST3('r', 'e', 't'): return split || before == 'c';
    case LAST3('k', 'e', 'n'): return split || before == 'o';
    case LAST3('u', 'r', 'e'): return split || before == 't';
    case LAST3('i', 'a', 'l'): return split || before == 't';
    case LAST3('i', 'o', 'n'): return split || before == 't';
    case LAST3('k', 'i', 'e'): return split || before == 'o';
    case LAST3('i', 'n', 'g'): return split || before == 'r';
    case LAST3('n', 'i', 'c'): return split || before == 'o';
    case LAST3('_' | 0x20, 'i', 'd'):
    case LAST3('-', 'i', 'd'):
    case LAST3('.', 'i', 'd'):
    case LAST3(' ', 'i', 'd'): return before == 'n' || before == 's';
    case LAST3('n', 'i', 'd'): return before == 'o';
    case LAST3('k', 'e', 'y'):
    case LAST3('p', 's', 'k'):
    case LAST3('p', 'w', 'd'):
    case LAST3('s', 'w', 'd'):
    case LAST3('r', 'e', 'd'):
    case LAST3('d', 's', 'n'):
    case LAST3('s', 'i', 'd'):
    case LAST3('j', 'w', 't'): return true;
    default: return false;
    }
}

static inline bool ends_like_secret(const unsigned char *key, size_t length)
{
    if (length < 3)
        return false;
    unsigned char last = key[length - 1];
    if (last >= 'A' && !(last_letters[last & 31].second >> (key[length - 2] & 31) & last_letters[last & 31].third >> (key[length - 3] & 31) & 1))
        return false;
    return is_like_secret(key, length);
}

/** Looks at letters, capitals and digits: eight of them in a row, as in every key that has a known prefix, or many
    changes between them, as in random text. */
static inline bool is_mixed(uint64_t alphanumeric, uint64_t digits, uint64_t capitals, size_t length)
{
    uint64_t row = alphanumeric & alphanumeric >> 1;
    row &= row >> 2;
    if (row & row >> 4)
        return true;
    if (length < 20)
        return false;
    /* Eight changes need four groups, of digits or of capitals: four bits are set. */
    uint64_t groups = (digits & ~(digits << 1)) | (capitals & ~(capitals << 1));
    groups &= groups - 1;
    groups &= groups - 1;
    return (groups & (groups - 1)) != 0;
}

#if defined(__SSE2__)
#include <emmintrin.h>

static inline __m128i is_byte(__m128i bytes, char value) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(value)); }

static inline __m128i in_range(__m128i bytes, char low, char high)
{
    __m128i offset = _mm_sub_epi8(bytes, _mm_set1_epi8(low));
    return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8((char)(high - low))), offset);
}

/** A sign that some rule begins with or looks for: blanks, controls, % + / : = @ ~ and the backslash; and some
    others, because ranges are compared faster. */
static inline bool has_sign(__m128i bytes)
{
    __m128i found = _mm_or_si128(in_range(bytes, 0, ','), in_range(bytes, ':', '@'));
    /* With this bit set, the backslash and the tilde are equal, and few others. */
    __m128i folded = _mm_or_si128(bytes, _mm_set1_epi8('~' ^ '\\'));
    found = _mm_or_si128(found, _mm_or_si128(is_byte(bytes, '/'), is_byte(folded, '~')));
    return _mm_movemask_epi8(found) != 0;
}

/** Loads fewer than 16 bytes, some of them perhaps twice. */
static inline __m128i load_short(const unsigned char *text, size_t length)
{
    uint64_t first = 0x6161616161616161ull, last = first;
    if (length >= 8) {
        memcpy(&first, text, 8);
        memcpy(&last, text + length - 8, 8);
    } else if (length >= 4) {
        uint32_t a, b;
        memcpy(&a, text, 4);
        memcpy(&b, text + length - 4, 4);
        first = (uint64_t)a << 32 | b;
    } else {
        for (size_t i = 0; i < length; i++)
            first = first << 8 | text[i];
    }
    return _mm_set_epi64x((long long)last, (long long)first);
}

static inline bool is_suspect_text(const unsigned char *text, size_t length)
{
    if (length < 16)
        return has_sign(load_short(text, length));
    uint64_t alphanumeric = 0, digits = 0, capitals = 0;
    for (size_t offset = 0;;) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(text + offset));
        if (has_sign(bytes))
            return true;
        __m128i digit = in_range(bytes, '0', '9');
        __m128i letter = in_range(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
        alphanumeric |= (uint64_t)_mm_movemask_epi8(_mm_or_si128(digit, letter)) << offset;
        if (length >= 20) {
            digits |= (uint64_t)_mm_movemask_epi8(digit) << offset;
            capitals |= (uint64_t)_mm_movemask_epi8(in_range(bytes, 'A', 'Z')) << offset;
        }
        if (offset + 16 >= length)
            break;
        offset = offset + 32 <= length ? offset + 16 : length - 16;
    }
    return is_mixed(alphanumeric, digits, capitals, length);
}
#else
static inline bool is_alphanumeric(unsigned char byte)
{
    return (unsigned char)(byte - '0') < 10 || (unsigned char)((byte | 0x20) - 'a') < 26;
}

/** A sign that some rule begins with or looks for: blanks, controls, % + / : = @ ~ and the backslash. */
static inline bool is_sign(unsigned char byte)
{
    return byte <= ' ' || byte == '%' || byte == '+' || byte == '/' || byte == ':' || byte == '=' || byte == '@' || byte == '~' || byte == '\\';
}

static inline bool is_suspect_text(const unsigned char *text, size_t length)
{
    uint64_t alphanumeric = 0, digits = 0, capitals = 0;
    for (size_t i = 0; i < length; i++) {
        if (is_sign(text[i]))
            return true;
        alphanumeric |= (uint64_t)is_alphanumeric(text[i]) << i;
        digits |= (uint64_t)((unsigned char)(text[i] - '0') < 10) << i;
        capitals |= (uint64_t)((unsigned char)(text[i] - 'A') < 26) << i;
    }
    return length >= 16 && is_mixed(alphanumeric, digits, capitals, length);
}
#endif

bool csystem_is_suspect(const void *key, size_t key_length, const void *value, size_t length)
{
    /* The key comes last: the rarely needed code is then a jump, and no register has to be kept for it. */
    return (length | key_length) > 64 || is_suspect_text(value, length) || ends_like_secret(key, key_length);
}
