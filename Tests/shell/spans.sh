# shellcheck shell=bash
# H13: spans of programs, and from a begin to an end in different processes.

span_directory() { printf '%s' "$HOME/.local/state/telemetry/$1/spans"; }

# spans TOOL EXPRESSION: the spans in the log, in the order of their ends, as `j` in a Python expression.
spans() {
    python3 -c 'import json, os, sys
path = sys.argv[1]
j = [json.loads(line) for line in open(path)] if os.path.exists(path) else []
print(eval(sys.argv[2]))' "$(span_directory "$1")/spans.jsonl" "$2"
}

expect_spans() { expect_equal "$(spans "$1" "$2")" "$3"; }

open_spans() { find "$(span_directory "$1")" -name '*.span' 2>/dev/null | wc -l; }

a_parent=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01

# as_span FUNCTION: a test of a wrapped command, with a span around it.
as_span() {
    # shellcheck disable=SC2317 # called by the function
    wrap() { telemetry span --tool t --name s -- "$@"; }
    "$@"
}
for function in exit_codes streams not_found no_interpreter_line arguments_pass descriptors; do
    on_and_off "H13 B5 a program as a span: $function" as_span $function
done

span_dies() {
    local number
    ulimit -c 0
    number=$(kill -l "$1")
    expect_equal "$(wait_status telemetry span --tool t --name s -- sh -c "kill -$1 \$\$")" "-$number"
}
on_and_off "H13 B5 a span's program dying of SIGKILL: the caller sees that death" span_dies KILL
on_and_off "H13 B5 a span's program dying of SIGTERM: the caller sees that death" span_dies TERM

span_forwards() {
    local pid
    telemetry span --tool t --name s -- sh -c 'trap ": >got; exit 9" TERM; : >ready; while :; do sleep 0.02; done' &
    pid=$!
    wait_for ready
    kill -TERM $pid
    code=0
    wait $pid || code=$?
    : >err
    expect_code 9
    [ -e got ]
}
on_and_off "H13 B5 SIGTERM to a span reaches its program" span_forwards

# Nothing of the helper's is in the way of an ordinary environment.
carries() {
    TRACEPARENT=$a_parent TRACESTATE=a=b BAGGAGE=k=v capture telemetry span --tool t --name s -- env
    expect_code 0
    expect_line out TRACESTATE=a=b
    expect_line out BAGGAGE=k=v
    expect_equal "$(grep -c '^TRACEPARENT=' out)" 1
    TRACEPARENT=$a_parent capture telemetry span --tool t --name s -- env
    expect_no_part out TRACESTATE
}

carries_on() {
    enable t
    carries
    expect_no_part out "$a_parent"
    expect_equal "$(sed -n 's/^TRACEPARENT=00-\(.\{32\}\)-\(.\{16\}\)-01$/\1 \2/p' out)" \
        "$(spans t 'j[-1]["trace_id"] + " " + j[-1]["span_id"]')"
    expect_spans t 'j[-1]["parent_span_id"]' b7ad6b7169203331
}
test_case "H10 H13 on: the program is told the span, with the trace's state and baggage" carries_on

carries_off() {
    carries
    expect_line out "TRACEPARENT=$a_parent"
    capture telemetry span --tool t --name s -- env
    expect_no_part out TRACEPARENT
    [ -z "$(home_tree)" ] || fail "created: $(home_tree)"
}
test_case "H10 H13 off: the program is told what the caller was told, and no file is made" carries_off

