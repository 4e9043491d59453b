# shellcheck shell=bash disable=SC2154 # the variables are those of run
# The commands that the READMEs of the examples show are run as they stand there; so is what the C++ binding's README shows.

tree=$scratch/tree
mkdir -p "$tree/examples"
cp -r examples/c "$tree/examples/c"
cp -r examples/shell "$tree/examples/shell"
cp -r bindings "$tree/bindings"
ln -s "$build" "$tree/build"

# block LANGUAGE NUMBER: the lines of that ```sh block.
block() {
    awk -v wanted="$2" '/^```/ { if (inside) { inside = 0 } else if (/^```sh/) { inside = (++number == wanted) } next } inside' \
        "examples/$1/README.md"
}
run_block() {
    local commands
    commands=$(block "$1" "$2")
    [ -n "$commands" ] || { echo "no block $2"; return 1; }
    (cd "$tree/examples/$1" && in_home "$scratch/readme-$1-$2" PKG_CONFIG_PATH="$scratch/prefix/lib/pkgconfig" bash -euc "$commands")
}

# Each compiles by what pkg-config says and nothing else.
compile_installed() {
    # shellcheck disable=SC2046 # several words
    "$@" -o "$scratch/bin/installed" $(PKG_CONFIG_PATH="$scratch/prefix/lib/pkgconfig" pkg-config --cflags --libs libtelemetry)
}

make --no-print-directory install PREFIX="$scratch/prefix" >"$scratch/install.log" 2>&1
check "the README's commands work with the library installed" run_block c 1
check "they recorded an event" events "$scratch/readme-c-1" mytool 'len(e) == 1'
check "the README's commands work in the source tree" run_block c 2
check "they recorded an event there too" events "$scratch/readme-c-2" mytool 'len(e) == 1'
check "the shell README's commands work in the source tree" run_block shell 1
check "they recorded an event, too" events "$scratch/readme-shell-1" greeter 'len(e) == 1'
for source in examples/c/*/*.c; do
    check "$source compiles with the library installed" compile_installed cc -pthread "$source"
done
for source in examples/cpp/*/main.cpp; do
    check "$source compiles with the library installed" compile_installed c++ -std=c++17 "$source"
done

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
