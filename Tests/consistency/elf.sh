# shellcheck shell=bash disable=SC2154 # the variables are those of run
# What the loader sees of the library and the helper.

dynamic() { readelf -dW "$1"; }
has() { dynamic "$1" | grep -E "$2"; }
needed() { dynamic "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | tr '\n' ' '; }
needs_only() { [ "$(needed "$1")" = "$2" ] || { echo "needs: $(needed "$1")"; return 1; }; }
segment() { readelf -lW "$1" | grep "$2"; }
stack_is_data() { segment "$1" GNU_STACK | grep -q 'RW '; }
small_enough() { [ "$(stat -c %s "$1")" -le "$size_limit" ]; }
stripped() { [ "$(readelf -SW "$1" | grep -cE '\.(symtab|debug_info)\b')" -eq 0 ]; }
protected() { nm -D "$1" >"$scratch/dynamic" && grep ' U __stack_chk_fail' "$scratch/dynamic" && grep ' U __.*_chk@' "$scratch/dynamic"; }
no_path_inside() { ! grep -aF "$PWD" "$1"; }

hardened() {
    local file=$1 name=$2
    check "$name needs libc and nothing else" needs_only "$file" 'libc.so.6 '
    check "$name has no RUNPATH or RPATH" refuses has "$file" '\((RUNPATH|RPATH)\)'
    check "$name is bound at start (BIND_NOW)" has "$file" '\(FLAGS_1\).*NOW'
    check "$name has read-only relocations (GNU_RELRO)" segment "$file" GNU_RELRO
    check "$name has no executable stack" stack_is_data "$file"
    check "$name has no text relocations" refuses has "$file" '\(TEXTREL\)'
    check "$name has stack protection and checked libc calls" protected "$file"
    check "$name is stripped" stripped "$file"
    check "$name names no directory of the build machine" no_path_inside "$file"
    echo "# $name: $(stat -c %s "$file") bytes, needs $(needed "$file")"
}

hardened "$library" libtelemetry.so.0
hardened "$helper" telemetry
check "libtelemetry.so.0 is at most $size_limit bytes" small_enough "$library"
check "SONAME is libtelemetry.so.0" has "$library" '\(SONAME\).*\[libtelemetry\.so\.0\]'
check "the library stays after dlclose (NODELETE)" has "$library" '\(FLAGS_1\).*NODELETE'
check "libtelemetry.so leads to libtelemetry.so.0" test "$(readlink "$build/lib/libtelemetry.so")" = libtelemetry.so.0
check "the helper is position independent" has "$helper" '\(FLAGS_1\).*PIE'
