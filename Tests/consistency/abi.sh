# shellcheck shell=bash disable=SC2154 # the variables are those of run
# The binary interface against its committed baseline, and the check itself against deliberate breaks.

baseline=Sources/TelemetryABI/libtelemetry.so.0.abi
check "what was built is the committed binary interface (I)" make --no-print-directory check-abi

# A library of another interface: the header edited with a sed script, and one empty function for each prototype in it.
other_interface() {
    sed "$1" "$header" >"$scratch/abi.h"
    ! cmp -s "$header" "$scratch/abi.h" || [ -z "$1" ] || { echo "the edit changed nothing: $1"; return 2; }
    {
        echo '#include "abi.h"'
        awk '/^TELEMETRY_API/ { reading = 1 } reading { sub(/;$/, " { __builtin_trap(); }"); print } /}$/ { reading = 0 }' "$scratch/abi.h"
    } >"$scratch/abi.c"
    sed "s/.*/$version_node { global: telemetry_*; local: *; };/;q" Sources/TelemetryABI/telemetry.map >"$scratch/abi.map"
    gcc -w -fPIC -shared -nostdlib -I"$scratch" "$scratch/abi.c" -o "$scratch/abi.so" -Wl,-soname,"$soname" -Wl,--version-script="$scratch/abi.map" || return 2
    scripts/abi describe "$scratch/abi.so" "$scratch/abi.h" >"$scratch/abi.xml" || return 2
}
soname=libtelemetry.so.0 version_node=LIBTELEMETRY_0
compatible() { other_interface "$1" && scripts/abi compare "$baseline" "$scratch/abi.xml"; }
breaks() {
    other_interface "$1" || return 1
    refuses scripts/abi compare "$baseline" "$scratch/abi.xml"
}
under() { local soname=$1 version_node=$2; breaks ''; }
undeclared() {
    sed '/^TELEMETRY_API const char \*telemetry_version(/d' "$header" >"$scratch/abi.h"
    refuses scripts/abi describe "$library" "$scratch/abi.h"
}

check "abi: the header as it is does not break it" compatible ''
check "abi: a new function does not break it" compatible 's/^TELEMETRY_API const char \*telemetry_version/TELEMETRY_API void telemetry_new_one(void);\n&/'
check "abi: a new status does not break it" compatible 's/^    TELEMETRY_OVERRULED = 30,/&\n    TELEMETRY_NEW_ONE = 40,/'
check "abi: a structure with a size may grow at its end" compatible 's/^} telemetry_statistics;/    uint64_t new_one;\n&/'
check "abi: a function that is gone breaks it" breaks '/^TELEMETRY_API const char \*telemetry_version(/d'
check "abi: a parameter of another type breaks it" breaks 's/telemetry_close(telemetry_collector \*collector, uint32_t/telemetry_close(telemetry_collector *collector, uint64_t/'
check "abi: a result of another type breaks it" breaks 's/^TELEMETRY_API bool telemetry_enabled/TELEMETRY_API int64_t telemetry_enabled/'
check "abi: a status with another number breaks it" breaks 's/TELEMETRY_DISABLED = 20/TELEMETRY_DISABLED = 21/'
check "abi: a member in the middle of a structure breaks it" breaks 's/^    uint64_t delivered;/    uint64_t new_one;\n&/'
check "abi: a member that moved breaks it" breaks 's/^    uint64_t adjusted;/    uint64_t refused;/;t;s/^    uint64_t refused;/    uint64_t adjusted;/'
check "abi: a structure without a size that grew breaks it" breaks 's/^} telemetry_attribute;/    int64_t new_one;\n&/'
check "abi: a value that only a number refers to breaks it" breaks 's/TELEMETRY_STORAGE_HEAP = 2/TELEMETRY_STORAGE_HEAP = 3/'
check "abi: another SONAME breaks it" under libtelemetry.so.1 LIBTELEMETRY_0
check "abi: another version of the symbols breaks it" under libtelemetry.so.0 LIBTELEMETRY_1
check "abi: an exported function that the header does not declare is refused" undeclared
