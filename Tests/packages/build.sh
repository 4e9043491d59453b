# shellcheck shell=bash disable=SC2154 # the variables are those of run
# `make deb`, and what lintian says of it.

built() {
    make --no-print-directory deb || return 1
    local name
    for name in "${packages[@]}"; do [ -s "$(package "$name")" ] || { echo "no $(package "$name")"; ls "$debs"; return 1; }; done
}
# Overrides have to be justified beside them; nothing else is left.
clean_for_lintian() {
    lintian --allow-root --fail-on error,warning,info --display-info --pedantic "$debs"/*.changes >"$scratch/lintian" 2>&1
    local status=$?
    cat "$scratch/lintian"
    [ "$status" -eq 0 ] && refuses grep -E '^[EWI]: ' "$scratch/lintian"
}
justified() {
    local file
    for file in debian/*.lintian-overrides debian/source/lintian-overrides; do
        [ -e "$file" ] || continue
        # Each override follows a comment.
        awk '/^#/ { reason = 1; next } NF && !reason { print FILENAME ": no reason: " $0; bad = 1 } { reason = 0 } END { exit bad }' "$file" || return 1
    done
}
tree_is_as_before() {
    git status --porcelain >"$scratch/status.after"
    diff "$scratch/status.before" "$scratch/status.after"
}

git status --porcelain >"$scratch/status.before"
check "make deb builds three packages with dpkg-buildpackage (I)" built
check "make deb leaves the source tree as it was" tree_is_as_before
check "lintian has no error, no warning and no remark (I)" clean_for_lintian
check "every lintian override has a reason beside it" justified
