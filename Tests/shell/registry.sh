# shellcheck shell=bash
# C10: the event registry and the commands around it.

# The manifest that docs/manifest.md shows for events, in the file mytool.yaml.
documented_manifest() {
    sed -n '/^### `events`/,/^## /p' "$root/docs/manifest.md" | sed -n '/^```yaml$/,/^```$/p' | sed '1d;/^```$/,$d' >mytool.yaml
}

# registry: the tool mytool, enabled, with that manifest, its events in the default log.
registry() {
    documented_manifest
    mkdir -p "$HOME/.local/share/telemetry/tools"
    cp mytool.yaml "$HOME/.local/share/telemetry/tools/"
    enable mytool
}

check_documented() {
    documented_manifest
    capture telemetry manifest check mytool.yaml
    expect_code 0
    expect_silent err
    expect_text out "mytool.yaml: ok: tool mytool, 2 events, 5 attributes"
    capture telemetry manifest check mytool.yaml --json
    expect_json out 'j["events"], j["attributes"], j["warnings"]' "(2, 5, [])"
    [ -z "$(home_tree)" ]
}
test_case "C10 manifest check takes the documented manifest" check_documented

check_error() {
    printf 'tool: {name: t}\nevents:\n  a:\n    description: d\n    atributes: {}\n' >bad.yaml
    capture telemetry manifest check bad.yaml
    expect_code 3
    expect_silent out
    expect_text err "telemetry: manifest: bad.yaml:5:5: events.a.atributes: unknown key; expected 'attributes' or another of type, description, expires, attributes"
    capture telemetry manifest check missing.yaml
    expect_code 3
    capture telemetry manifest check
    expect_code 2
    capture telemetry manifest
    expect_code 2
    capture telemetry manifest chekc x
    expect_code 2
    expect_part err "did you mean 'check'?"
}
test_case "C10 manifest check says where and what" check_error

check_warnings() {
    echo 'tool: {name: t}' >none.yaml
    capture telemetry manifest check none.yaml
    expect_code 0
    expect_line err "telemetry: manifest: none.yaml: warning: no events: any event may be recorded"
    printf 'tool: {name: t}\nevents: {old: {description: d, expires: 2020-02-29}}\n' >old.yaml
    capture telemetry manifest check old.yaml
    expect_code 0
    expect_line err "telemetry: manifest: old.yaml: warning: events.old has expired on 2020-02-29: it is refused"
    capture telemetry manifest check old.yaml --quiet
    expect_code 0
    expect_silent err
}
test_case "C10 manifest check warns of what is hardly meant" check_warnings

# ENDPOINT SETTINGS WARNING...: of an otlp backend, and with `kind: http` among the settings of that one.
endpoint_warns() {
    case $2 in *kind:*) kind=http setting= ;; *) kind=otlp setting=', kind: otlp' ;; esac
    printf 'tool: {name: t}\nevents: {e: {description: d}}\nbackend: {endpoint: "%s"%s}\n' "$1" "$setting$2" >m.yaml
    capture telemetry manifest check m.yaml
    expect_code 0
    expect_equal "$(grep -c warning err)" "$(($# - 2))"
    for part in "${@:3}"; do expect_part err "warning: endpoint of backend $kind: " && expect_part err "$part"; done
}
endpoint_warnings() {
    for fine in https://a.example https://a.example/ https://a.example/otlp https://a.example/otlp/ https://a.example:4318/otlp/v1/logs \
        'https://a.example/in?x=//'; do
        endpoint_warns "$fine" ""
    done
    endpoint_warns https://a.example/v1/traces ", signals: [events, spans]"
    endpoint_warns https://a.example/api/logs ", endpoint_is_whole: true"
    endpoint_warns https://a.example/events ", kind: http"
    endpoint_warns https://a.example//v1/logs "" "doubled slash"
    endpoint_warns https://a.example:4317 "" "port 4317"
    endpoint_warns https://a.example/v1/log "" "is /v1/logs meant?"
    endpoint_warns https://a.example/v1/traces/ "" "/v1/traces is for spans"
    endpoint_warns https://a.example/v1/metrics ", endpoint_is_whole: true" "/v1/metrics is for metrics"
    endpoint_warns https://a.example/api/logs "" "endpoint_is_whole: true"
    endpoint_warns https://a.example/v1/logs ", kind: http" "is kind: otlp meant?"
    endpoint_warns https://a.example:4317//v1/trace "" "doubled slash" "port 4317" "is /v1/traces meant?"
}
test_case "C10 F manifest check warns of endpoints that are hardly meant" endpoint_warnings

