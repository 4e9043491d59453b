# shellcheck shell=bash disable=SC2154 # the variables are those of run

# A1: nobody has agreed, so nothing may come into being in a fresh HOME.
for example in "01-first-event" "02-commands list" "03-custom-backend" "04-flush-and-statistics" \
    "05-consent-prompt" "09-same-tool hello" "linecount Makefile"; do
    read -r name argument <<<"$example"
    check "$name without consent exits with 0 (A1)" exits 0 in_home "$scratch/off" "$(program "$name")" ${argument:+"$argument"}
    check "$name without consent leaves no file (A1)" no_file_in "$scratch/off"
done

home=$scratch/first
check "01-first-event exits with 0" exits 0 in_home "$home" MYTOOL_TELEMETRY_ENABLED=1 "$(program 01-first-event)"
check "01-first-event says what it always says" grep -qx 'imported 1200 rows' "$scratch/stdout"
check "01-first-event records one event" events "$home" mytool \
    'len(e) == 1 and e[0]["type"] == "feature.used" and e[0]["name"] == "import" and e[0]["tool_name"] == "mytool" and e[0]["version"] == "1.2.0" and "metadata" not in e[0]'

home=$scratch/commands
notes() { in_home "$home" NOTES_TELEMETRY_ENABLED=1 "$(program 02-commands)" "$@"; }
check "notes add exits with 0" exits 0 notes add private-text
check "notes add is one command event (C3, C5)" events "$home" notes \
    'len(e) == 1 and e[0]["type"] == "command.invocation" and e[0]["name"] == "add" and e[0]["exit_code"] == 0 and e[0]["duration_ms"] >= 0 and e[0]["metadata"] == {"argument_count": 2}'
check "what was typed is not in it (C6)" nowhere private-text "$home"
check "notes add without a text exits with 2" exits 2 notes add
check "its exit code is recorded" events "$home" notes 'len(e) == 2 and e[1]["exit_code"] == 2'
check "notes list exits with 0" exits 0 notes list
check "a measured step is an event of its own" events "$home" notes \
    'sorted(x["name"] for x in e[2:]) == ["list", "list index"] and [x["duration_ms"] for x in e if x["name"] == "list index"] == [3]'
check "notes help exits with 0" exits 0 notes help
check "a bare notes exits with 0" exits 0 notes
check "--no-telemetry leaves the exit code alone (A3)" exits 0 notes list --no-telemetry
check "help, a bare run and --no-telemetry record nothing (A3, C3)" events "$home" notes 'len(e) == 4'

printed_batches() {
    python3 - "$scratch/stdout" <<'PY'
import json, sys
names = [event["name"] for line in open(sys.argv[1], encoding="utf-8") for event in json.loads(line)]
sys.exit(0 if names == ["import", "export"] else f"got {names}")
PY
}
check "03-custom-backend exits with 0" exits 0 in_home "$scratch/custom" MYTOOL_TELEMETRY_ENABLED=1 "$(program 03-custom-backend)"
check "the function got both events, in order, as JSON arrays" printed_batches

home=$scratch/statistics
check "04-flush-and-statistics exits with 0" exits 0 in_home "$home" MYTOOL_TELEMETRY_ENABLED=1 "$(program 04-flush-and-statistics)"
check "recorded = delivered + pending + dropped before (E12)" grep -qE \
    '^before: recorded 100 = delivered ([0-9]+) \+ pending ([0-9]+) \+ dropped 0$' "$scratch/stdout"
check "everything is delivered after (E12)" grep -qx 'after: recorded 100 = delivered 100 + pending 0 + dropped 0' "$scratch/stdout"
check "the attributes keep their types and the events their order" events "$home" mytool \
    '[x["metadata"]["round"] for x in e] == list(range(1, 101)) and e[99]["metadata"] == {"round": 100, "last": True, "share": 1.0, "phase": "sort"}'

