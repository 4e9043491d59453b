# shellcheck shell=bash disable=SC2154 # scratch is the suite's
# What the suites written in bash share. The suite sets $scratch, a directory of its own, and sums up $passed and $failed.
passed=0 failed=0

# check NAME COMMAND...: ok when the command succeeds; its output, of a long one the end, is the diagnosis otherwise.
check() {
    local name=$1
    shift
    if "$@" >"$scratch/output" 2>&1; then
        passed=$((passed + 1)); echo "ok - $name"
    else
        failed=$((failed + 1)); echo "not ok - $name"
        tail -n 100 "$scratch/output" | sed 's/^/# /'
    fi
}

refuses() { if "$@"; then echo "accepted: $*"; return 1; fi; }
