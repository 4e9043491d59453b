# shellcheck shell=bash disable=SC2154 # the variables are those of run
# linker/rounding.c against libm, bit for bit: edge cases and a million patterns of bits.

cat >"$scratch/rounding.c" <<'C'
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
double local_ceil(double);
static uint64_t bits(double value) { uint64_t b; memcpy(&b, &value, sizeof b); return b; }
static int differs(double value)
{
    if (bits(ceil(value)) == bits(local_ceil(value))) return 0;
    printf("ceil(%a): libm %a, here %a\n", value, ceil(value), local_ceil(value));
    return 1;
}
int main(void)
{
    const double edges[] = { 0.0, -0.0, 0.5, -0.5, 1, -1, 1.5, -1.5, 0x1p52, 0x1p52 - 0.5, -0x1p52 + 0.5, 0x1p53 - 1,
        0x1p-1074, -0x1p-1074, 0x1.fffffffffffffp-1, -0x1.fffffffffffffp-1, 0x1.fffffffffffffp+51, 1e300, INFINITY, -INFINITY, NAN };
    int bad = 0;
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) bad += differs(edges[i]);
    uint64_t state = 88172645463325252u; /* xorshift64 */
    for (int i = 0; i < 1000000; i++) {
        state ^= state << 13; state ^= state >> 7; state ^= state << 17;
        /* Half of them with an exponent near the interesting ones. */
        uint64_t pattern = i % 2 ? state : (state & ~(UINT64_C(0x7ff) << 52)) | (1013 + (state >> 52 & 0x7ff) % 70) << 52;
        double value;
        memcpy(&value, &pattern, sizeof value);
        if (value == value) bad += differs(value); /* of a NaN only that it is one */
    }
    return bad != 0;
}
C
rounds_like_libm() {
    gcc -O2 -Dceil=local_ceil -ffreestanding -fno-builtin -c linker/rounding.c -o "$scratch/rounding.o" &&
        gcc -O1 -fno-builtin "$scratch/rounding.c" "$scratch/rounding.o" -lm -o "$scratch/rounding" && "$scratch/rounding"
}
check "ceil rounds as libm's does" rounds_like_libm