home=$scratch/linecount
linecount() { in_home "$home" DEMO_TELEMETRY_ENABLED=1 "$(program linecount)" "$@"; }
printf 'a\nb\n' >"$scratch/one.txt"
printf 'c' >"$scratch/two.txt"
printf 'd\n' >"$scratch/secret-name.md"
check "linecount exits with 0" exits 0 linecount "$scratch/one.txt" "$scratch/two.txt" "$scratch/secret-name.md"
check "linecount counts as wc -l does" grep -qx '       2 lines in    2 files: txt' "$scratch/stdout"
check "one event for each kind and one for the command" events "$home" demo \
    '[(x["name"], *(x.get("metadata", {}).get(key) for key in ("kind", "files", "lines"))) for x in e] == [("count-kind", "txt", 2, 2), ("count-kind", "md", 1, 1), ("linecount", None, 3, None)]'
check "no file name is recorded" nowhere secret-name "$home"
check "linecount exits with 1 for a missing file" exits 1 linecount "$scratch/absent"
check "and records that" events "$home" demo 'e[-1]["exit_code"] == 1 and e[-1]["metadata"] == {"files": 1, "unreadable": 1}'

# quote NAME HOME PROGRAM: the same example in another language, for the prompt.
quote_asks() {
    local name=$1 home=$2 program=$3
    check "$name at a terminal exits with 0 (A13)" exits 0 in_home "$home" Tests/examples/at-terminal "$home" y "$program"
    check "$name asks" grep -q '^screen: quote asks to collect usage data.*The Quote Project.*Allow quote to collect this? \[y/N\]' "$scratch/stdout"
    check "$name stores the yes and records" events "$home" quote '[x["name"] for x in e] == ["quotation"]'
    check "$name the second time exits with 0" exits 0 in_home "$home" Tests/examples/at-terminal "$home" "" "$program"
    check "$name does not ask again" grep -qx 'screen:' "$scratch/stdout"
    check "$name: telemetry why" exits 0 in_home "$home" "$program" telemetry why
    check "$name: who decides" grep -q 'preference file' "$scratch/stdout"
    check "$name: telemetry off" exits 0 in_home "$home" "$program" telemetry off
    check "$name is off" exits 0 in_home "$home" "$program"
    check "$name: telemetry on, overruled, is said" grep -q 'another source decides otherwise' <(in_home "$home" DO_NOT_TRACK=1 "$program" telemetry on 2>&1)
    check "$name: telemetry on" exits 0 in_home "$home" "$program" telemetry on
    check "$name: telemetry maybe" exits 2 in_home "$home" "$program" telemetry maybe
    check "$name is on" exits 0 in_home "$home" "$program"
    check "$name recorded when it was on" events "$home" quote 'len(e) == 3'
}
quote_asks 05-consent-prompt "$scratch/prompt" "$(program 05-consent-prompt)"

convert_by_manifest() {
    local name=$1 home=$2 program=$3
    convert() { in_home "$home" CONVERT_TELEMETRY_ENABLED=1 TELEMETRY_MANIFEST="$PWD/examples/c/06-manifest/convert.yaml" "$program" "$@"; }
    check "$name exits with 0" exits 0 convert csv json
    check "$name with a format that the manifest does not list" exits 0 convert csv secret-format
    check "$name records what the manifest lists (C10)" events "$home" convert \
        '[(x["name"], x["version"], x["metadata"]) for x in e] == [("convert", "2.1.0", {"channel": "stable", "from": "csv", "to": "json", "rows": 1200}), ("convert", "2.1.0", {"channel": "stable", "from": "csv", "rows": 1200})]'
    check "$name: what is not listed is nowhere (C10)" nowhere secret-format "$home"
    check "$name says where a manifest is missing" grep -q '/nonexistent.yaml' \
        <(in_home "$home-none" CONVERT_TELEMETRY_ENABLED=1 TELEMETRY_MANIFEST=/nonexistent.yaml "$program" csv json 2>&1)
    check "$name without its manifest records nothing" no_file_in "$home-none"
}
convert_by_manifest 06-manifest "$scratch/convert" "$(program 06-manifest)"

