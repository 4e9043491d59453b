# shellcheck shell=bash disable=SC2154 # the variables are those of run
# Each example compiles by what pkg-config says of the installed library and nothing else.

compile_installed() {
    # shellcheck disable=SC2046 # several words
    "$@" -o "$scratch/bin/installed" $(PKG_CONFIG_PATH="$scratch/prefix/lib/pkgconfig" pkg-config --cflags --libs libtelemetry)
}

make --no-print-directory install PREFIX="$scratch/prefix" >"$scratch/install.log" 2>&1
for source in examples/c/*/*.c; do
    check "$source compiles with the library installed" compile_installed cc -pthread "$source"
done
for source in examples/cpp/*/main.cpp; do
    check "$source compiles with the library installed" compile_installed c++ -std=c++17 "$source"
done
