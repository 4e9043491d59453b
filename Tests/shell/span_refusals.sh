# shellcheck shell=bash
# H13: spans that are not recorded although telemetry is on, and how a span that failed says it.

refusing_manifest() {
    mkdir -p "$HOME/.local/share/telemetry/tools"
    cat >"$HOME/.local/share/telemetry/tools/t.yaml" <<'M'
tool: {name: t}
events: {e: {type: feature.used, description: d}}
spans:
  good: {description: d}
  old: {description: d, expires: 2020-01-01}
M
    export TELEMETRY_TOOL=t
}

ended_silently() { # TRACEPARENT
    for words in "event $1 --name e" "end $1 --status error" "end $1 --exit-code 3"; do
        # shellcheck disable=SC2086
        capture telemetry span $words
        expect_code 0
        expect_silent out
        expect_silent err
    done
}

# The parent is whole afterwards: what is said of the refused span is not said of it.
refused_leaves_parent() {
    local parent span
    enable t
    refusing_manifest
    parent=$(telemetry span begin --name good)
    for name in undeclared old; do
        span=$(TRACEPARENT=$parent telemetry span begin --name $name 2>err)
        expect_text err "telemetry: span: not recorded: the manifest does not declare the span '$name', or it has expired"
        expect_equal "${span:0:36}${span: -3}" "${parent:0:36}-02"
        [ "$span" != "${parent%??}02" ] || fail "the parent's id"
        ended_silently "$span"
        TRACEPARENT=$span telemetry span --name good -- true
        TRACEPARENT=$span capture telemetry span begin --name good
        expect_part out -02
    done
    expect_equal "$(open_spans t)" 1
    capture telemetry span end "$parent"
    expect_code 0
    expect_spans t '[(s["name"], s["status"], s.get("events")) for s in j]' "[('good', 'unset', None)]"
}
test_case "H13 a refused span has an id of its own, and its end leaves the parent open" refused_leaves_parent

# The list of spans becomes shorter while a span is open: nothing more is said of it, and it is gone at its end.
narrowed() {
    local first second
    enable t
    refusing_manifest
    first=$(telemetry span begin --name good)
    second=$(telemetry span begin --name good)
    sed -i 's/^  good:/  other:/' "$HOME/.local/share/telemetry/tools/t.yaml"
    capture telemetry span event "$first" --name e
    expect_code 0
    expect_text err "telemetry: span: not recorded: the manifest does not declare the span 'good', or it has expired"
    expect_equal "$(open_spans t)" 2
    capture telemetry span end "$first" --json
    expect_code 0
    expect_json out 'j["status"]' undeclared
    expect_equal "$(open_spans t)" 1
    capture telemetry span end "$first"
    expect_code 10
    capture telemetry span end "$second" --quiet
    expect_silent err
    expect_spans t 'j' "[]"
    telemetry status --json --tool t >j
    expect_json j '[j["spans"][name] for name in ("recorded", "open", "refused_undeclared")]' "[0, 0, 3]"
}
test_case "C10 H13 a span that the manifest no longer declares is gone at its end" narrowed

left_out_by_sampler() {
    local span
    enable t
    export TELEMETRY_TOOL=t
    span=$(OTEL_TRACES_SAMPLER=always_off TRACEPARENT=$a_parent telemetry span begin --name s)
    expect_left_out "$span"
    ended_silently "$span"
    telemetry disable --quiet
    ended_silently "$span"
    expect_equal "$(TRACEPARENT=$a_parent TRACESTATE=a=b telemetry span begin --name s --print dotenv | head -1)" "TRACEPARENT=$a_parent"
}
test_case "H11 H13 event and end of a span that sampling left out do nothing and end with 0" left_out_by_sampler

full() {
    local parent span
    enable t
    export TELEMETRY_TOOL=t
    parent=$(telemetry span begin --name first)
    for number in $(seq 1023); do : >"$(span_directory t)/$(printf '%016x' "$number").span"; done
    span=$(TRACEPARENT=$parent telemetry span begin --name second 2>err)
    expect_part err "no room for one more open span"
    expect_equal "${span: -3}" -02
    ended_silently "$span"
    capture telemetry span end "$parent"
    expect_code 0
}
test_case "H13 without room for one more open span, its end leaves the parent alone" full

