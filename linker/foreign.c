/* SPDX-License-Identifier: Apache-2.0 */
/* Strings whose bytes lie in objects of Objective-C do not exist on Linux. The Embedded Swift standard library
   nevertheless brings the code for them, 4 KB that nothing can reach. The linker prefers these definitions to its weak
   ones. Each function returns the value for a string whose code units are bytes. A toolchain that calls the functions
   otherwise has its own, and the library is larger by as much. */
#include <stdint.h>

/* String.Index: the offset is in its upper 48 bits. */
#define UNIT (UINT64_C(1) << 16)
#define NAMED(symbol) __asm__(symbol) __attribute__((visibility("hidden")))

uint64_t matching_encoding(uint64_t index) NAMED("$es11_StringGutsV27_slowEnsureMatchingEncodingySS5IndexVAEF");
uint64_t scalar_start(uint64_t index) NAMED("$es11_StringGutsV18foreignScalarAlignySS5IndexVAEF");
uint64_t utf8_after(uint64_t index) NAMED("$eSS8UTF8ViewV13_foreignIndex5afterSS0D0VAF_tF");
uint64_t utf8_before(uint64_t index) NAMED("$eSS8UTF8ViewV13_foreignIndex6beforeSS0D0VAF_tF");
uint64_t utf8_offset(uint64_t index, int64_t offset) NAMED("$eSS8UTF8ViewV13_foreignIndex_8offsetBySS0D0VAF_SitF");
int64_t utf8_distance(uint64_t from, uint64_t to) NAMED("$eSS8UTF8ViewV16_foreignDistance4from2toSiSS5IndexV_AGtF");
int64_t utf8_count(void) NAMED("$eSS8UTF8ViewV13_foreignCountSiyF");
uint64_t utf16_after(uint64_t index) NAMED("$eSS9UTF16ViewV13_foreignIndex5afterSS0D0VAF_tF");
uint64_t utf16_before(uint64_t index) NAMED("$eSS9UTF16ViewV13_foreignIndex6beforeSS0D0VAF_tF");
uint64_t utf16_offset(uint64_t index, int64_t offset) NAMED("$eSS9UTF16ViewV13_foreignIndex_8offsetBySS0D0VAF_SitF");

uint64_t matching_encoding(uint64_t index) { return index; }
uint64_t scalar_start(uint64_t index) { return index; }
uint64_t utf8_after(uint64_t index) { return index + UNIT; }
uint64_t utf8_before(uint64_t index) { return index - UNIT; }
uint64_t utf8_offset(uint64_t index, int64_t offset) { return index + (uint64_t)offset * UNIT; }
int64_t utf8_distance(uint64_t from, uint64_t to) { return (int64_t)(to / UNIT) - (int64_t)(from / UNIT); }
int64_t utf8_count(void) { return 0; }
uint64_t utf16_after(uint64_t index) { return index + UNIT; }
uint64_t utf16_before(uint64_t index) { return index - UNIT; }
uint64_t utf16_offset(uint64_t index, int64_t offset) { return index + (uint64_t)offset * UNIT; }