records_program() {
    enable t
    telemetry span --tool t --name build --attribute target=all --attribute n:int=2 -- sh -c :
    expect_spans t '[j[0][k] for k in ("name", "kind", "status")]' "['build', 'client', 'unset']"
    expect_spans t '[j[0]["attributes"].get(k) for k in ("target", "n", "process.executable.name", "process.exit.code", "error.type", "process.command_args")]' \
        "['all', 2, 'sh', 0, None, None]"
    expect_spans t 'j[0]["attributes"]["process.pid"] > 1' True
    capture telemetry span --tool t --kind internal -- sh -c 'exit 7'
    expect_code 7
    expect_spans t '[j[1][k] for k in ("name", "kind", "status")]' "['sh', 'internal', 'error']"
    expect_spans t '[j[1]["attributes"].get(k) for k in ("process.exit.code", "error.type")]' "[7, 'unknown']"
    capture telemetry span --tool t -- sh -c 'kill -KILL $$'
    expect_spans t '[j[2]["attributes"].get(k) for k in ("process.exit.code", "error.type")]' "[137, 'SIGKILL']"
    capture telemetry span --tool t -- nosuchprogram
    expect_code 127
    expect_spans t '[j[3]["name"], j[3]["attributes"]["process.exit.code"]]' "['nosuchprogram', 127]"
    telemetry span --tool t --name outer -- telemetry span --tool t --name inner -- true
    expect_spans t 'j[4]["parent_span_id"] == j[5]["span_id"], j[4]["trace_id"] == j[5]["trace_id"], j[5].get("parent_span_id")' \
        "(True, True, None)"
    TRACEPARENT=$a_parent telemetry span --tool t --parent none -- true
    expect_spans t '"parent_span_id" in j[6] or j[6]["trace_id"] == "0af7651916cd43dd8448eb211c80319c"' False
    telemetry span --tool t --parent "$a_parent" -- true
    expect_spans t 'j[7]["parent_span_id"]' b7ad6b7169203331
    expect_spans t 'len(j)' 8
}
test_case "H13 a program's span: name, kind, parent, attributes, status" records_program

# What a script has not set, or what `begin` printed while telemetry was off.
nothing_given() {
    local span
    enable t
    TRACEPARENT=$a_parent telemetry span --tool t --name '' --parent '' -- true
    span=$(TRACEPARENT=$a_parent telemetry span begin --tool t --name s --parent '')
    telemetry span end --tool t "$span"
    expect_spans t '[(s["name"], s.get("parent_span_id")) for s in j]' "[('true', 'b7ad6b7169203331'), ('s', 'b7ad6b7169203331')]"
    telemetry disable --tool t --quiet
    span=$(telemetry span begin --tool t --name s)
    expect_equal "$span" ''
    capture telemetry span --tool t --parent "$span" -- sh -c 'exit 3'
    expect_code 3
    expect_silent err
}
test_case "H13 an empty parent or name counts as not given" nothing_given

# The file name of a program is no text that anybody has chosen to tell.
named_by_file() {
    local secret=AKIA2OGYBAH6STMMNXKQ
    enable t
    cp "$(type -P true)" "./$secret" || fail cp
    telemetry span --tool t -- "./$secret"
    telemetry command --tool t -- "./$secret"
    expect_spans t '[s["name"] for s in j]' "['[redacted]']"
    grep -rq "$secret" "$HOME" && fail "$(grep -r "$secret" "$HOME")"
    grep -q '"name":"\[redacted\]"' "$(events t)" || fail "$(cat "$(events t)")"
}
test_case "C7 H13 the default name of a program is redacted" named_by_file

program_arguments() {
    enable t
    telemetry span --tool t --name s -- sh -c : canary-0815 --password canary-0815
    if grep -rqF canary-0815 "$HOME"; then fail "canary in $(grep -rlF canary-0815 "$HOME")"; fi
    printf 'tool: {name: t}\nextended_collection: true\n' >m.yaml
    telemetry span --tool t --manifest m.yaml --name s -- sh -c : 'a b' --password canary-0815
    expect_spans t 'j[1]["attributes"]["process.command_args"]' '["sh","-c",":","a b","--password","[redacted]"]'
}
test_case "C6 H13 a program's arguments are recorded with extended collection only, redacted" program_arguments

command_is_span() {
    enable t
    printf 'tool: {name: t}\ncommand_spans: true\n' >m.yaml
    capture telemetry command deploy --tool t --manifest m.yaml -- sh -c 'echo $TRACEPARENT; exit 2'
    expect_code 2
    expect_spans t '[j[0][k] for k in ("name", "kind", "status")]' "['deploy', 'internal', 'error']"
    expect_spans t 'j[0]["attributes"]["process.exit.code"], j[0]["attributes"]["error.type"]' "(2, 'usage')"
    expect_equal "$(cut -d- -f3 out)" "$(spans t 'j[0]["span_id"]')"
    expect_equal "$(event_count t)" 1
    telemetry command --tool t --manifest m.yaml help -- true
    expect_spans t 'len(j)' 1
}
test_case "H13 a wrapped command is a span too if the manifest says so" command_is_span

