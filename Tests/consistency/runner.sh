# shellcheck shell=bash disable=SC2154 # the variables are those of run
# scripts/test believes no suite that says nothing, contradicts itself or dies.

runner=$scratch/runner
mkdir -p "$runner/scripts"
cp scripts/test "$runner/scripts/test"

suite() {
    mkdir -p "$runner/Tests/$1"
    printf '#!/bin/sh\n%s\n' "$2" >"$runner/Tests/$1/run"
    chmod +x "$runner/Tests/$1/run"
}
suite good 'echo "ok - a"; echo "ok - b"; echo "2 passed, 0 failed"'
suite bad 'echo "ok - a"; echo "not ok - b"; echo "1 passed, 1 failed"; exit 1'
suite silent 'exit 0'
suite empty 'echo "0 passed, 0 failed"'
suite contradictory 'echo "ok - a"; echo "1 passed, 0 failed"; exit 3'
suite crashing 'echo "ok - a"; kill -SEGV $$'
suite hanging 'echo "ok - a"; sleep 100'
suite littering 'sleep 20 & echo "ok - a"; echo "1 passed, 0 failed"'

# sums STATUS LAST-LINE SUITE...
sums() {
    local expected=$1 line=$2 output status
    shift 2
    output=$(TEST_TIMEOUT_S=2 timeout 15 "$runner/scripts/test" "$@")
    status=$?
    echo "$output"
    [ "$status" -eq "$expected" ] && [ "$(tail -n 1 <<<"$output")" = "$line" ]
}

check "the runner sums suites" sums 0 '4 passed, 0 failed' good good
check "a failed test fails the run" sums 1 '3 passed, 1 failed' good bad
check "a suite without a summary is a failure" sums 1 '2 passed, 1 failed' good silent
check "a suite that ran no test is a failure" sums 1 '0 passed, 1 failed' empty
check "a suite that exits with an error is a failure" sums 1 '1 passed, 1 failed' contradictory
check "a suite that crashes is a failure" sums 1 '0 passed, 1 failed' crashing
check "a suite that hangs is a failure" sums 1 '0 passed, 1 failed' hanging
check "a suite that is not there is a failure" sums 1 '0 passed, 1 failed' absent
check "a process left behind does not hold the run" sums 0 '1 passed, 0 failed' littering
