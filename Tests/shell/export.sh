# shellcheck shell=bash
# export: the local log as a table. What programs read out of it is in docs/reading-events.md.

# log_of TOOL: a manifest with attributes of each type; two events in the log.
log_of() {
    enable "$1"
    mkdir -p "$HOME/.local/share/telemetry/tools"
    cat >"$HOME/.local/share/telemetry/tools/$1.yaml" <<M
tool: {name: $1, version: "1.10"}
metadata: {channel: beta}
events:
  import: {description: d, attributes: {rows: {type: int, description: d}, source: {type: string, description: d}}}
  build:
    description: d
    type: command.invocation
    attributes:
      ratio: {type: double, description: d}
      cached: {type: bool, description: d}
      mixed: {type: int, description: d}
  other: {description: d, attributes: {mixed: {type: string, description: d}}}
M
    telemetry track import --tool "$1" --property rows:int=9007199254740993 --property source=a
    telemetry command build --tool "$1" --duration-ms 12 --exit-code 0 --property ratio:double=0.1 --property cached:bool=true --property mixed:int=5
}

# rows FILE EXPRESSION EXPECTED: the rows of a CSV as `r`, dictionaries; `h` is the line of names.
expect_rows() {
    expect_equal "$(python3 -c 'import csv, sys
h, *r = csv.reader(open(sys.argv[1], newline="", encoding="utf-8"), strict=True)
assert all(len(each) == len(h) for each in r), [len(each) for each in r]
r = [dict(zip(h, each)) for each in r]
print(eval(sys.argv[2]))' "$1" "$2")" "$3"
}

columns_text="schema_version event_id timestamp type name machine_id tool_name version os arch os_version runtime duration_ms exit_code error_category \
args error metadata.sample_rate metadata.channel metadata.rows metadata.source metadata.ratio metadata.cached metadata_json other_json"

export_columns() {
    log_of t
    before=$(home_tree)
    telemetry export --tool t >out.csv
    telemetry export --tool t --format jsonl >out.jsonl
    expect_rows out.csv '" ".join(h)' "$columns_text"
    expect_equal "$(telemetry export --tool t --columns | sed 's/:.*//' | paste -sd' ')" "$columns_text"
    telemetry export --tool t --columns --json >j
    expect_json j '[c["type"] for c in j if c["name"] in ("exit_code", "args", "metadata.ratio", "metadata.cached", "metadata_json")]' \
        "['int', 'array of strings', 'double', 'bool', 'string']"
    while read -r line; do
        printf '%s\n' "$line" >line
        expect_json line '" ".join(j)' "$columns_text"
    done <out.jsonl
    expect_rows out.csv 'r[0]["version"], r[0]["metadata.rows"], r[0]["metadata.ratio"], r[0]["metadata.channel"]' "('1.10', '9007199254740993', '', 'beta')"
    expect_rows out.csv 'r[1]["duration_ms"], r[1]["metadata.ratio"], r[1]["metadata.cached"], r[1]["metadata_json"]' "('12', '0.1', 'true', '{\"mixed\":5}')"
    expect_json out.jsonl 'j["version"], j["duration_ms"], j["metadata.ratio"], j["metadata.cached"], j["metadata.rows"], j["metadata_json"], j["args"]' \
        "('1.10', 12, 0.1, True, None, '{\"mixed\":5}', None)"
    # Whatever events there are, and none.
    rm "$(events t)"
    capture telemetry export --tool t
    expect_code 0
    expect_rows out '" ".join(h), len(r)' "('$columns_text', 0)"
    expect_part err "there is no log of t here yet: $(events t)"
    capture telemetry export --tool t --json --quiet
    expect_code 0
    expect_silent out
    expect_silent err
    telemetry track import --tool t
    rm "$(events t)"
    expect_equal "$(home_tree | grep -v events.jsonl)" "$(grep -v events.jsonl <<<"$before")"
}
test_case "I export: columns and types are the manifest's, whatever the log holds" export_columns