span_is_killed() {
    enable t
    telemetry span --tool t --name s --attribute a=b -- sh -c ': >ready; exec sleep 10' &
    wait_for ready
    kill -KILL $!
    wait $! 2>/dev/null || :
    telemetry flush --tool t --quiet
    expect_spans t '[(s["name"], s.get("abandoned"), s["attributes"]["a"], s["attributes"]["process.executable.name"]) for s in j]' \
        "[('s', True, 'b', 'sh')]"
}
test_case "H13 a helper that is killed leaves its span as abandoned" span_is_killed

off_replaces() {
    strace -f -qq -e trace=process -o trace telemetry span --tool t --name s -- /bin/true
    grep -q 'execve("/bin/true"' trace
    ! grep -qE 'fork|clone' trace || fail "$(cat trace)"
    enable t
    OTEL_TRACES_SAMPLER=always_off strace -f -qq -e trace=process -o trace telemetry span --tool t --name s -- /bin/true
    ! grep -qE 'fork|clone' trace || fail "$(cat trace)"
}
test_case "H11 H13 off, or left out by sampling: the program replaces the helper" off_replaces

lasts() {
    local span inner
    enable t
    export TELEMETRY_TOOL=t
    span=$(telemetry span begin --name deploy --kind server --attribute region=eu)
    expect_equal "$(open_spans t)" 1
    inner=$(TRACEPARENT=$span telemetry span begin --name upload)
    telemetry span event "$inner" --name retry --attribute n:int=1
    telemetry span event "$inner" --name retry --attribute n:int=2
    capture telemetry span end "$inner" --status error --message "no route to $HOME/x" --attribute bytes:int=7
    expect_code 0
    expect_silent out
    expect_silent err
    telemetry span end "$span"
    expect_equal "$(open_spans t)" 0
    expect_spans t '[(s["name"], s["kind"], s["status"]) for s in j]' "[('upload', 'internal', 'error'), ('deploy', 'server', 'unset')]"
    expect_spans t 'j[0]["attributes"], j[1]["attributes"]' "({'bytes': 7}, {'region': 'eu'})"
    expect_spans t '[(e["name"], e["attributes"]["n"]) for e in j[0]["events"]]' "[('retry', 1), ('retry', 2)]"
    expect_spans t 'j[0]["status_message"], j[0]["parent_span_id"] == j[1]["span_id"]' "('no route to ~/x', True)"
    expect_spans t '0 < j[0]["duration_ns"] < j[1]["duration_ns"] < 60e9' True
    expect_equal "$span" "$(spans t '"00-" + j[1]["trace_id"] + "-" + j[1]["span_id"] + "-03"')"
}
test_case "H13 a span from begin to end, in processes of their own" lasts

print_forms() {
    local form
    enable t
    export TELEMETRY_TOOL=t TRACEPARENT=$a_parent TRACESTATE="a=b'c"
    telemetry span begin --name s >token
    grep -qxE '00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01' token
    telemetry span begin --name s --print header >field
    grep -qxE 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01' field
    telemetry span begin --name s --print dotenv >variables
    expect_equal "$(cut -d= -f1 variables | tr '\n' ' ')" "TRACEPARENT TRACESTATE "
    for form in dash bash zsh; do
        $form -c 'eval "$(telemetry span begin --name s --print export)"; env' >out
        expect_line out "TRACESTATE=a=b'c"
        expect_no_part out "$a_parent"
    done
    telemetry span begin --name s --json >out
    expect_json out 'sorted(j), j["status"]' "(['enabled', 'status', 'tool', 'traceparent'], 'ok')"
    expect_json out 'j["traceparent"][:36]' "${a_parent:0:36}"
    telemetry span end "$(cat token)" --json >out
    expect_json out 'j' "{'tool': 't', 'enabled': True, 'status': 'ok', 'reason': None}"
    unset TRACEPARENT TRACESTATE
    telemetry disable --quiet
    for form in traceparent export header dotenv; do
        capture telemetry span begin --name s --print $form
        expect_code 0
        expect_silent out
        expect_silent err
    done
    TRACEPARENT=$a_parent capture telemetry span begin --name s
    expect_text out "$a_parent"
    capture telemetry span end "$a_parent"
    expect_code 0
    capture telemetry span end ""
    expect_code 0
    expect_silent err
}
test_case "H10 H13 what begin prints: for eval, curl and CI systems; the parent while telemetry is off" print_forms

