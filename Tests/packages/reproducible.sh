# shellcheck shell=bash disable=SC2154 # the variables are those of run
# The same source, in another directory, another time zone, under another umask and HOME, from nothing: the same bytes.
# Then the next version of it, for the upgrade.

other=$scratch/elsewhere/source
exported_source() { git ls-files -co --exclude-standard -z | while IFS= read -r -d '' file; do [ -e "$file" ] && printf '%s\0' "$file"; done; }

built_elsewhere() {
    mkdir -p "$other" "$scratch/home"
    exported_source | tar --null --files-from=- -cf - | tar -xf - -C "$other"
    (cd "$other" && umask 077 && env TZ=Pacific/Kiritimati HOME="$scratch/home" make --no-print-directory deb)
}
same_bytes() {
    local name here there
    for name in "${packages[@]}"; do
        here=$(package "$name") there=$other/$(package "$name")
        cmp "$here" "$there" && continue
        # Which files differ, and where.
        dpkg-deb -R "$here" "$scratch/here" && dpkg-deb -R "$there" "$scratch/there"
        diff -r "$scratch/here" "$scratch/there" | head -40
        (cd "$scratch/here" && find . -type f) | while IFS= read -r file; do cmp -l "$scratch/here/$file" "$scratch/there/$file" | head -5; done
        return 1
    done
}
# A version with another number is another library: the program says which one it runs with.
upstream=${version%-*}
next_version=$upstream.1-1
built_next() (
    cd "$other" || return 1
    sed -i "s/\"$upstream\"/\"$upstream.1\"/" Sources/TelemetryCore/System/Version.swift
    { printf 'libtelemetry (%s) unstable; urgency=medium\n\n  * Test of an upgrade.\n\n -- T <t@example.invalid>  Sat, 21 Nov 2026 13:00:00 +0000\n\n' \
        "$next_version"; cat debian/changelog; } >debian/changelog.new
    mv debian/changelog.new debian/changelog
    make --no-print-directory header deb
)