# Line by line with an encoder and a decoder that are not ours.
export_values() {
    log_of t
    python3 - "$(events t)" <<'P'
import json, sys
log = sys.argv[1]
event = json.loads(open(log).readline())
lines = []
for text in ["", "a,b", 'say "x"', "two\r\nlines", "=1+1", "+1", "-1", "@x", "\tx", "\rx", "'x", "''=1", "\uff1dx", "x=1", " =1", "caf\u00e9 \U0001F600", "\\", "\u0085\u202e"]:
    event["name"] = text
    event["metadata"] = {"source": text, "rows": -5, "k,\"": text, "deep": {"a": [text]}}
    lines.append(json.dumps(event, ensure_ascii=len(lines) % 2 == 0))
# Values that are not of the type of their column, fields of a later version, a key that is written otherwise.
event.update(name="odd", duration_ms=1.5, exit_code=2**63, later=[1], version=None, args=["-x", "b\"c"])
event["metadata"] = {"rows": "12", "cached": 1, "source": 7, "channel": "a\u0000b"}
lines.append(json.dumps(event))
lines.append(json.dumps(event).replace('"rows"', '"\\u0072ows"').replace('"12"', "12"))
open(log, "w").write("\n".join(lines) + "\n")
P
    telemetry export --tool t >out.csv
    telemetry export --tool t --json >out.jsonl
    python3 - "$(events t)" <<'P'
import csv, json, sys
given = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
rows = list(csv.DictReader(open("out.csv", newline="", encoding="utf-8"), strict=True))
objects = [json.loads(line) for line in open("out.jsonl", encoding="utf-8")]
assert len(given) == len(rows) == len(objects) == 20
assert not any(c in open("out.jsonl", encoding="utf-8").read() for c in "\u0085\u202e")
FORMULA = tuple("=+-@\t\r'\uff1d\uff0b\uff0d\uff20")
for event, row, found in zip(given[:-2], rows, objects):
    text = event["name"]
    guarded = "'" + text if text.startswith(FORMULA) else text
    assert row["name"] == row["metadata.source"] == guarded, (text, row["name"])
    assert found["name"] == found["metadata.source"] == text, found
    assert row["metadata.rows"] == "-5" and found["metadata.rows"] == -5
    for rest in row["metadata_json"], found["metadata_json"]:
        assert json.loads(rest) == {"k,\"": text, "deep": {"a": [text]}}, rest
assert b',"",' in open("out.csv", "rb").read()
for row, found in zip(rows[-2:], objects[-2:]):
    assert row["duration_ms"] == row["exit_code"] == row["version"] == row["metadata.cached"] == row["metadata.source"] == "", row
    assert json.loads(row["other_json"]) == json.loads(found["other_json"]) == {"duration_ms": 1.5, "exit_code": 2**63, "later": [1]}, row
    assert json.loads(row["args"]) == found["args"] == ["-x", "b\"c"]
assert json.loads(rows[-2]["metadata_json"]) == {"rows": "12", "cached": 1, "source": 7, "channel": "a\0b"}
assert rows[-1]["metadata.rows"] == "12" and objects[-1]["metadata.rows"] == 12
P
    expect_equal "$(tr -cd '\r' <out.csv | wc -c)" 25
}
test_case "I export: every value is what was recorded, in CSV one apostrophe off; no formula" export_values

export_files() {
    log_of t
    log=$(events t)
    head -n 1 "$log" >line
    for number in 1 2 10 11; do sed "s/\"name\":\"import\"/\"name\":\"n$number\"/" line >"$log.$number"; done
    sed "s/\"name\":\"import\"/\"name\":\"now\"/" line >"$log"
    telemetry export --tool t >out.csv
    expect_rows out.csv '" ".join(e["name"] for e in r)' "n11 n10 n2 n1 now"
    # The same file under two names, as when it becomes older meanwhile.
    ln "$log" "$log.3"
    telemetry export --tool t >out.csv
    expect_rows out.csv '" ".join(e["name"] for e in r)' "n11 n10 n2 n1 now"
    rm "$log.3"
    # What cannot be read is named, and the rest is printed.
    rm "$log.2"
    mkfifo "$log.2"
    mkdir "$log.12"
    ln -s nowhere "$log.13"
    capture telemetry export --tool t
    expect_code 5
    expect_rows out '" ".join(e["name"] for e in r)' "n11 n10 n1 now"
    expect_line err "telemetry: export: cannot read $log.2: it is not a regular file"
    expect_line err "telemetry: export: cannot read $log.12: it is not a regular file"
    rm -r "$log.2" "$log.12" "$log.13"
    capture telemetry export --tool t --log "$log.10"
    expect_code 0
    expect_rows out '" ".join(e["name"] for e in r)' "n10"
    gzip "$log.11"
    gzip -dc "$log.11.gz" | telemetry export --tool t --log - >out.csv
    expect_rows out.csv '" ".join(e["name"] for e in r)' "n11"
    mkfifo pipe
    cat line >pipe &
    telemetry export --tool t --log pipe >out.csv
    expect_rows out.csv 'len(r)' 1
    capture telemetry export --tool t --log absent
    expect_code 5
    expect_part err "cannot read absent: No such file or directory"
    capture as_nobody telemetry export --tool t --quiet --log "$log"
    expect_code 5
    expect_part err "cannot read $log: Permission denied"
}
test_case "I export: all files, the oldest first; one that cannot be read is named" export_files

