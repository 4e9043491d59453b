# shellcheck shell=bash disable=SC2154 # the variables are those of run
# `make install` into a directory of its own, and a program built against it through pkg-config.

root=$scratch/root
cat >"$scratch/version.c" <<'C'
#include <stdio.h>
#include <string.h>
#include <telemetry.h>
int main(void)
{
    puts(telemetry_version());
    return strcmp(telemetry_version(), TELEMETRY_VERSION) != 0;
}
C
installed() {
    make --no-print-directory install DESTDIR="$root" PREFIX=/opt/t LIBDIR=/opt/t/lib/multi \
        ZSHCOMPDIR=/opt/t/share/zsh/vendor-completions || return 1
    local file
    for file in bin/telemetry lib/multi/libtelemetry.so.0 lib/multi/libtelemetry.so \
        include/telemetry.h include/telemetry.hpp lib/multi/pkgconfig/libtelemetry.pc \
        share/man/man1/telemetry.1 share/man/man3/libtelemetry.3 share/man/man3/telemetry_open.3 \
        share/man/man5/telemetry-manifest.5 share/man/man5/telemetry-own.5 share/man/man5/telemetry-policy.5 \
        share/bash-completion/completions/telemetry share/zsh/vendor-completions/_telemetry \
        share/fish/vendor_completions.d/telemetry.fish share/telemetry/lnav/telemetry_log.json; do
        [ -e "$root/opt/t/$file" ] || { echo "missing: $file"; return 1; }
    done
    refuses grep -n '@' "$root/opt/t/lib/multi/pkgconfig/libtelemetry.pc"
}
manual_elsewhere() {
    make --no-print-directory install DESTDIR="$scratch/elsewhere" PREFIX=/opt/t MANDIR=/opt/man || return 1
    diff -r build/man "$scratch/elsewhere/opt/man" && [ -e "$scratch/elsewhere/opt/t/share/zsh/site-functions/_telemetry" ] &&
        refuses test -e "$scratch/elsewhere/opt/t/share/man"
}
through_pkg_config() {
    local flags
    flags=$(PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=$root/opt/t/lib/multi/pkgconfig pkg-config --cflags --libs libtelemetry) || return 1
    # shellcheck disable=SC2086
    cc -Wall -Wextra -Werror "$scratch/version.c" $flags -o "$scratch/version" &&
        LD_LIBRARY_PATH=$root/opt/t/lib/multi "$scratch/version"
}
same_version() {
    [ "$(PKG_CONFIG_PATH=$root/opt/t/lib/multi/pkgconfig pkg-config --modversion libtelemetry)" = "$("$scratch/version")" ]
}

uninstalled() {
    local to=$scratch/gone
    make --no-print-directory install DESTDIR="$to" PREFIX=/opt/t && touch "$to/opt/t/bin/other" &&
        make --no-print-directory uninstall DESTDIR="$to" PREFIX=/opt/t || return 1
    [ "$(find "$to" ! -type d)" = "$to/opt/t/bin/other" ] || { find "$to" ! -type d; return 1; }
}

check "make uninstall removes what make install has put there, and nothing else" uninstalled
check "make install honours DESTDIR, PREFIX, LIBDIR and ZSHCOMPDIR" installed
check "make install honours MANDIR; the manual is installed as it was built" manual_elsewhere
check "a program builds through pkg-config and runs; header and library have one version" through_pkg_config
export LD_LIBRARY_PATH=$root/opt/t/lib/multi
check "pkg-config tells the library's version" same_version
unset LD_LIBRARY_PATH