# Undeclared values are nowhere: not in the log, not in the spool, not in any file.
refused() {
    registry
    telemetry track ai.chat --tool mytool --property provider=claude --property tokens:int=5 \
        --property secret=canary-1 --property topic='canary 2' --property provider=canary-3
    capture telemetry track canary-4 --tool mytool
    expect_code 0
    expect_part err "not recorded: the manifest does not declare 'canary-4'"
    capture telemetry track canary-4 --tool mytool --quiet
    expect_silent err
    capture telemetry track ai.chat --tool mytool --type canary-5
    expect_code 0
    telemetry command "deploy prod" --tool mytool --duration-ms 5 --exit-code 0
    telemetry command canary-6 --tool mytool --duration-ms 5 --exit-code 0 2>err
    expect_equal "$(event_count mytool)" 2
    expect_json "$(events mytool)" 'j["name"]' "deploy prod"
    head -1 "$(events mytool)" >first
    expect_json first 'sorted(j["metadata"].items())' "[('provider', 'claude'), ('tokens', 5)]"
    if grep -rq canary "$HOME"; then fail "a refused value is on disk: $(grep -r canary "$HOME")"; fi
    capture telemetry status --tool mytool --json
    expect_json out 'j["events"]["recorded"], j["events"]["refused"], j["events"]["refused_undeclared"], j["events"]["attributes_refused"]' "(2, 4, 4, 3)"
    capture telemetry status --tool mytool
    grep -qx 'refused: *4, undeclared 4; attributes 3' out || fail "$(cat out)"
}
test_case "C10 what is not declared is refused, counted and on no disk" refused

expired() {
    printf 'tool: {name: t}\nevents: {old: {description: d, expires: 2020-02-29}, new: {description: d, expires: 2200-01-01}}\n' >t.yaml
    enable t
    capture telemetry track old --manifest t.yaml
    expect_code 0
    telemetry track new --manifest t.yaml
    expect_equal "$(event_count t)" 1
    expect_equal "$(grep -c '"new"' "$(events t)")" 1
}
test_case "C10 an expired event is refused" expired

schema() {
    documented_manifest
    capture telemetry show --schema --manifest mytool.yaml
    expect_code 0
    expect_line out "ai.chat (feature.used), until 2027-01-01"
    expect_part out "at least 0; at most 100000"
    capture telemetry show --schema --json --manifest mytool.yaml
    expect_json out 'j["restricted"], [e["name"] for e in j["events"]]' "(True, ['ai.chat', 'deploy *'])"
    expect_json out '[sorted(a) for a in j["events"][0]["attributes"]][0]' \
        "['description', 'enum', 'max', 'max_length', 'min', 'name', 'pattern', 'type', 'unit']"
    expect_json out '"args" in [f["name"] for f in j["fields"]]' False
    echo '{"tool": {"name": "t"}, "extended_collection": true}' >t.yaml
    capture telemetry show --schema --json --manifest t.yaml
    expect_json out 'j["restricted"], j["events"], "args" in [f["name"] for f in j["fields"]]' "(False, [], True)"
    [ -z "$(home_tree)" ]
}
test_case "C10 show --schema" schema

