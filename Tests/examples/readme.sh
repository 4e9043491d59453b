# shellcheck shell=bash disable=SC2154 # the variables are those of run
# The commands that examples/c/README.md shows are run as they stand there; so is what the C++ binding's README shows.

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

cpp_block() {
    awk '/^```/ { inside = /^```cpp/; next } inside' bindings/cpp/README.md >"$scratch/readme.cpp"
    [ -s "$scratch/readme.cpp" ] || { echo "no block"; return 1; }
    # shellcheck disable=SC2046 # several words
    c++ -std=c++17 -Wall -Wextra -Werror "$scratch/readme.cpp" -o "$scratch/bin/readme-cpp" \
        $(PKG_CONFIG_PATH="$scratch/prefix/lib/pkgconfig" pkg-config --cflags --libs libtelemetry) &&
        in_home "$scratch/readme-cpp" LD_LIBRARY_PATH="$scratch/prefix/lib" MYTOOL_TELEMETRY_ENABLED=1 "$scratch/bin/readme-cpp"
}
check "the C++ binding's README compiles with the library installed, and runs" cpp_block
check "and records an event" events "$scratch/readme-cpp" mytool 'len(e) == 1 and e[0]["metadata"] == {"format": "csv", "rows": 1200}'