no_consent() {
    local span
    span=$(telemetry span begin --tool t --name s)
    expect_equal "$span" ""
    telemetry span event "$span" --tool t --name e
    telemetry span end "$span" --tool t
    telemetry span end $a_parent --tool t
    [ -z "$(home_tree)" ] || fail "created: $(home_tree)"
    enable t
    capture telemetry span end $a_parent --tool t
    expect_code 10
    [ ! -e "$HOME/.local" ] || fail "created: $(home_tree)"
    span=$(OTEL_TRACES_SAMPLER=always_off telemetry span begin --tool t --name s)
    [ "${span%-0[02]}" != "$span" ]
    telemetry span end "$span" --tool t
    expect_equal "$(open_spans t)" 0
}
test_case "A H13 without consent a span leaves no file anywhere" no_consent

usage_of_spans() {
    local words
    enable t
    export TELEMETRY_TOOL=t
    while read -r words; do
        # shellcheck disable=SC2086
        capture telemetry span $words
        expect_code 2
        expect_silent out
        expect_equal "$(wc -l <err)" 1
    done <<'END'
x
begin
begin x --name s
begin --name s --status error
begin --name s --exit-code 1
begin --name s --print x
begin --name s --kind x
begin --name s --parent x
begin --name s --expires 0
begin --name s --attribute x
end
make all
end x
end 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 --name x
end 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 --status x
end 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 --message x
event 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
event 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 --name s --status error
event 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 --name s --exit-code 1
end 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 --exit-code x
--exit-code 1 -- true
end x --name s -- true
--status error -- true
--print header -- true
END
    [ ! -e "$HOME/.local" ] || fail "created: $(home_tree)"
    capture telemetry span make all
    expect_part err "unknown action 'make', put '--' before the program to run"
    capture telemetry span begni
    expect_part err "did you mean 'begin'?"
}
test_case "B1 H13 mistakes in the use of span are named in one line" usage_of_spans

ended_once() {
    local span
    enable t
    export TELEMETRY_TOOL=t
    for _ in 1 2 3 4 5; do
        span=$(telemetry span begin --name s)
        for number in 1 2 3 4 5 6; do
            (
                code=0
                telemetry span end "$span" 2>/dev/null || code=$?
                echo $code >"code.$number"
            ) &
        done
        wait
        expect_equal "$(sort -n code.* | tr '\n' ' ')" "0 10 10 10 10 10 "
    done
    capture telemetry span end "$span"
    expect_code 10
    expect_silent out
    expect_part err "no span $span of t is open here"
    capture telemetry span event "$span" --name e
    expect_code 10
    telemetry flush --quiet || :
    expect_spans t 'len(j)' 5
}
test_case "H13 of several that end a span at once, one does, and the others say so" ended_once

changed_at_once() {
    local span
    enable t
    export TELEMETRY_TOOL=t
    span=$(telemetry span begin --name s)
    for number in $(seq 24); do
        telemetry span event "$span" --name "e$number" --attribute "text=$(printf '%0900d' "$number")" &
    done
    wait
    telemetry span end "$span"
    telemetry flush --quiet || :
    expect_spans t 'sorted(int(e["name"][1:]) for e in j[0]["events"]) == list(range(1, 25))' True
    expect_spans t '{len(e["attributes"]["text"]) for e in j[0]["events"]}' "{900}"
}
test_case "H13 a span changed by many processes at once, beyond the first size of its file" changed_at_once

# More attributes than a span keeps: what is given again counts once, also across processes.
many_attributes() {
    local span words=()
    enable t
    export TELEMETRY_TOOL=t
    for number in $(seq 100); do words+=(--attribute "k$number=$number" --attribute "again=$number"); done
    span=$(telemetry span begin --name s "${words[@]}")
    telemetry span event "$span" --name e
    telemetry span end "$span" --attribute again=last
    expect_spans t 'len(j[0]["attributes"]), j[0]["attributes"]["again"], j[0]["attributes"]["k100"], len(j[0]["events"])' \
        "(101, 'last', '100', 1)"
}
test_case "H13 a span with many attributes from begin to end" many_attributes

