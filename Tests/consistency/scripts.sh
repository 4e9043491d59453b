# shellcheck shell=bash disable=SC2154 # the variables are those of run
# The scripts themselves, and a build that does nothing twice.

shell_scripts() {
    git ls-files -co --exclude-standard -z -- ':!*.md' | xargs -0 grep -lIE '^(#!(/usr/bin/env |/bin/)(ba)?sh|# shellcheck shell=)' --
}
clean_scripts() {
    local scripts
    mapfile -t scripts < <(shell_scripts)
    [ "${#scripts[@]}" -gt 0 ] && shellcheck --severity=warning --external-sources "${scripts[@]}"
}
stamps() { stat -c '%n %y' "$library" "$helper" "$build/include/telemetry.h"; }
builds_once() {
    stamps >"$scratch/before"
    make --no-print-directory build && stamps | diff "$scratch/before" -
}
helps() {
    # Each target that the Makefile's first comment lists exists, and no public one is missing there.
    diff <(make --no-print-directory help | sed -n 's/^ *make \([a-z-]\{1,\}\) .*/\1/p' | sort) \
        <(sed -n 's/^\.PHONY: //p' Makefile | tr ' ' '\n' | grep -vE '^(all|build|FORCE)$' | sort)
}

check "shell scripts pass shellcheck" clean_scripts
check "a second make links nothing" builds_once
check "make help lists every target" helps
