# shellcheck shell=bash disable=SC2154 # the variables are those of run
# One tool in C, C++, shell and Python: the same events, field by field.

# What is different in every event: which it is, and when it was. Nothing else may be.
different='event_id timestamp duration_ms'

home=$scratch/greet
mkdir -p "$home"
# The same identifier for all processes, wherever this runs.
{ cat examples/c/09-same-tool/greet.yaml; echo 'identity: {ephemeral: never}'; } >"$scratch/greet.yaml"

greet() {
    local program=$1
    shift
    in_home "$home" GREET_TELEMETRY_ENABLED=1 TELEMETRY_MANIFEST="$scratch/greet.yaml" "$program" "$@"
}
for version in "c $(program 09-same-tool)" "cpp $scratch/bin/cpp-07-same-tool" "sh examples/shell/06-same-tool.sh" \
    "py examples/python/04-same-tool.py"; do
    read -r language program <<<"$version"
    check "same tool, $language: hello World" exits 0 greet "$program" hello World
    cp "$scratch/stdout" "$scratch/greet-$language"
    check "same tool, $language: hello --loud" exits 0 greet "$program" hello --loud Anna Bert Cäsar
    cat "$scratch/stdout" >>"$scratch/greet-$language"
    check "same tool, $language: hello" exits 0 greet "$program" hello
    check "same tool, $language: a command that it does not know" exits 2 greet "$program" secret-word --loud
    check "same tool, $language: no command" exits 2 greet "$program"
    check "same tool, $language: it says the same" cmp "$scratch/greet-$language" "$scratch/greet-c"
    mv "$home/.local/state/telemetry/greet/events.jsonl" "$scratch/greet-$language.jsonl" || : >"$scratch/greet-$language.jsonl"
done

same_events() {
    python3 - "$different" "$scratch"/greet-{c,cpp,sh,py}.jsonl <<'PY'
import json, sys
different = sys.argv[1].split()
logs = [[json.loads(line) for line in open(name, encoding="utf-8")] for name in sys.argv[2:]]
assert [len(log) for log in logs] == [8, 8, 8, 8], [len(log) for log in logs]
for events in zip(*logs):
    first = events[0]
    for event in events[1:]:
        assert list(event) == list(first), (list(event), list(first))
        assert list(event["metadata"]) == list(first["metadata"]), (event, first)
        for key in first:
            same = repr(event[key]) == repr(first[key]) # 1 is not 1.0, nor True
            assert same or key in different, f"{key}: {event[key]!r} and {first[key]!r}"
events = sum(logs, [])
assert len({event["event_id"] for event in events}) == 32
assert {event["machine_id"] for event in events} != {""} and len({event["machine_id"] for event in events}) == 1
assert logs[0][0]["metadata"] == {"channel": "stable", "names": 1, "loud": False, "ending": ".", "effort": 0.5}
assert logs[0][7]["exit_code"] == 2 and logs[0][7]["name"] == "unknown"
print("compared:", *[key for key in logs[0][7] if key not in different])
PY
}
check "C, C++, shell and Python: the same events but for $different" same_events
check "what was typed is in none of them" nowhere secret-word "$home"
