# shellcheck shell=bash disable=SC2154 # the variables are those of run
# What is in the packages is what the other suites test.

unpacked() { echo "$scratch/unpacked/$1"; }
for name in "${packages[@]}"; do
    mkdir -p "$(unpacked "$name")/DEBIAN"
    dpkg-deb -x "$(package "$name")" "$(unpacked "$name")"
    dpkg-deb -e "$(package "$name")" "$(unpacked "$name")/DEBIAN"
done

triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
packaged_library=$(unpacked libtelemetry0)/usr/lib/$triplet/libtelemetry.so.0

field() { dpkg-deb -f "$(package "$1")" "$2"; }
field_is() { [ "$(field "$1" "$2")" = "$3" ] || { echo "$2: $(field "$1" "$2")"; return 1; }; }
has_files() {
    local package=$1 file
    shift
    for file in "$@"; do [ -e "$(unpacked "$package")/$file" ] || [ -L "$(unpacked "$package")/$file" ] || { echo "no $file"; return 1; }; done
}
no_swift() { refuses grep -i swift <(field "$1" Depends; field "$1" Pre-Depends; field "$1" Recommends; readelf -dW "$2" | grep NEEDED); }

exported() { nm -D --defined-only "$build/lib/libtelemetry.so.0" | awk '$2 != "A" { sub(/@@/, "@", $3); print $3 }' | sort; }
in_symbols_file() { awk '/^ / && $1 !~ /^LIBTELEMETRY_/ { print $1 }' "$1" | sort; }
pages() { (cd "$1" && printf '%s\n' *.3* | sed 's/\.gz$//' | sort); }
same_pages() { [ "$(pages "$build/man/man3" | wc -l)" -gt 50 ] && diff <(pages "$build/man/man3") <(pages "$(unpacked libtelemetry-dev)/usr/share/man/man3"); }
# What debhelper writes makes links anew for a unit that was enabled before, and only for that.
units_are_off() { awk '/was-enabled/ { asked = 1 } / enable / { if (!asked) wrong = 1; asked = 0 } END { exit wrong }' "$(unpacked telemetry)/DEBIAN/postinst"; }
unit_is_valid() {
    sed 's|/usr/bin/telemetry|/bin/true|' "$(unpacked telemetry)/usr/lib/systemd/user/telemetry-deliver@.service" >"$scratch/telemetry-deliver@.service"
    cp "$(unpacked telemetry)/usr/lib/systemd/user/telemetry-deliver@.timer" "$scratch"
    sed 's|/usr/bin/telemetry|/bin/true|' "$(unpacked telemetry)/usr/lib/systemd/user/telemetry-agent.service" >"$scratch/telemetry-agent.service"
    cp "$(unpacked telemetry)/usr/lib/systemd/user/telemetry-agent.socket" "$scratch"
    XDG_RUNTIME_DIR=$scratch systemd-analyze --man=no --user verify "$scratch/telemetry-deliver@x.service" "$scratch/telemetry-deliver@x.timer" \
        "$scratch/telemetry-agent.service" "$scratch/telemetry-agent.socket" 2>&1 | tee "$scratch/verify"
    [ ! -s "$scratch/verify" ]
}

check "the packaged library is the tested one, to the byte" cmp "$packaged_library" "$build/lib/libtelemetry.so.0"
check "the packaged helper is the tested one, to the byte" cmp "$(unpacked telemetry)/usr/bin/telemetry" "$build/bin/telemetry"
check "libtelemetry0 is Multi-Arch: same" field_is libtelemetry0 Multi-Arch same
check "libtelemetry-dev is Multi-Arch: same" field_is libtelemetry-dev Multi-Arch same
check "telemetry is Multi-Arch: foreign" field_is telemetry Multi-Arch foreign
check "the library needs no Swift at run time" no_swift libtelemetry0 "$packaged_library"
check "the helper needs no Swift at run time" no_swift telemetry "$(unpacked telemetry)/usr/bin/telemetry"
check "libtelemetry-dev has header, link, pkg-config, CMake, examples" has_files libtelemetry-dev usr/include/telemetry.h usr/include/telemetry.hpp \
    "usr/lib/$triplet/libtelemetry.so" "usr/lib/$triplet/pkgconfig/libtelemetry.pc" "usr/lib/$triplet/cmake/telemetry/telemetry-config.cmake" \
    usr/share/doc/libtelemetry-dev/examples/c usr/share/doc/libtelemetry-dev/examples/cpp usr/share/doc/libtelemetry-dev/examples/shell
check "telemetry has helper, manual, completion, units, shell functions" has_files telemetry usr/bin/telemetry usr/share/man/man1/telemetry.1.gz \
    usr/share/man/man5/telemetry-manifest.5.gz usr/share/bash-completion/completions/telemetry usr/share/zsh/vendor-completions/_telemetry \
    usr/share/fish/vendor_completions.d/telemetry.fish usr/lib/systemd/user/telemetry-deliver@.service \
    usr/lib/systemd/user/telemetry-deliver@.timer usr/lib/systemd/user/telemetry-agent.service usr/lib/systemd/user/telemetry-agent.socket usr/share/telemetry/telemetry.sh usr/share/telemetry/lnav/telemetry_log.json etc/lnav/formats/telemetry/telemetry_log.json
check "every page of the manual is packaged (I)" same_pages
check "exported symbols = symbols file in the package (I)" diff <(exported) <(in_symbols_file "$(unpacked libtelemetry0)/DEBIAN/symbols")
check "exported symbols = debian/libtelemetry0.symbols (I)" diff <(exported) <(in_symbols_file debian/libtelemetry0.symbols)
check "the user's units are installed and not enabled" units_are_off
check "systemd accepts the units" unit_is_valid

ldd "$packaged_library" | sed 's/^/# ldd libtelemetry.so.0: /'
says "libtelemetry.so.0: $(stat -c %s "$packaged_library") bytes"
for name in "${packages[@]}"; do
    says "$name: $(stat -c %s "$(package "$name")") bytes, $(field "$name" Installed-Size) KiB installed"
done