expires() {
    local span
    enable t
    export TELEMETRY_TOOL=t
    span=$(telemetry span begin --name s --attribute a=b --expires 1)
    telemetry span event "$span" --name e
    telemetry span begin --name later >token
    telemetry flush --quiet || :
    expect_spans t 'len(j)' 0
    sleep 1.1
    capture telemetry span end "$span"
    expect_code 10
    telemetry flush --quiet || :
    expect_spans t '[(s["name"], s["abandoned"], s["attributes"], len(s["events"])) for s in j]' "[('s', True, {'a': 'b'}, 1)]"
    expect_equal "$(open_spans t)" 1
    telemetry span end "$(cat token)"
    telemetry flush --quiet || :
    expect_spans t '[s.get("abandoned", False) for s in j]' "[True, False]"
}
test_case "H13 a span that nobody ends is abandoned when its time is over" expires

withdrawn_span() {
    local span
    enable t
    export TELEMETRY_TOOL=t
    span=$(telemetry span begin --name s)
    telemetry disable --quiet
    expect_equal "$(open_spans t)" 0
    capture telemetry span end "$span"
    expect_code 0
    telemetry enable --quiet
    capture telemetry span end "$span"
    expect_code 10
    span=$(telemetry span begin --name s)
    telemetry reset --quiet || :
    expect_equal "$(open_spans t)" 0
    telemetry enable --quiet
    capture telemetry span end "$span"
    expect_code 10
    telemetry flush --quiet || :
    expect_spans t 'len(j)' 0
}
test_case "A18 B2 H13 disable and reset take spans that are open" withdrawn_span

# expect_left_out TRACEPARENT: a span of the parent's trace with an id of its own, which nobody is to record.
expect_left_out() {
    [[ $1 =~ ^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$ ]] || fail "'$1' is not a span that is left out"
    expect_equal "$([[ $1 = *b7ad6b7169203331* ]] && echo parent)" ""
}

no_room_for_span() {
    enable t
    mkdir -p "$HOME/.local/state"
    : >"$HOME/.local/state/telemetry"
    TRACEPARENT=$a_parent capture telemetry span begin --tool t --name s
    expect_code 0
    expect_left_out "$(cat out)"
    expect_part err "not recorded"
    TRACEPARENT=$a_parent capture telemetry span begin --tool t --name s --json
    expect_json out 'j["status"]' dropped
    expect_left_out "$(json out 'j["traceparent"]')"
    capture telemetry span --tool t --name s -- sh -c 'exit 3'
    expect_code 3
}
test_case "H13 without a place for the file, a span is handed on as not recorded, and the script goes on" no_room_for_span

# Whatever is killed, a span is in the log once at most; one whose end said 0 is there, and was not abandoned.
killed_anywhere() {
    local span pid
    enable t
    export TELEMETRY_TOOL=t
    : >ended
    : >begun
    killed() {
        "$@" &
        pid=$!
        sleep "0.00$((RANDOM % 6))$((RANDOM % 10))"
        kill -KILL $pid 2>/dev/null || :
        wait $pid 2>/dev/null
    }
    for _ in $(seq 34); do
        killed telemetry span begin --name half --expires 3 >token || :
        if [ -s token ]; then cat token >>begun; fi
        span=$(telemetry span begin --name whole --expires 3)
        echo "$span" >>begun
        killed telemetry span event "$span" --name e || :
        if killed telemetry span end "$span"; then
            echo "$span" >>ended
        elif telemetry span end "$span" 2>/dev/null; then
            echo "$span" >>ended
        fi
    done
    sleep 3.1
    telemetry flush --quiet || :
    telemetry flush --quiet || :
    expect_equal "$(open_spans t)" 0
    python3 - "$(span_directory t)/spans.jsonl" <<'P'
import json, sys
spans = [json.loads(line) for line in open(sys.argv[1])]
ids = [span["span_id"] for span in spans]
assert len(ids) == len(set(ids)), "a span is there twice"
of = {span["span_id"]: span for span in spans}
begun = [line.split("-")[2] for line in open("begun")]
ended = [line.split("-")[2] for line in open("ended")]
missing = [id for id in begun if id not in of]
assert not missing, f"{len(missing)} of {len(begun)} spans are lost"
wrong = [id for id in ended if of[id].get("abandoned")]
assert not wrong, f"{len(wrong)} spans that were ended are abandoned"
assert all(len(span.get("events", [])) <= 1 for span in spans)
print(len(begun), "begun,", len(ended), "ended,", sum(bool(span.get("abandoned")) for span in spans), "abandoned")
P
}
test_case "H13 begin, event and end killed at any moment, 100 times" killed_anywhere

