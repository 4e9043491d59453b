# shellcheck shell=bash disable=SC2154 # the variables are those of run
# In the Debian of root.sh: install, use, upgrade, remove, purge.

files() { as_root find "$root" -xdev \( -path "$root/tmp" -o -path "$root/proc" -o -path "$root/home" -o -path "$root/var/cache/apt" \) -prune -o -print | sort; }
offered() { # offered VERSION DIRECTORY: the three packages, in the root's /tmp
    local name
    as_root mkdir -p "$root/tmp/$1"
    for name in "${packages[@]}"; do as_root cp "$2/$(package "$name" "$1")" "$root/tmp/$1/"; done
}
installed() {
    offered "$1" "$2" || return 1
    local name files=()
    for name in "${packages[@]}"; do files+=("/tmp/$1/${name}_$1_$architecture.deb"); done
    install_in_root "${files[@]}"
}
nothing_of_ours_but_packages() { refuses in_root sh -c 'command -v swift || command -v swiftc || ls /opt/*'; }
as_its_user() {
    as_root cp -r debian/tests "$root/tmp/tests" && as_root chmod -R a+rX "$root/tmp/tests" && as_root install -d -o 1000 "$root/tmp/work" || return 1
    as_user env AUTOPKGTEST_TMP=/tmp/work /tmp/tests/installed | tee "$scratch/identical"
    grep -q '^identical events' "$scratch/identical" && [ "$(grep -c '"event_id":"-"' "$scratch/identical")" -eq 2 ]
}
the_manual_is_there() {
    in_root sh -c 'for page in man3/telemetry_open.3 man3/libtelemetry.3 man1/telemetry.1 man5/telemetry-manifest.5; do gzip -t "/usr/share/man/$page.gz" || exit 1; done'
}
examples_compile() {
    # shellcheck disable=SC2016 # expanded in the root
    as_user bash -euc 'cp -r /usr/share/doc/libtelemetry-dev/examples ~/examples; cd ~/examples; find . -name "*.gz" | grep . && exit 1
        for source in c/*/*.c; do cc -std=c99 -Wall -Wextra -pedantic -Werror "$source" -o example $(pkg-config --cflags --libs libtelemetry) -ldl -lpthread; done
        for source in cpp/*/*.cpp; do c++ -std=c++17 -Wall -Wextra -Werror "$source" -o example $(pkg-config --cflags --libs libtelemetry) -lpthread; done
        rm -r ~/examples'
}
told_version() { as_user telemetry version | sed "s/^telemetry //"; }
runs_after_upgrade() {
    [ "$(told_version)" = "${version%-*}" ] || { echo "before: $(told_version)"; return 1; }
    installed "$next_version" "$other" || return 1
    [ "$(told_version)" = "${next_version%-*}" ] || { echo "after: $(told_version)"; return 1; }
    # Not compiled again: the program of the first version, with the library of the next.
    as_user sh -euc 'cd /tmp/work; export HOME=/tmp/work/home-next; mkdir $HOME; telemetry enable --tool sametool --quiet; ./tool-c; ./tool-cpp
        test "$(wc -l <$HOME/.local/state/telemetry/sametool/events.jsonl)" -eq 4; telemetry status --tool sametool'
}
policy_outlives() {
    as_root mkdir -p "$root/etc/telemetry" && echo 'telemetry: off' | as_root tee "$root/etc/telemetry/policy.yaml" >/dev/null
    in_root apt-get purge -qq -y telemetry && in_root test -e /etc/telemetry/policy.yaml
}
removed() { in_root apt-get remove -qq -y libtelemetry-dev libtelemetry0 && in_root test -e /etc/telemetry/policy.yaml; }
purged() { in_root dpkg --purge "${packages[@]}" && files | diff "$scratch/files.before" -; }
# The real one, with what debian/tests/control names. It gets the packages and debian/, and no sources to build.
autopkgtests() {
    local source=$scratch/autopkgtest
    mkdir -p "$source" && cp -r debian "$source"
    # shellcheck disable=SC2016 # expanded by the inner shell
    as_root unshare --mount sh -c 'root=$1; shift; mount -t proc proc "$root/proc" && exec autopkgtest --no-built-binaries "$@" -- chroot "$root"' \
        sh "$root" "$debs"/*.deb "$source" </dev/null || return 1
}

files >"$scratch/files.before"
check "apt installs the three packages (I)" installed "$version" .
check "there is no Swift in it" nothing_of_ours_but_packages
no_unit_is_enabled() { [ -z "$(in_root find /etc/systemd -name 'telemetry-*')" ]; }
check "no unit is enabled for anybody" no_unit_is_enabled
check "C through pkg-config, C++ through CMake and shell record identical events, and none without consent (I)" as_its_user
check "the manual pages are installed" the_manual_is_there
check "the installed examples compile as their readers compile them (I)" examples_compile
in_root ldd "/usr/lib/$triplet/libtelemetry.so.0" | sed 's/^/# ldd, installed: /'
check "the next version builds" finished next
check "upgrade: programs built against the first package run with the next (I)" runs_after_upgrade
check "purging the helper leaves a policy that the library obeys" policy_outlives
check "removing the packages leaves the administrator's policy" removed
check "purging them leaves nothing behind (I)" purged
check "autopkgtest installs what debian/tests asks for, and runs it (I)" autopkgtests
