# shellcheck shell=bash disable=SC2154 # the variables are those of run
# Header = exported symbols = version script.

declared() { sed -n '/^TELEMETRY_API/s/[^(]*\b\(telemetry_[a-z0-9_]*\)(.*/\1/p' "$header" | sort; }
exported() { nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort; }
versioned() { sed -n 's/^ *\(telemetry_[a-z0-9_]*\);.*/\1/p' Sources/TelemetryABI/telemetry.map | sort; }

declared >"$scratch/declared"
exported >"$scratch/exported"
versioned >"$scratch/versioned"

one_node() { [ "$(nm -D --defined-only "$library" | grep -c '@@LIBTELEMETRY_0$')" -eq "$(wc -l <"$scratch/exported")" ]; }
documented() {
    # Each prototype follows the end of a comment.
    awk '/^TELEMETRY_API/ && previous !~ /\*\/$/ { print; bad = 1 } { previous = $0 } END { exit bad }' "$header"
}
complete() {
    # Each comment before a prototype has these three lines.
    awk '/^\/\*\*/ { threads = blocking = since = 0 }
        /^ \* Threads: / { threads = 1 } /^ \* Blocking: / { blocking = 1 } /^ \* @since [0-9]/ { since = 1 }
        /^TELEMETRY_API/ && threads + blocking + since != 3 { print; bad = 1 } END { exit bad }' "$header"
}

check "the header declares functions" test -s "$scratch/declared"
check "header = exported symbols" diff "$scratch/declared" "$scratch/exported"
check "header = version script" diff "$scratch/declared" "$scratch/versioned"
check "every symbol has the version LIBTELEMETRY_0" one_node
check "every function is documented" documented
check "every function says which threads may call it, whether it blocks, and since which version it is there" complete
check "the header names its licence" grep -q '^/\* SPDX-License-Identifier: Apache-2.0 \*/$' "$header"
check "no Swift macro, nullability keyword or type in the header" refuses grep -nE 'SWIFT_|_Nullable|_Nonnull|NSInteger|\bBOOL\b' "$header"
check "the header is ASCII" refuses grep -nP '[^\x00-\x7f]' "$header"
check "the installed header is the committed one" cmp include/telemetry.h "$header"
check "the committed header is what the exports generate" make --no-print-directory check-header
check "the package's symbols file is what the header generates" diff debian/libtelemetry0.symbols <(scripts/symbols include/telemetry.h)