stops_by() {
    local name=$1 home=$2 program=$3 signal=$4 number
    number=$(kill -l "${signal#SIG}")
    check "$name stops by $signal" exits 0 in_home "$home" WATCH_TELEMETRY_ENABLED=1 Tests/examples/stop-after "round 2" "$signal" -- "$program"
    check "$name dies of $signal" grep -qx "status -$number" "$scratch/stdout"
    check "$name has delivered before that" events "$home" watch \
        "[x['name'] for x in e] == ['round'] * (len(e) - 1) + ['loop'] and len(e) >= 3 and e[-1]['exit_code'] == 128 + $number and [x['metadata']['number'] for x in e[:-1]] == list(range(1, len(e)))"
}
for signal in SIGINT SIGTERM SIGHUP; do stops_by 07-signals "$scratch/$signal" "$(program 07-signals)" $signal; done
check "07-signals without consent dies of SIGTERM" exits 0 in_home "$scratch/watch-off" Tests/examples/stop-after "round 1" SIGTERM -- "$(program 07-signals)"
check "and leaves no file (A1)" no_file_in "$scratch/watch-off"
# shellcheck disable=SC2016 # for the sh there
check "07-signals goes on after a SIGHUP that is ignored" exits 0 in_home "$scratch/watch-off" Tests/examples/stop-after "round 1" SIGHUP "round 4" SIGTERM -- \
    sh -c 'trap "" HUP; exec "$1"' sh "$(program 07-signals)"
check "and ends by the next signal" grep -qx 'status -15' "$scratch/stdout"

home=$scratch/plugins
editor() { in_home "$home" "$@" "$(program 08-plugins)" 'teh text' "$scratch/bin/spell.so" "$scratch/bin/grammar.so"; }
check "08-plugins without consent exits with 0 (A1)" exits 0 editor
check "08-plugins without consent leaves no file (A1)" no_file_in "$home"
check "08-plugins exits with 0" exits 0 editor EDITOR_TELEMETRY_ENABLED=1 EDITOR_SPELL_TELEMETRY_ENABLED=1 EDITOR_GRAMMAR_TELEMETRY_ENABLED=1
check "08-plugins ran both" grep -qx '2 mistakes' "$scratch/stdout"
check "each plugin records under its own name: spell" events "$home" editor-spell '[(x["name"], x["version"], x["metadata"]) for x in e] == [("spelling", "0.9.0", {"mistakes": 1})]'
check "each plugin records under its own name: grammar" events "$home" editor-grammar '[(x["name"], x["version"], x["metadata"]) for x in e] == [("sentence", "3.1.0", {"capital": False})]'
check "both record in the host's collector" events "$home" editor \
    '[x["name"] for x in e] == ["plugin"] * 2 and sorted(x["metadata"]["plugin"] for x in e) == ["grammar", "spell"]'
check "08-plugins: consent to one is none to another" exits 0 in_home "$home-one" EDITOR_SPELL_TELEMETRY_ENABLED=1 \
    "$(program 08-plugins)" 'Fine.' "$scratch/bin/spell.so" "$scratch/bin/grammar.so"
check "one tool has a log" test "$(ls "$home-one/.local/state/telemetry")" = editor-spell
check "08-plugins with a plugin that is missing" exits 0 in_home "$home-none" "$(program 08-plugins)" text /nonexistent.so

