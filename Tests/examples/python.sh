# shellcheck shell=bash disable=SC2154 # the variables are those of run
# examples/python: run as a reader would, with the binding of the tree.

for example in "01-first-event.py" "02-commands.py add x" "03-prompt.py" "04-same-tool.py hello" "05-metrics.py" "06-spans.py" "07-programs.py"; do
    read -r name arguments <<<"$example"
    # shellcheck disable=SC2086 # several words
    check "examples/python/$name without consent exits with 0 (A1)" exits 0 in_home "$scratch/python-off" examples/python/$name $arguments <README.md
    check "examples/python/$name without consent leaves no file (A1)" no_file_in "$scratch/python-off"
    # shellcheck disable=SC2086
    check "examples/python/$name without the library exits with 0" exits 0 in_home "$scratch/python-off" LD_LIBRARY_PATH= examples/python/$name $arguments <README.md
done

home=$scratch/python-first
check "examples/python/01-first-event.py exits with 0" exits 0 in_home "$home" MYTOOL_TELEMETRY_ENABLED=1 examples/python/01-first-event.py
check "it records one event" events "$home" mytool \
    'len(e) == 1 and e[0]["name"] == "import" and e[0]["metadata"] == {"format": "csv", "rows": 1200, "share": 0.5, "header": True}'

home=$scratch/python-notes
python_notes() { in_home "$home" NOTES_TELEMETRY_ENABLED=1 examples/python/02-commands.py "$@"; }
check "examples/python/02-commands.py add exits with 0" exits 0 python_notes add private-text
check "it fails with 1 by an exception" exits 1 python_notes add ""
check "without a text it exits with 2" exits 2 python_notes add
check "the exit codes are recorded" events "$home" notes \
    '[(x["name"], x["exit_code"]) for x in e] == [("add", 0), ("add", 1), ("add", 2)] and e[0]["metadata"] == {"argument_count": 2}'
check "what was typed is not" nowhere private-text "$home"

quote_asks 03-prompt.py "$scratch/python-prompt" examples/python/03-prompt.py

home=$scratch/python-words
check "examples/python/05-metrics.py exits with 0" exits 0 in_home "$home" WORDS_TELEMETRY_ENABLED=1 examples/python/05-metrics.py <README.md
check "its metrics" exits 0 in_home "$home" telemetry metrics --tool words
check "it counts lines and runs (H1)" test "$(grep -c -e "^length_bytes_count $(wc -l <README.md)$" -e '^runs_total 1$' "$scratch/stdout")" = 2

home=$scratch/python-thumbnails
check "examples/python/06-spans.py exits with 0" exits 0 in_home "$home" THUMBNAILS_TELEMETRY_ENABLED=1 examples/python/06-spans.py
check "it answers" grep -qx '200 400' "$scratch/stdout"
check "its spans are in one trace, each below the right one (H9)" spans "$home" thumbnails \
    'len({x["trace_id"] for x in e}) == 1 and sorted((x["name"], next((y["name"] for y in e if y["span_id"] == x.get("parent_span_id")), "")) for x in e) == [("GET /thumbnail", "fetch")] * 2 + [("fetch", "")] + [("resize", "GET /thumbnail")] * 2'
check "the exception made both spans fail, and its text is not recorded (H9, C6)" spans "$home" thumbnails \
    'sorted((x["name"], x["attributes"]["error.type"]) for x in e if x["status"] == "error") == [("GET /thumbnail", "ValueError"), ("resize", "ValueError")] and "no width" not in str(e)'

home=$scratch/python-release
check "examples/python/07-programs.py exits with 0" exits 0 in_home "$home" RELEASE_TELEMETRY_ENABLED=1 examples/python/07-programs.py
check "the script knows its trace" grep -qx 'packed in trace 00' "$scratch/stdout"
check "the other process is in the trace (H10)" spans "$home" release \
    'sorted((x["name"], next((y["name"] for y in e if y["span_id"] == x.get("parent_span_id")), "")) for x in e) == [("check", "publish"), ("pack", "publish"), ("publish", ""), ("verify", "check")]'
