# shellcheck shell=bash disable=SC2154 # the variables are those of run
# The commands that examples/c/README.md shows are run as they stand there.

tree=$scratch/tree
mkdir -p "$tree/examples"
cp -r examples/c "$tree/examples/c"
ln -s "$build" "$tree/build"

# block NUMBER: the lines of that ```sh block.
block() {
    awk -v wanted="$1" '/^```/ { if (inside) { inside = 0 } else if (/^```sh/) { inside = (++number == wanted) } next } inside' \
        examples/c/README.md
}
run_block() {
    local commands
    commands=$(block "$1")
    [ -n "$commands" ] || { echo "no block $1"; return 1; }
    (cd "$tree/examples/c" && in_home "$scratch/readme-$1" PKG_CONFIG_PATH="$scratch/prefix/lib/pkgconfig" bash -euc "$commands")
}

make --no-print-directory install PREFIX="$scratch/prefix" >"$scratch/install.log" 2>&1
check "the README's commands work with the library installed" run_block 1
check "they recorded an event" events "$scratch/readme-1" mytool 'len(e) == 1'
check "the README's commands work in the source tree" run_block 2
check "they recorded an event there too" events "$scratch/readme-2" mytool 'len(e) == 1'
