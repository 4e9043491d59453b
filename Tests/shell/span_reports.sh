# shellcheck shell=bash
# H12: what the user is told of spans, by every command that says it of events.

# span_manifest TOOL [SIGNALS]: one whose receiver of spans nobody will ever reach, unless it is local.
span_manifest() {
    mkdir -p "$HOME/.local/share/telemetry/tools"
    cat >"$HOME/.local/share/telemetry/tools/$1.yaml" <<M
tool: {name: $1, version: "1.10"}
metadata: {channel: beta}
spans:
  build:
    description: d
    attributes: {files: {type: int, description: d}, target: {type: string, description: d}, mixed: {type: int, description: d}}
  other: {description: d, attributes: {mixed: {type: string, description: d}}}
M
    if [ $# -gt 1 ]; then
        echo "backend: {kind: otlp, endpoint: 'http://127.0.0.1:9/', signals: [$2]}" >>"$HOME/.local/share/telemetry/tools/$1.yaml"
    fi
}

# Members and counts are those of events; a delivery of spans is not "never".
status_of_spans() {
    enable t
    telemetry status --tool t --json >j
    expect_json j 'j["spans"], j["own"]["spans"]' "(None, None)"
    telemetry status --tool t >out
    expect_part out "last delivery: never"
    telemetry span --tool t --name s -- true
    telemetry span begin --tool t --name u >/dev/null
    telemetry status --tool t --json >j
    expect_json j 'sorted(set(j["events"]) - set(j["spans"])), j["last_delivery"].keys() == j["spans"]["last_delivery"].keys()' "([], True)"
    expect_json j 'j["spool"].keys() == j["spans"]["spool"].keys(), j["events"]["recorded"], j["last_delivery"]["last_success"]' "(True, 0, None)"
    expect_json j '[j["spans"][name] for name in ("recorded", "delivered", "pending", "dropped", "open")]' "[1, 1, 0, 0, 1]"
    expect_json j 'j["spans"]["last_delivery"]["last_success"] == j["spans"]["backends"][0]["last_success"] != None' True
    time=$(json j 'j["spans"]["last_delivery"]["last_success"]')
    telemetry status --tool t >out
    expect_part out "last delivery: events never, spans $time"
    grep -q "^spans: *1 recorded, 1 delivered, 0 pending, 0 dropped, 1 open$" out || fail "$(cat out)"
    grep -q "^spans to: *file: .*/t/spans/spans.jsonl" out || fail "$(cat out)"
    telemetry track x --tool t
    telemetry status --tool t --json >j
    expect_json j 'j["events"]["delivered"], j["spans"]["delivered"]' "(1, 1)"
}
test_case "B1 H12 status: counts, receivers and deliveries of spans, as of events" status_of_spans

# A7: nothing leaves, so no receiver is named as one that is used, and none is asked.
local_only() {
    enable t
    span_manifest t 'events, spans, metrics'
    export T_TELEMETRY_LOCAL=1
    telemetry span --tool t --name build -- true
    telemetry count n --tool t
    telemetry status --tool t >out
    grep -q "^spans to: *file: .*/t/spans/spans.jsonl" out || fail "$(cat out)"
    grep -q "^backend: *file: .*/t/events.jsonl" out || fail "$(cat out)"
    grep -q "^metrics to otlp: .*; local only: nothing is sent$" out || fail "$(cat out)"
    telemetry status --tool t --json >j
    expect_json j 'j["spans"]["backend"].startswith("file: "), j["spans"]["delivered"], j["local_only"]' "(True, 1, True)"
    strace -f -qq -e trace=%network -o trace telemetry doctor --tool t >out 2>err
    expect_part out "local only        nothing leaves this machine: no receiver is used"
    expect_part out "not asked: local only"
    ! grep AF_INET trace || fail "$(cat trace)"
    unset T_TELEMETRY_LOCAL
    telemetry status --tool t >out
    grep -q "^spans to: *otlp: POST http://127.0.0.1:9/" out || fail "$(cat out)"
}
test_case "A7 H12 local only: status and doctor name and ask no receiver" local_only

status_of_failures() {
    enable t
    span_manifest t spans
    telemetry span --tool t --name build -- true
    capture telemetry deliver --now --tool t --json
    expect_code 4
    expect_part err "spans not delivered: "
    expect_json out 'j["delivered"], j["pending"], j["spans"]' "(0, 0, {'delivered': 0, 'pending': 1})"
    telemetry status --tool t --json >j
    expect_json j '[j["spans"][name] for name in ("recorded", "delivered", "pending", "dropped")]' "[1, 0, 1, 0]"
    expect_json j 'j["spans"]["last_delivery"]["consecutive_failures"] > 0, j["spans"]["last_delivery"]["next_attempt"] != None' "(True, True)"
    expect_json j 'j["last_delivery"]["consecutive_failures"], j["backend"].startswith("file: ")' "(0, True)"
    telemetry status --tool t >out
    expect_part out "spans, next attempt:"
    expect_part out "spans, last error:"
    expect_part out "POST http://127.0.0.1:9/v1/traces"
    capture telemetry doctor --offline --tool t
    grep -q "^warning  spans  *.*127.0.0.1:9/v1/traces: .*spans are kept" out || fail "$(cat out)"
    grep -q "^ok  *spans spool  *1 waiting" out || fail "$(cat out)"
    grep -q "^warning  spans delivery  *[0-9]* failed in a row" out || fail "$(cat out)"
    capture telemetry show --tool t
    expect_part err "1 span waits, too: --signal spans shows it"
    for option in --quiet --json; do
        capture telemetry show --tool t $option
        expect_silent err
    done
    capture telemetry show --tool t --signal events
    expect_silent err
    telemetry disable --tool t
    telemetry status --tool t --json >j
    expect_json j '[j["spans"][name] for name in ("recorded", "pending", "dropped")], j["spans"]["dropped_by_reason"]["withdrawn"]' "([1, 0, 1], 1)"
    telemetry status --tool t >out
    expect_part out "dropped 1, withdrawn 1"
}
test_case "B1 B4 H12 spans that are not delivered: deliver, status, doctor, show" status_of_failures

status_of_own() {
    export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9 OTEL_METRICS_EXPORTER=none
    telemetry span --tool t --name s -- true
    telemetry status --tool t --json >j
    expect_json j 'j["enabled"], j["spans"], j["own"]["enabled"], j["own"]["metrics"]' "(False, None, True, [])"
    expect_json j 'j["own"]["spans"]["recorded"], j["own"]["spans"]["pending"], j["own"]["spans"]["backends"][0]["name"]' "(1, 1, 'otel')"
    telemetry status --tool t >out
    grep -q "^your spans: *1 recorded, 0 delivered, 1 pending, 0 dropped, 0 open; last delivery never$" out || fail "$(cat out)"
    grep -q "^your spans to: *otlp: POST http://127.0.0.1:9/v1/traces" out || fail "$(cat out)"
    telemetry explain --tool t >out
    expect_line out "what is kept for you of t is on: OTEL_EXPORTER_OTLP_ENDPOINT is set, which asks for spans; OTEL_METRICS_EXPORTER is 'none', which asks for nothing"
    expect_line out "it is about: spans"
    capture telemetry doctor --tool t
    expect_code 8
    grep -q "^problem  endpoint  *otel: " out || fail "$(cat out)"
    grep -q "^ok  *own spans spool  *1 waiting" out || fail "$(cat out)"
    capture telemetry disable --tool t
    expect_part err "disable: spans are still kept for you, or sent to receivers of your own: "
    unset OTEL_METRICS_EXPORTER
    capture telemetry disable --tool t
    expect_part err "disable: metrics and spans are still kept for you"
}
test_case "H14 spans for the user's own receivers: status, explain, doctor, disable" status_of_own

# Two receivers of one destination: each host is asked, and once.
doctor_asks_each_host() {
    export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9
    capture telemetry doctor --tool t
    expect_equal "$(grep -c "^problem  endpoint" out)" 1
    export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:11/v1/traces
    capture telemetry doctor --tool t
    expect_equal "$(grep -c "^problem  endpoint" out)" 2
}
test_case "B4 H14 doctor asks the receiver of spans, where it is another one" doctor_asks_each_host

# doctor_says STATE PART VARIABLE...: the check of the variables of traces.
doctor_says() {
    local state=$1 part=$2
    shift 2
    capture env "$@" telemetry doctor --offline --tool t --json
    expect_code 0
    expect_json out '[f["state"] for f in j if f["check"] == "trace variables"]' "['$state']"
    expect_part out "$part"
    expect_no_part out CANARY
}

doctor_of_variables() {
    doctor_says ok "nothing is wrong" OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=0.5 "TRACEPARENT=$a_parent" TRACESTATE=a=1 BAGGAGE=a=1
    doctor_says warning "OTEL_TRACES_SAMPLER=alway_on is not a sampler that is known here; expected always_on" OTEL_TRACES_SAMPLER=alway_on
    doctor_says warning "parentbased_always_on is used" OTEL_TRACES_SAMPLER=alway_on
    doctor_says warning "OTEL_TRACES_SAMPLER_ARG=50% is not a ratio; expected a number from 0 to 1. The ratio 1 is used" \
        OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=50%
    doctor_says warning "OTEL_METRICS_EXEMPLAR_FILTER=alwaysoff is not a filter that is known here; expected always_on" \
        OTEL_METRICS_EXEMPLAR_FILTER=alwaysoff
    doctor_says warning "OTEL_TRACES_SAMPLER_ARG is set, and OTEL_TRACES_SAMPLER is not" OTEL_TRACES_SAMPLER_ARG=0.5
    doctor_says warning "TRACEPARENT=00-1 is not a traceparent; expected 00-" TRACEPARENT=00-1
    doctor_says warning "TRACESTATE is set without a TRACEPARENT" TRACESTATE=a=CANARY
    doctor_says warning "TRACESTATE is not a tracestate; expected key=value" "TRACEPARENT=$a_parent" TRACESTATE=CANARY
    doctor_says warning "BAGGAGE: 1 of its 2 members cannot be handed on; expected key=value" BAGGAGE=a=CANARY,CANARY
    capture env OTEL_TRACES_EXPORTER=olpt OTEL_METRICS_EXPORTER=otlp telemetry doctor --offline --tool t
    expect_code 8
    expect_part out "OTEL_TRACES_EXPORTER is 'olpt', which asks for nothing; expected otlp, none"
    for name in OTEL_EXPORTER_OTLP_TRACES_TIMEOUT OTEL_EXPORTER_OTLP_TRACES_COMPRESSION OTEL_EXPORTER_OTLP_TRACES_HEADERS; do
        capture env OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9 "$name=CANARY" telemetry doctor --offline --tool t
        grep -q "own spans .*ignored: $name: " out || fail "$name: $(cat out)"
        expect_no_part out CANARY
    done
    [ ! -e "$HOME/.local" ] || fail "doctor has made something"
}
test_case "B4 H11 H15 doctor names each variable of traces that is not understood" doctor_of_variables

explain_signals() {
    telemetry explain --tool t --json >j
    expect_json j 'j["signals"], j["own"]["signals"]' "(['events', 'metrics', 'spans'], [])"
    # A receiver that takes no spans: none are recorded.
    dead_manifest t
    telemetry explain --tool t --json >j
    expect_json j 'j["signals"]' "['events', 'metrics']"
    OTEL_TRACES_EXPORTER=otlp telemetry explain --tool t --json >j
    expect_json j 'j["own"]["signals"]' "['spans']"
    span_manifest t spans
    telemetry explain --tool t >out
    expect_line out "it is about: events, metrics, spans"
    OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9 telemetry explain --tool t >out
    expect_part out "OTEL_EXPORTER_OTLP_ENDPOINT does not count: the tool's author has chosen a receiver for spans"
}
test_case "A14 H14 explain says what it is about: events, metrics, spans" explain_signals

refusal_of_spans() {
    enable t
    telemetry span --tool t --name s -- true
    capture telemetry show --sent --tool t
    expect_part err "spans were sent, too: --signal spans shows them"
    telemetry show --sent --verify --signal spans --tool t >out
    expect_text out "verified: 1 entry, unbroken"
    telemetry track x --tool t
    telemetry show --sent --verify --tool t >out
    expect_text out "verified: 2 entries, unbroken"
    telemetry show --sent --verify --signal events --tool t >out
    expect_text out "verified: 1 entry, unbroken"
    cp "$HOME/.local/state/telemetry/t/spans/sent.jsonl" kept
    sed -i 's/"name":"s"/"name":"S"/' "$HOME/.local/state/telemetry/t/spans/sent.jsonl"
    capture telemetry show --sent --verify --tool t
    expect_code 7
    expect_part err "broken: spans/sent.jsonl, line 1: "
    telemetry show --sent --verify --tool t --json >j || :
    expect_json j 'j["unbroken"], j["file"], j["line"]' "(False, 'spans/sent.jsonl', 1)"
    cp kept "$HOME/.local/state/telemetry/t/spans/sent.jsonl"
    telemetry disable --tool t >out
    expect_part out "the record of what was sent or logged before stays on this machine"
    telemetry reset --tool t >out
    telemetry disable --tool t >out
    expect_no_part out "stays on this machine"
}
test_case "A12 B2 H12 disable and show --sent know of a tool that has recorded spans alone" refusal_of_spans

# The user sees also what is not recorded yet.
open_spans_shown() {
    local span
    enable t
    telemetry show --open --tool t --json >out
    expect_silent out
    span=$(TRACEPARENT=$a_parent telemetry span begin --tool t --name deploy --attribute a=b --kind server)
    telemetry span event "$span" --tool t --name e --attribute n:int=1
    telemetry span begin --tool t --name second >/dev/null
    telemetry show --open --tool t --json >lines
    python3 -c 'import json, sys; print(json.dumps(sorted((json.loads(line) for line in open("lines")), key=lambda span: span["name"])))' >j
    expect_json j '[(s["name"], s["kind"], s.get("attributes"), s["abandoned"]) for s in j]' \
        "[('deploy', 'server', {'a': 'b'}, True), ('second', 'internal', None, True)]"
    expect_json j 'j[0]["events"][0]["attributes"], j[0]["parent_span_id"], j[0]["span_id"]' \
        "({'n': 1}, 'b7ad6b7169203331', '$(cut -d- -f3 <<<"$span")')"
    telemetry show --open --tool t >out
    expect_json out 'len(j)' 2
    telemetry show --open --audience own --tool t --json >out
    expect_silent out
    telemetry span end "$span" --tool t
    telemetry show --open --tool t --json >lines
    expect_equal "$(wc -l <lines)" 1
    for words in "--open --signal events" "--open --wire" "--open --sent --signal spans"; do
        # shellcheck disable=SC2086
        capture telemetry show --tool t $words
        expect_code 2
    done
}
test_case "B1 H13 show --open shows the spans that are open" open_spans_shown

span_columns="schema_version event_id timestamp type name trace_id span_id parent_span_id trace_state flags kind duration_ns status status_message \
abandoned events links dropped_attributes_count dropped_events_count dropped_links_count machine_id tool_name version os arch os_version runtime \
attributes.files attributes.target metadata.channel attributes_json metadata_json other_json"

export_spans() {
    enable t
    span_manifest t
    TRACEPARENT=$a_parent TRACESTATE=a=1 telemetry span --tool t --name build --attribute files:int=9007199254740993 --attribute target==1 -- sh -c 'exit 3' || :
    span=$(telemetry span begin --tool t --name build --kind server --attribute mixed:int=5)
    telemetry span event "$span" --tool t --name copied --attribute files:int=2
    telemetry span end "$span" --tool t --status error --message "no, \"route\""
    before=$(home_tree)
    telemetry export --tool t --signal spans >out.csv
    telemetry export --tool t --signal spans --json >out.jsonl
    expect_equal "$(home_tree)" "$before"
    expect_rows out.csv '" ".join(h)' "$span_columns"
    expect_equal "$(telemetry export --tool t --signal spans --columns | sed 's/:.*//' | paste -sd' ')" "$span_columns"
    telemetry export --tool t --signal spans --columns --json >j
    expect_json j '[c["type"] for c in j if c["name"] in ("duration_ns", "abandoned", "events", "attributes.files", "attributes_json")]' \
        "['int', 'bool', 'array of objects', 'int', 'string']"
    expect_rows out.csv '[(s["name"], s["kind"], s["status"], s["status_message"]) for s in r]' \
        "[('build', 'client', 'error', ''), ('build', 'server', 'error', 'no, \"route\"')]"
    expect_rows out.csv 'r[0]["trace_id"], r[0]["parent_span_id"], r[0]["trace_state"], r[0]["attributes.files"], r[0]["attributes.target"] == "\x27=1", r[0]["version"]' \
        "('0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331', 'a=1', '9007199254740993', True, '1.10')"
    expect_rows out.csv 'r[1]["parent_span_id"], r[1]["metadata.channel"], r[1]["attributes_json"], r[1]["other_json"]' "('', 'beta', '{\"mixed\":5}', '')"
    # Line by line what the log has: nothing is lost, and nothing is added.
    python3 - "$(span_directory t)/spans.jsonl" out.jsonl out.csv <<'P'
import csv, json, sys
log, lines = ([json.loads(line) for line in open(path)] for path in sys.argv[1:3])
rows = list(csv.DictReader(open(sys.argv[3], newline="")))
assert len(log) == len(lines) == len(rows) == 2
for span, line, row in zip(log, lines, rows):
    rebuilt = {}
    for name, value in line.items():
        if value is None:
            continue
        group, _, key = name.partition(".")
        if name.endswith("_json"):
            target = rebuilt if name == "other_json" else rebuilt.setdefault(name[:-5], {})
            target.update(json.loads(value))
        elif key:
            rebuilt.setdefault(group, {})[key] = value
        else:
            rebuilt[name] = value
    assert rebuilt == span, (rebuilt, span)
    assert int(row["duration_ns"]) == span["duration_ns"] and json.loads(row["events"] or "null") == span.get("events"), row
P
    telemetry export --tool t --signal spans --since 1h >out
    expect_rows out 'len(r)' 2
    telemetry export --tool t --signal spans --since 2100-01-01 >out
    expect_rows out 'len(r)' 0
    for words in "--signal spans --type span" "--signal metrics" "--signal"; do
        # shellcheck disable=SC2086
        capture telemetry export --tool t $words
        expect_code 2
    done
}
test_case "I H12 export --signal spans: columns, values, and nothing is lost" export_spans

export_of_both() {
    enable t
    telemetry track x --tool t
    telemetry span --tool t --name s -- true
    cat "$(events t)" "$(span_directory t)/spans.jsonl" - >both <<<'{"a":1}'
    for signal in events spans; do
        capture telemetry export --tool t --log both --signal $signal
        expect_code 7
        expect_rows out '[s["name"] for s in r]' "$([ $signal = events ] && echo "['x']" || echo "['s']")"
        expect_part err "both, line 3: is not "
    done
    expect_part err "1 event left out: '--signal events' prints them"
    # Sent elsewhere: there never will be a log, and an earlier one has only what is older.
    span_manifest t spans
    capture telemetry export --tool t --signal spans
    expect_code 0
    expect_part err "not all is in the log: the spans of t go elsewhere (http://127.0.0.1:9/v1/traces); 'telemetry show --sent --signal spans' shows"
    capture telemetry export --tool t --signal events
    expect_silent err
    mv "$(span_directory t)/spans.jsonl" aside
    capture telemetry export --tool t --signal spans
    expect_part err "there is no log: the spans of t go elsewhere"
    dead_manifest t
    capture telemetry export --tool t --signal spans
    expect_part err "there is no log: the spans of t go nowhere: none of its receivers takes them"
    capture telemetry export --tool t
    expect_part err "not all is in the log: the events of t go elsewhere ("
    rm "$HOME/.local/share/telemetry/tools/t.yaml"
    mv aside "$(span_directory t)/spans.jsonl"
    telemetry show --sent --signal spans --json --tool t | python3 -c 'import json, sys
for line in sys.stdin: print(json.dumps(json.loads(line)["event"]))' | telemetry export --tool t --signal spans --log - >out
    expect_rows out '[s["name"] for s in r]' "['s']"
    rm "$(span_directory t)/spans.jsonl"
    capture telemetry export --tool t --signal spans
    expect_code 0
    expect_part err "there is no log of t here yet: $(span_directory t)/spans.jsonl"
    # Its name, where the author has chosen one.
    mkdir -p "$HOME/.local/share/telemetry/tools"
    echo "{tool: {name: t}, backend: {kind: file, path: $HOME/log.jsonl}}" >"$HOME/.local/share/telemetry/tools/t.yaml"
    telemetry span --tool t --name beside -- true
    telemetry export --tool t --signal spans >out
    expect_rows out '[s["name"] for s in r]' "['beside']"
}
test_case "I H12 export tells events and spans apart, and finds the log of each" export_of_both

schema_of_spans() {
    enable t
    telemetry show --schema --tool t --json >j
    expect_json j 'j["span_fields"]' "[]"
    span_manifest t spans
    telemetry show --schema --tool t --json >schema
    telemetry show --schema --tool t >text
    expect_part text "These spans, recorded and sent to http://127.0.0.1:9/v1/traces, with these attributes, those that the library sets, and no others:"
    TRACEPARENT=$a_parent telemetry span --tool t --name build -- true
    telemetry show --signal spans --tool t --json >span
    python3 - schema span text <<'P'
import json, sys
schema, span = (json.load(open(path)) for path in sys.argv[1:3])
fields = [field["name"] for field in schema["span_fields"]]
assert set(span) <= set(fields), set(span) - set(fields)
assert [name for name in fields if name in span] == list(span), "another order"
text = open(sys.argv[3]).read()
assert all(f"  {name} " in text for name in fields), text
P
    # What the library sets needs no declaration: all of it is listed.
    path=$HOME/.local/share/telemetry/tools/t.yaml
    echo "extended_collection: true" >>"$path"
    telemetry show --schema --tool t --json >schema
    telemetry show --schema --tool t >text
    telemetry span --tool t --name build -- sh -c 'exit 3' || :
    telemetry show --signal spans --tool t --json | tail -n 1 >span
    python3 - schema span text <<'P'
import json, sys
schema, span = (json.load(open(path)) for path in sys.argv[1:3])
names = {each["name"] for each in schema["span_attributes"]}
assert set(span["attributes"]) == {name for name in names if not name.startswith("exception.")}, (span["attributes"], names)
text = open(sys.argv[3]).read()
assert all(f"  {name} " in text for name in names), text
P
    telemetry manifest docs --tool t >page
    expect_part page '| `process.command_args` |'
    expect_part page "Spans are sent to http://127.0.0.1:9/v1/traces."
    expect_part page "--signal spans --tool t\` shows those that wait."
    expect_part page '| `parent_span_id` |'
    telemetry manifest check "$path" >out 2>err
    expect_part out "0 events, 4 attributes, 2 spans"
    telemetry manifest check "$path" --json >j
    expect_json j 'j["spans"], j["attributes"]' "(2, 4)"
    echo '{tool: {name: t}, spans: {old: {description: d, expires: 2020-01-01}}}' >"$path"
    capture telemetry manifest check "$path"
    expect_part err "spans.old has expired on 2020-01-01: it is refused"
    echo '{tool: {name: t}, spans: {}}' >"$path"
    capture telemetry manifest check "$path"
    expect_part err "spans is empty: no span may be recorded"
}
test_case "C10 H12 show --schema, manifest docs and manifest check name the fields of spans, and where they go" schema_of_spans