export_damaged() {
    log_of t
    log=$(events t)
    head -n 1 "$log" >line
    {
        cat line
        printf '%s\n' 'garbage' '{"a":1}' '[]' '{"event_id":"x","name":"a'
        printf '{"event_id":"x","name":"\xff"}\n'
        printf '\n'
        head -c 5000000 /dev/zero | tr '\0' x
        printf '\n'
        cat line
        head -c 100 line
    } >"$log"
    capture telemetry export --tool t
    expect_code 7
    expect_rows out 'len(r)' 2
    for number in 2 3 4 5 6; do expect_line err "telemetry: export: $log, line $number: is not an event; left out"; done
    expect_line err "telemetry: export: $log, line 8: has more than 4 MiB; left out"
    expect_line err "telemetry: export: $log, line 10: is cut short; left out"
    expect_equal "$(wc -l <err)" 7
    yes garbage | head -n 1000 >>"$log"
    capture telemetry export --tool t
    expect_code 7
    expect_equal "$(wc -l <err)" 11
    expect_part err "more lines are damaged and left out"
    sed 's/"tool_name":"t"/"tool_name":"u"/' line >"$log"
    cat line >>"$log"
    capture telemetry export --tool t
    expect_code 0
    expect_rows out '[e["tool_name"] for e in r]' "['u', 't']"
    expect_text err "telemetry: export: 1 of 2 events are of other tools: see tool_name"
    telemetry export --tool t --quiet 2>err >out
    expect_silent err
}
test_case "I export: a damaged line is named and left out, the others are printed" export_damaged

export_selected() {
    log_of t
    log=$(events t)
    head -n 1 "$log" >line
    for time in 2026-05-11T23:59:59.999999999Z 2026-05-12T00:00:00.000000000Z 2026-05-12T14:30:00.000000001Z yesterday; do
        sed "s/\"timestamp\":\"[^\"]*\"/\"timestamp\":\"$time\"/; s/\"name\":\"import\"/\"name\":\"$time\"/" line
    done >"$log"
    count() { telemetry export --tool t --json "$@" | wc -l; }
    expect_equal "$(count --since 2026-05-12)" 3
    expect_equal "$(count --since 2026-05-12T14:30:00Z)" 2
    expect_equal "$(count --since 2026-05-12T16:30:00.000000001+02:00)" 2
    expect_equal "$(count --since 2026-05-12t12:30:00.000000002-02:00)" 1
    # A time that cannot be read is not known to be older.
    expect_equal "$(telemetry export --tool t --json --since 2200-01-01 | json_name)" yesterday
    cat line >>"$log"
    for ago in 3600s 60m 24h 7d 4w; do expect_equal "$(count --since "$ago")" 2; done
    expect_equal "$(count --since 999999999w)" 5
    expect_equal "$(count --type feature.used)" 5
    expect_equal "$(count --type command.invocation)" 0
    telemetry command build --tool t --duration-ms 12 --exit-code 0
    expect_equal "$(count --type command.invocation)" 1
    expect_equal "$(count --type command.invocation --type feature.used)" 6
    expect_equal "$(count --type command.invocation --since 1h)" 1
    for wrong in '' x 5 5y 2026-13-01 2026-05-12T25:00:00Z 2026-05-12T14:30 -5d 99999999999d '2026-05-12T14:30:00+2'; do
        capture telemetry export --tool t --since "$wrong"
        expect_code 2
        expect_silent out
        expect_part err "--since needs a day"
    done
    capture telemetry export --tool t --format xml
    expect_code 2
    expect_part err "--format needs csv or jsonl, got 'xml'"
    capture telemetry export --tool t --format csv --json
    expect_code 2
}
json_name() { python3 -c 'import json, sys; print(*(json.loads(line)["name"] for line in sys.stdin))'; }
test_case "I export: --since and --type" export_selected

export_streams() {
    log_of t
    log=$(events t)
    python3 - "$log" <<'P'
import sys
line = open(sys.argv[1]).readline()
open(sys.argv[1], "w").write(line * 60000)
P
    # A reader that has had enough, under the default action of SIGPIPE and with it ignored.
    telemetry export --tool t 2>err | head -n 1 >/dev/null
    expect_silent err
    (trap '' PIPE; telemetry export --tool t 2>err || echo $? >code) | head -n 1 >/dev/null
    expect_silent err
    expect_text code 5
    capture sh -c 'telemetry export --tool t >/dev/full'
    expect_code 5
    expect_part err "cannot write to standard output: No space left on device"
    # 19 MB do not fit into 8 MB beside the program: nothing is kept of what was printed.
    prlimit --data=8388608 telemetry export --tool t | wc -l >count
    expect_text count 60001
    # A terminal is told nothing that it would obey.
    head -n 1 "$log" | sed 's/"name":"import"/"name":"\\u001b[31m\\u009b2J\\u202e"/' >odd
    python3 -c 'import os, pty, sys
status = pty.spawn(sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(status))' telemetry export --tool t --log odd >out || true
    python3 -c 'import sys; text = open("out", "rb").read().decode(); assert "?[31m?2J?" in text, text'
    telemetry export --tool t --log odd >out || true
    grep -q "$(printf '\033')" out
}
test_case "I export: a reader that ends, a full disk, a large log, a terminal" export_streams
