# shellcheck shell=bash disable=SC2154 # the variables are those of run
# The header compiles alone, in every dialect it promises, with both compilers.

clang=$(dirname "$(readlink -f "$(command -v swiftc)")")/clang
[ -x "$clang" ] || clang=clang
echo '#include <telemetry.h>' >"$scratch/alone.c"
# Includes it twice, and uses each inline function: they must not clash, and compile as both languages.
cat >"$scratch/use.c" <<'C'
#include <telemetry.h>
#include <telemetry.h>
int main(void)
{
    telemetry_attribute attributes[] = { telemetry_string("a", "b"), telemetry_int("c", 1),
                                         telemetry_double("d", 0.5), telemetry_bool("e", true) };
    return telemetry_track(NULL, TELEMETRY_FEATURE_USED, "x", attributes, 4) == TELEMETRY_OK;
}
C
# The first-event program of the header's introduction, as it stands there.
sed -n '1,60s/^ \*     //p' "$header" | sed -n '/#include/,/telemetry_close/p' >"$scratch/lines"
{ sed -n 1p "$scratch/lines"; echo 'int main(void) {'; sed 1d "$scratch/lines"; echo 'return 0; }'; } >"$scratch/intro.c"

strict=(-Wall -Wextra -pedantic -Werror -fsyntax-only -I "$build/include")

for file in alone use intro; do
    for standard in c99 c11 c17; do
        check "$file.c compiles as $standard with gcc" gcc -std=$standard "${strict[@]}" "$scratch/$file.c"
        check "$file.c compiles as $standard with clang" "$clang" -std=$standard "${strict[@]}" "$scratch/$file.c"
    done
    for standard in c++11 c++17; do
        check "$file.c compiles as $standard with g++" g++ -x c++ -std=$standard "${strict[@]}" "$scratch/$file.c"
        check "$file.c compiles as $standard with clang" "$clang" -x c++ -std=$standard "${strict[@]}" "$scratch/$file.c"
    done
done
check "the introduction has a whole program" grep -q 'telemetry_track' "$scratch/intro.c"