home=$scratch/flipt
check "10-flipt-metrics without consent exits with 0 (A1)" exits 0 in_home "$home" "$(program 10-flipt-metrics)" --once 10
check "10-flipt-metrics without consent has no metrics (A1)" test ! -s "$scratch/stdout"
check "10-flipt-metrics without consent leaves no file (A1)" no_file_in "$home"
check "10-flipt-metrics with a mistake exits with 2" exits 2 in_home "$home" "$(program 10-flipt-metrics)" --twice
check "10-flipt-metrics exits with 0" exits 0 in_home "$home" FLIPT_TELEMETRY_ENABLED=1 "$(program 10-flipt-metrics)" --once 400
check "it counts every request (H4)" awk '/^flipt_evaluations_requests_total\{/ { sum += $2 } END { exit sum != 400 }' "$scratch/stdout"
check "it has what the process uses (H6)" grep -q '^process_start_time_seconds ' "$scratch/stdout"
check "10-flipt-metrics the second time exits with 0" exits 0 in_home "$home" FLIPT_TELEMETRY_ENABLED=1 "$(program 10-flipt-metrics)" --once 100
check "the counts go on" awk '/^flipt_evaluations_requests_total\{/ { sum += $2 } END { exit sum != 500 }' "$scratch/stdout"
check "10-flipt-metrics serves until it is stopped" exits 0 in_home "$home" FLIPT_TELEMETRY_ENABLED=1 Tests/examples/serve-once "$(program 10-flipt-metrics)"
check "10-flipt-metrics answers with a Content-Type (H3)" grep -q '^200 application/openmetrics-text' "$scratch/stdout"
check "10-flipt-metrics knows one path" grep -q '^404' "$scratch/stdout"
check "10-flipt-metrics ends by SIGTERM" grep -qx 'status 0' "$scratch/stdout"

home=$scratch/publish
publish() { in_home "$home" "$@" "$(program 11-spans)"; }
check "11-spans without consent exits with 0 (A1)" exits 0 publish
check "11-spans says what it always says" test "$(tr '\n' ' ' <"$scratch/stdout")" = "checked published "
check "11-spans without consent leaves no file (A1)" no_file_in "$home"
check "11-spans exits with 0" exits 0 publish PUBLISH_TELEMETRY_ENABLED=1
check "its spans are one trace (H9, H10)" spans "$home" publish \
    'sorted(s) == sorted(["publish", "compress", "check", "verify", "upload", "PUT /packages"]) and len({x["trace_id"] for x in e}) == 1 and len(e) == 6'
check "each has the right parent: thread, program and request (H9, H10)" spans "$home" publish \
    '{name: next((x["name"] for x in e if x["span_id"] == s[name].get("parent_span_id")), None) for name in s} == {"publish": None, "compress": "publish", "check": "publish", "verify": "check", "upload": "publish", "PUT /packages": "upload"}'
check "attributes, events and kinds of the spans (H9)" spans "$home" publish \
    's["compress"]["attributes"] == {"format": "gzip", "bytes": 48123} and s["upload"]["events"][0]["name"] == "timed out" and s["upload"]["kind"] == "client" and s["PUT /packages"]["kind"] == "server" and {x["status"] for x in e} == {"unset"}'
trace=$(python3 -c 'import json, sys; print(json.loads(open(sys.argv[1]).readline())["trace_id"])' "$home/.local/state/telemetry/publish/spans/spans.jsonl")
check "the event names the trace that it happened in" events "$home" publish "len(e) == 1 and e[0]['metadata']['trace_id'] == '$trace'"
check "11-spans goes on with the trace of its caller (H10)" exits 0 publish PUBLISH_TELEMETRY_ENABLED=1 TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
check "and its spans are in it" spans "$home" publish \
    '{x["trace_id"] for x in s.values()} == {"0af7651916cd43dd8448eb211c80319c"} and s["publish"]["parent_span_id"] == "b7ad6b7169203331"'

# The whole of it, with OpenTelemetry's SDK, is in Tests/receivers.
home=$scratch/ship
check "12-one-trace without consent runs the program (A1)" exits 3 in_home "$home" "$(program 12-one-trace)" sh -c 'exit 3'
check "12-one-trace without consent leaves no file (A1)" no_file_in "$home"
# shellcheck disable=SC2016 # for the sh there
check "12-one-trace hands its trace on" exits 0 in_home "$home" SHIP_TELEMETRY_ENABLED=1 TELEMETRY_MANIFEST="$PWD/examples/c/12-one-trace/ship.yaml" \
    BAGGAGE=a=1 "$(program 12-one-trace)" sh -c 'echo "$TRACEPARENT $BAGGAGE"'
check "in the environment of the program" grep -qxE '00-[0-9a-f]{32}-[0-9a-f]{16}-03 a=1' "$scratch/stdout"