# A tool that has recorded something counts what it refuses, also before its first span.
refusals_count() {
    enable t
    refusing_manifest
    telemetry track e
    telemetry span --quiet --name undeclared -- true
    expect_refused 1
    telemetry span begin --quiet --name undeclared >/dev/null
    expect_refused 2
    telemetry command --quiet x -- true
    telemetry span --quiet --name old -- sh -c 'exit 3' || expect_equal $? 3
    expect_refused 3
    in_shell sh '. "$1"; telemetry_span undeclared true; f() { :; }; telemetry_span undeclared f'
    expect_refused 5
    telemetry status >out
    grep -q '^spans: .* refused 5, undeclared 5, ' out || fail "$(cat out)"
}

expect_refused() {
    telemetry status --json >j
    expect_json j 'j["spans"]["refused"], j["spans"]["refused_undeclared"], j["spans"]["recorded"]' "($1, $1, 0)"
}
test_case "C10 H12 status counts the spans that were refused" refusals_count

shell_refused() {
    enable t
    refusing_manifest
    in_shell "$1" '. "$1"; set -eu
inner() { telemetry_span_event x; telemetry_span good true; }
telemetry_span_begin good
telemetry_span undeclared inner
telemetry_span_begin old; telemetry_span_end 3
telemetry_span_end 0
echo "${TRACEPARENT-none}"'
    expect_code 0
    expect_silent err
    expect_text out none
    expect_equal "$(open_spans t)" 0
    expect_spans t '[(s["name"], s["status"], s["attributes"]) for s in j]' "[('good', 'unset', {'process.exit.code': 0})]"
}

# The same words, whoever has run it.
shell_error_types() {
    enable t
    # shellcheck disable=SC2016
    in_shell "$1" '. "$1"; TELEMETRY_TOOL=t
f() { return "$1"; }
killed() { sh -c "kill -TERM \$\$"; }
for code in 0 1 2 127 143; do
    telemetry_span function f $code; telemetry_span program sh -c "exit $code"
done
telemetry_span function killed; telemetry_span program sh -c "kill -TERM \$\$"
telemetry_span_begin s; telemetry_span_end x
telemetry_span_begin s; telemetry_span_end 3 --status ok --attribute error.type=mine
echo end'
    expect_line out end
    expect_spans t '[(s["attributes"]["process.exit.code"], s["attributes"].get("error.type")) for s in j if s["name"] == "function"]' \
        "[(0, None), (1, 'unknown'), (2, 'usage'), (127, 'not_found'), (143, 'SIGTERM'), (143, 'SIGTERM')]"
    expect_spans t '[[(s["attributes"]["process.exit.code"], s["attributes"].get("error.type"), s["status"]) for s in j if s["name"] == name] for name in ("function", "program")].count([(0, None, "unset"), (1, "unknown", "error"), (2, "usage", "error"), (127, "not_found", "error"), (143, "SIGTERM", "error"), (143, "SIGTERM", "error")])' 2
    expect_spans t '[(s["status"], s.get("attributes", {}).get("error.type")) for s in j if s["name"] == "s"]' "[('error', None), ('ok', 'mine')]"
}
for shell in "${shells[@]}"; do
    test_case "H13 $shell: a refused span nests like the others and is not recorded" shell_refused "$shell"
    test_case "H13 $shell: error.type of a function is that of a program" shell_error_types "$shell"
done

exit_code_at_end() {
    local span
    enable t
    refusing_manifest
    span=$(telemetry span begin --name good)
    telemetry span end "$span" --exit-code 137 --message "no memory"
    span=$(telemetry span begin --name good)
    telemetry span end "$span" --exit-code 0
    expect_spans t '[(s["status"], s.get("status_message"), s["attributes"]) for s in j]' \
        "[('error', 'no memory', {'process.exit.code': 137, 'error.type': 'SIGKILL'}), ('unset', None, {'process.exit.code': 0})]"
}
test_case "H13 the end of a span says an exit code as a program's span does, undeclared" exit_code_at_end