shell_spans() {
    enable t
    in_shell "$1" '. "$1"; TELEMETRY_TOOL=t
inner() { telemetry_span_event mark --attribute n:int=1; telemetry_span program sh -c "exit 4"; echo "program $?"; return 3; }
outer() { telemetry_span inner inner; }
telemetry_span outer outer; echo "outer $?"
set -u
telemetry_span_begin s
(exit 5); telemetry_span_event e; echo "kept $?"
telemetry_span_begin s2 --kind server
telemetry_span_end 7 --attribute x=y
telemetry_span_end
telemetry_span_end; telemetry_span_event e; telemetry_span; telemetry_span x
echo "${TRACEPARENT-none}"
TRACEPARENT='$a_parent'; export TRACEPARENT
telemetry_span last true
echo "$TRACEPARENT"'
    expect_code 0
    expect_silent err
    expect_equal "$(tr '\n' ' ' <out)" "program 4 outer 3 kept 5 none $a_parent "
    expect_spans t '[(s["name"], s["status"]) for s in j]' \
        "[('program', 'error'), ('inner', 'error'), ('outer', 'error'), ('s2', 'error'), ('s', 'unset'), ('last', 'unset')]"
    expect_spans t '[j[0]["parent_span_id"] == j[1]["span_id"], j[1]["parent_span_id"] == j[2]["span_id"], j[3]["parent_span_id"] == j[4]["span_id"]]' \
        "[True, True, True]"
    expect_spans t 'j[1]["events"][0]["name"], j[5]["parent_span_id"], j[3]["attributes"]' \
        "('mark', 'b7ad6b7169203331', {'process.exit.code': 7, 'error.type': 'unknown', 'x': 'y'})"
    expect_equal "$(open_spans t)" 0
}

