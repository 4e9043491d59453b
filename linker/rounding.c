/* SPDX-License-Identifier: Apache-2.0 */
/* The Embedded Swift standard library calls ceil() to size its hash tables; that alone would
   make every host program load libm. The copies here are local to what is linked with them. */
#include <stdint.h>
#include <string.h>

__attribute__((visibility("hidden"))) double ceil(double value);

/* IEEE 754 binary64: clear the fraction bits below the binary point, away from zero for positive values. */
double ceil(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int exponent = (int)(bits >> 52 & 0x7ff) - 1023;
    if (exponent >= 52) return value; /* already whole, infinite or NaN */
    int negative = (int)(bits >> 63);
    if (exponent < 0) return value == 0 ? value : negative ? -0.0 : 1.0;

    uint64_t fraction = UINT64_C(0xfffffffffffff) >> exponent;
    if ((bits & fraction) == 0) return value;
    if (!negative) bits += fraction; /* a carry into the exponent is the next power of two */
    bits &= ~fraction;
    memcpy(&value, &bits, sizeof value);
    return value;
}