# Once answered, the question is not shown again: who asks, why, and where each kind of data goes is to be read here.
schema_notice() {
    cat >t.yaml <<'Y'
tool: {name: t}
notice: {collector: The Makers, data: what was run, purpose: to see what is used, contact: a@example.org}
backend: {kind: otlp, endpoint: "http://127.0.0.1:9/v1/logs", signals: [events, metrics]}
metrics: {runs: {type: counter, description: d}}
Y
    capture telemetry show --schema --manifest t.yaml
    expect_line out "  Who:      The Makers"
    expect_line out "  Contact:  a@example.org"
    expect_line out "  Goes to:  otlp: POST http://127.0.0.1:9/v1/logs"
    expect_line out "These metrics, kept on this machine and sent to http://127.0.0.1:9/v1/metrics, with these attributes and no others:"
    capture telemetry manifest docs t.yaml
    expect_part out "sent to http://127.0.0.1:9/v1/metrics"
    capture telemetry show --schema --json --manifest t.yaml
    expect_json out 'j["notice"]["collector"], j["notice"]["retention"], list(j["notice"])' \
        "('The Makers', None, ['collector', 'data', 'purpose', 'recipient', 'retention', 'policy_url', 'contact'])"
    echo "{tool: {name: t}}" >t.yaml
    capture telemetry show --schema --manifest t.yaml
    expect_line out "t has no notice of its own. In its place the user is told:"
    expect_line out "  Who:      the makers of t"
}
test_case "A13 C10 show --schema begins with the notice, and says where metrics go" schema_notice

# What the library adds of itself is no secret: heartbeats, and the rate of a sampled event.
schema_beside() {
    echo '{"tool": {"name": "t"}, "events": {"x": {"description": "d"}}, "heartbeat": {"period": "1h"}, "sampling": {"feature.used": 0.5}}' >t.yaml
    capture telemetry show --schema --manifest t.yaml
    expect_part out "every 3600 s at most, an event \`heartbeat\`"
    expect_part out "metadata.sample_rate"
    capture telemetry show --schema --json --manifest t.yaml
    expect_json out 'j["heartbeat_s"], [f["name"] for f in j["fields"]][-3:]' "(3600, ['metadata.sample_rate', 'metadata.trace_id', 'metadata.span_id'])"
    capture telemetry manifest docs t.yaml
    expect_part out "every 3600 s at most, an event \`heartbeat\`"
    expect_part out "metadata.sample_rate"
}
test_case "C10 C11 C12 show --schema and manifest docs name what the library adds" schema_beside

# Every field that an event really has is in the schema.
schema_is_complete() {
    registry
    TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 telemetry command "deploy x" --tool mytool --duration-ms 5 --exit-code 0
    capture telemetry show --schema --json --tool mytool
    json out '"\n".join(sorted(f["name"] for f in j["fields"]))' >declared
    json "$(events mytool)" '"\n".join(sorted([*j, *("metadata." + key for key in j["metadata"])]))' >real
    grep -q metadata.trace_id real || fail "$(cat real)"
    expect_equal "$(comm -13 declared real)" ""
}
test_case "C10 show --schema lists every field of a real event" schema_is_complete

docs() {
    documented_manifest
    capture telemetry manifest docs mytool.yaml
    expect_code 0
    expect_silent err
    expect_line out "# What mytool collects"
    expect_line out "### ai.chat"
    expect_line out '### deploy \*'
    expect_part out "telemetry disable --tool mytool"
    cp out first
    capture telemetry manifest docs --manifest mytool.yaml
    cmp out first
    printf 'tool: {name: t}\nnotice: {collector: ACME, data: names, purpose: to learn, recipient: us, policy_url: "https://acme.example/p"}\n' >n.yaml
    capture telemetry manifest docs n.yaml
    for line in "Who collects: ACME" "What: names" "Why: to learn" "Where it goes: us"; do expect_line out "- $line"; done
    expect_part out "acme.example"
    expect_part out "telemetry request-deletion --tool t"
    printf 'tool: {name: t}\nevents: {"<b>": {description: "a | *b* [c](d)\\n- e"}}\n' >t.yaml
    capture telemetry manifest docs t.yaml
    expect_line out '### \<b\>'
    expect_line out 'a \| \*b\* \[c\]\(d\) - e'
    [ -z "$(home_tree)" ]
}
test_case "C10 manifest docs" docs