# Without a name nothing is begun, nor beside a line feed in TRACEPARENT; each end is that of its own begin.
shell_spans_unnamed() {
    enable t
    # shellcheck disable=SC2016
    in_shell "$1" '. "$1"; TELEMETRY_TOOL=t; set -u
unset UNSET
f() { echo "in $TRACEPARENT"; }
telemetry_span_begin outer
before=$TRACEPARENT
telemetry_span_begin "${UNSET-}"
telemetry_span_end
[ "$TRACEPARENT" = "$before" ] || echo "the outer one has ended"
telemetry_span "${UNSET-}" f >named
telemetry_span "${UNSET-}" true
[ "$TRACEPARENT" = "$before" ] || echo "the outer one has ended"
telemetry_span_end
telemetry_command_begin whole
telemetry_command_begin "${UNSET-}"
telemetry_command_end 5
telemetry_command_end 0
TRACEPARENT="x
y"
export TRACEPARENT
telemetry_span_begin beside
telemetry_span_end
telemetry_span g f >beside
[ "$TRACEPARENT" = "x
y" ] || echo "TRACEPARENT has changed"'
    expect_code 0
    expect_silent out
    expect_silent err
    expect_spans t '[s["name"] for s in j]' "['f', 'true', 'outer']"
    expect_spans t 'j[0]["parent_span_id"] == j[1]["parent_span_id"] == j[2]["span_id"]' True
    expect_equal "$(open_spans t)" 0
    grep -c '"name":"whole"' "$(events t)" >count
    expect_text count 1
    grep -q '"exit_code":5' "$(events t)" && fail "$(cat "$(events t)")"
    return 0
}

# A script reads TRACEPARENT from a file, without exporting it.
shell_spans_unexported() {
    enable t
    # shellcheck disable=SC2016
    in_shell "$1" '. "$1"; TELEMETRY_TOOL=t; unset TRACEPARENT
TRACEPARENT='"$a_parent"'
telemetry_span one true
telemetry_span_begin two; telemetry_span_end 0'
    expect_silent err
    expect_spans t '[(s["name"], s.get("parent_span_id")) for s in j]' "[('one', 'b7ad6b7169203331'), ('two', 'b7ad6b7169203331')]"
}

# The script goes on, whatever it has made of the variables and of PATH.
shell_spans_in_the_way() {
    enable t
    for variable in TRACEPARENT TRACESTATE; do
        # shellcheck disable=SC2016
        in_shell "$1" '. "$1"; TELEMETRY_TOOL=t; unset '$variable'
'$variable'=; readonly '$variable'; export '$variable'
telemetry_span_begin a; telemetry_span_event e; telemetry_span_end 0
telemetry_span g eval "echo in"
telemetry_span h sh -c "echo run"
echo after'
        expect_code 0
        expect_silent err
        expect_equal "$(tr '\n' ' ' <out)" "in run after "
    done
    expect_equal "$(open_spans t)" 0
    # shellcheck disable=SC2016
    in_shell "$1" '. "$1"; TELEMETRY_TOOL=t; PATH=/usr/bin:/bin
telemetry_span x sh -c "exit 3"; echo $?
telemetry_run sh -c "exit 4"; echo $?
telemetry_time x sh -c "exit 5"; echo $?
telemetry_span_begin a; telemetry_span_end
echo after'
    expect_silent err
    expect_equal "$(tr '\n' ' ' <out)" "3 4 5 after "
}

# events_of_spans TOOL: of each event in the log its name and its span.
events_of_spans() {
    python3 -c 'import json, sys
for line in open(sys.argv[1]):
    event = json.loads(line)
    print(event["name"], event.get("metadata", {}).get("span_id"))' "$(events "$1")"
}

shell_events() {
    enable t
    # shellcheck disable=SC2016
    in_shell "$1" '. "$1"; TELEMETRY_TOOL=t
telemetry_span outer telemetry_track in_function
telemetry_span_begin part; telemetry_track in_part; telemetry_span_end
telemetry_track after'
    expect_silent err
    telemetry flush --tool t --quiet || :
    expect_equal "$(events_of_spans t)" "in_function $(spans t 'j[0]["span_id"]')
in_part $(spans t 'j[1]["span_id"]')
after None"
}

shell_spans_off() {
    # shellcheck disable=SC2016
    in_shell "$1" '. "$1"; TELEMETRY_TOOL=t; set -eu
f() { return 0; }
telemetry_span x f; telemetry_span_begin y; telemetry_span_event z; telemetry_span_end 3
telemetry_span x sh -c "exit 6" || echo $?
echo "${TRACEPARENT-none}"'
    expect_silent err
    expect_equal "$(tr '\n' ' ' <out)" "6 none "
    [ -z "$(home_tree)" ] || fail "created: $(home_tree)"
    # shellcheck disable=SC2016
    PATH=/usr/bin:/bin in_shell "$1" 'telemetry() { echo called; }; . "$1"; _telemetry_helper=; TELEMETRY_TOOL=t
telemetry_span_begin y; telemetry_span_event z; telemetry_span_end 3; telemetry_span x true'
    expect_silent out
}

shell_spans_trapped() {
    enable t
    # shellcheck disable=SC2016
    in_shell "$1" '. "$1"; TELEMETRY_TOOL=t; telemetry_trap
telemetry_span_begin a; telemetry_span_begin b
exit 3'
    expect_code 3
    expect_spans t '[(s["name"], s["status"]) for s in j]' "[('b', 'error'), ('a', 'error')]"
}

for shell in "${shells[@]}"; do
    test_case "H13 $shell: spans of programs, functions and parts of a script nest" shell_spans "$shell"
    test_case "H10 H13 $shell: an event names the span that it is recorded in" shell_events "$shell"
    test_case "H13 $shell: spans and commands without a name have ends of their own" shell_spans_unnamed "$shell"
    test_case "H13 $shell: spans below a TRACEPARENT that is not exported" shell_spans_unexported "$shell"
    test_case "H13 $shell: readonly variables and a lost helper end no script" shell_spans_in_the_way "$shell"
    test_case "H13 $shell: off, spans cost and leave nothing" shell_spans_off "$shell"
    test_case "H13 $shell: spans that are open end with the script, with telemetry_trap" shell_spans_trapped "$shell"
done
