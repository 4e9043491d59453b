# shellcheck shell=bash disable=SC2154 # the variables are those of run
# The C++ binding and its examples, as their readers compile them.

compile_cpp() {
    local output=$1
    shift
    c++ -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror "$@" -I"$build/include" -Ibindings/cpp -L"$build/lib" -ltelemetry -o "$scratch/bin/$output"
}

for source in examples/cpp/*/main.cpp; do
    check "$source compiles" compile_cpp "cpp-$(basename "$(dirname "$source")")" -std=c++17 "$source"
done

binding() {
    local name=$1
    shift
    check "the C++ binding compiles, $name" compile_cpp "binding-$name" Tests/examples/binding.cpp "$@"
    check "the C++ binding does what it says, $name" exits 0 in_home "$scratch/$name" BINDING_TELEMETRY_ENABLED=1 "$scratch/bin/binding-$name"
    check "the C++ binding records nothing without consent, $name (A1)" exits 0 in_home "$scratch/$name-off" "$scratch/bin/binding-$name" off
    check "and leaves no file, $name (A1)" no_file_in "$scratch/$name-off"
}
binding c++17 -std=c++17 -O2
binding gnu++17 -std=gnu++17 -O1
binding c++20 -std=c++20 -O0
binding plain -std=c++17 -O2 -fno-exceptions -fno-rtti
binding sanitized -std=c++17 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all

check "what the C++ binding records" events "$scratch/c++17" binding \
    '[x["name"] for x in e] == ["name", "null", "a\ufffdb", "a\ufffdb", "import", "measured", "scoped", "thrown", "caught", "spanned"] and [x.get("exit_code") for x in e[5:]] == [4, 0, 1, 0, 0] and e[5]["duration_ms"] == 2000 and e[4]["error_category"] == "data" and e[0]["version"] == "1.0"'
check "the spans of the C++ binding" spans "$scratch/c++17" binding \
    '[(x["name"], x["status"], next((y["name"] for y in e if y["span_id"] == x.get("parent_span_id")), None)) for x in e if x["name"] != "thrown"] == [("inner", "unset", "outer"), ("moved", "unset", "outer"), ("below a command", "unset", "spanned"), ("spanned", "unset", "outer"), ("replaced", "ok", None), ("replacing", "error", "remote"), ("outer", "ok", None), ("remote", "error", None)]'
check "what they say" spans "$scratch/c++17" binding \
    's["outer"]["attributes"] == {"text": "a", "number": 3} and [x["name"] for x in s["outer"]["events"]] == ["now", "exception"] and s["remote"]["links"][0]["trace_id"] == "1" * 32 and s["remote"]["trace_state"] == "vendor=a" and s["replacing"]["status_message"] == "why"'
check "an exception fails the span that it leaves" spans "$scratch/c++17" binding 's["thrown"]["status"] == "error"'
check "integers of 128 bits are cut to the nearest that has 64" events "$scratch/gnu++17" binding \
    'e[4]["metadata"] == {"channel": "beta", "most": 2**63 - 1, "least": -2**63, "small": -7, "unsigned": 2**63 - 1}'
check "attributes of the C++ binding keep types and values" events "$scratch/c++17" binding \
    'e[0]["metadata"] == {"channel": "beta", "text": "a", "string": "b", "view": "x" * 850, "empty": "", "short": -3, "least": -2**63, "most": 2**63 - 1, "float": 0.25, "yes": True, "no": False}'

quote_asks cpp-03-consent-prompt "$scratch/cpp-prompt" "$scratch/bin/cpp-03-consent-prompt"
convert_by_manifest cpp-04-manifest "$scratch/cpp-convert" "$scratch/bin/cpp-04-manifest"
check "cpp-05-custom-backend exits with 0" exits 0 in_home "$scratch/cpp-custom" MYTOOL_TELEMETRY_ENABLED=1 "$scratch/bin/cpp-05-custom-backend"
check "the object got both events, in order, as JSON arrays" printed_batches
check "cpp-05-custom-backend without consent exits with 0" exits 0 in_home "$scratch/cpp-custom-off" "$scratch/bin/cpp-05-custom-backend"
check "and leaves no file (A1)" no_file_in "$scratch/cpp-custom-off"
stops_by cpp-06-signals "$scratch/cpp-watch" "$scratch/bin/cpp-06-signals" SIGTERM

check "examples/cpp/01-first-event without consent leaves no file (A1)" exits 0 in_home "$scratch/cpp-off" "$scratch/bin/cpp-01-first-event"
check "and no file" no_file_in "$scratch/cpp-off"
check "examples/cpp/01-first-event exits with 0" exits 0 in_home "$scratch/cpp-first" MYTOOL_TELEMETRY_ENABLED=1 "$scratch/bin/cpp-01-first-event"
check "examples/cpp/01-first-event records one event" events "$scratch/cpp-first" mytool \
    'len(e) == 1 and e[0]["name"] == "import" and e[0]["metadata"] == {"format": "csv", "rows": 1200, "share": 0.5, "header": True}'

words() { in_home "$scratch/cpp-words" "$@" "$scratch/bin/cpp-08-metrics" <README.md; }
check "examples/cpp/08-metrics without consent exits with 0" exits 0 words
check "and leaves no file (A1)" no_file_in "$scratch/cpp-words"
check "examples/cpp/08-metrics exits with 0" exits 0 words WORDS_TELEMETRY_ENABLED=1
check "its metrics" exits 0 in_home "$scratch/cpp-words" telemetry metrics --tool words
check "it counts lines and runs (H1)" test "$(grep -c -e "^length_bytes_count $(wc -l <README.md)$" -e '^runs_total 1$' "$scratch/stdout")" = 2

thumbnails() { in_home "$scratch/cpp-thumbnails" "$@" "$scratch/bin/cpp-09-spans"; }
check "examples/cpp/09-spans without consent exits with 0" exits 0 thumbnails
check "and leaves no file (A1)" no_file_in "$scratch/cpp-thumbnails"
check "examples/cpp/09-spans exits with 0" exits 0 thumbnails THUMBNAILS_TELEMETRY_ENABLED=1
check "its spans are in one trace, each below the right one (H9)" spans "$scratch/cpp-thumbnails" thumbnails \
    'len({x["trace_id"] for x in e}) == 1 and [(x["name"], next((y["name"] for y in e if y["span_id"] == x.get("parent_span_id")), None)) for x in e] == [("resize", "GET /thumbnail"), ("GET /thumbnail", "fetch")] * 2 + [("store", "fetch"), ("fetch", None)]'
check "the exception made both spans fail, and its text is not recorded (H9, C6)" spans "$scratch/cpp-thumbnails" thumbnails \
    '[x["status"] for x in e] == ["unset", "unset", "error", "error", "unset", "unset"] and e[3]["events"][0]["attributes"] == {"exception.type": "usage"}'

cpp_notes() { in_home "$scratch/cpp-notes" NOTES_TELEMETRY_ENABLED=1 "$scratch/bin/cpp-02-commands" "$@"; }
check "examples/cpp/02-commands add exits with 0" exits 0 cpp_notes add private-text
check "examples/cpp/02-commands fails with 1 by an exception" exits 1 cpp_notes add ""
check "examples/cpp/02-commands without a text exits with 2" exits 2 cpp_notes add
check "the exit codes are recorded" events "$scratch/cpp-notes" notes \
    '[(x["name"], x["exit_code"]) for x in e] == [("add", 0), ("add", 1), ("add", 2)] and e[0]["metadata"] == {"argument_count": 2}'
check "what was typed is not" nowhere private-text "$scratch/cpp-notes"
