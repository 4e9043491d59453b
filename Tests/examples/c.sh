# shellcheck shell=bash disable=SC2154 # the variables are those of run

# A1: nobody has agreed, so nothing may come into being in a fresh HOME.
for example in "01-first-event" "02-commands list" "03-custom-backend" "04-flush-and-statistics" "linecount Makefile"; do
    read -r name argument <<<"$example"
    check "$name without consent exits with 0 (A1)" exits 0 in_home "$scratch/off" "$(program "$name")" ${argument:+"$argument"}
    check "$name without consent leaves no file (A1)" no_file_in "$scratch/off"
done

home=$scratch/first
check "01-first-event exits with 0" exits 0 in_home "$home" MYTOOL_TELEMETRY_ENABLED=1 "$(program 01-first-event)"
check "01-first-event says what it always says" grep -qx 'imported 1200 rows' "$scratch/stdout"
check "01-first-event records one event" events "$home" mytool \
    'len(e) == 1 and e[0]["type"] == "feature.used" and e[0]["name"] == "import" and e[0]["tool_name"] == "mytool" and e[0]["version"] == "1.2.0" and e[0]["metadata"] == {}'

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
    '[(x["name"], x["metadata"].get("kind"), x["metadata"].get("files"), x["metadata"].get("lines")) for x in e] == [("count-kind", "txt", 2, 2), ("count-kind", "md", 1, 1), ("linecount", None, 3, None)]'
check "no file name is recorded" nowhere secret-name "$home"
check "linecount exits with 1 for a missing file" exits 1 linecount "$scratch/absent"
check "and records that" events "$home" demo 'e[-1]["exit_code"] == 1 and e[-1]["metadata"] == {"files": 1, "unreadable": 1}'
