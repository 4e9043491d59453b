# shellcheck shell=bash
# Properties: from the command line and from standard input, with their types on the wire.

typed() {
    enable t
    telemetry track x --tool t --property s=a=b --property 'e=' --property i:int=-5 --property d:double=1.5 \
        --property b:bool=true --property n:string=5
    expect_json "$(events t)" 'j["metadata"]' "{'s': 'a=b', 'e': '', 'i': -5, 'd': 1.5, 'b': True, 'n': '5'}"
    expect_json "$(events t)" 'j["type"], j["name"], j["tool_name"]' "('feature.used', 'x', 't')"
}
test_case "B properties keep their types" typed

event_type() {
    enable t
    telemetry track x --tool t --type update.check
    expect_json "$(events t)" 'j["type"]' update.check
}
test_case "B --type sets the event's type" event_type

from_lines() {
    enable t
    printf 'a=1\n\nb:int=5\nc=last, no newline' | telemetry track x --tool t --properties - --property z=1
    expect_json "$(events t)" 'sorted(j["metadata"].items())' \
        "[('a', '1'), ('b', 5), ('c', 'last, no newline'), ('z', '1')]"
}
test_case "B properties from standard input, as lines" from_lines

from_json() {
    enable t
    printf '{"a": "\\u00e9\\ud83d\\ude00\\n", "b":5,"c" : -1.25e1, "d":true, "e":null, "f:int":"x"}\n' |
        telemetry track x --tool t --properties=-
    expect_json "$(events t)" 'j["metadata"] == {"a": "\u00e9\U0001F600\n", "b": 5, "c": -12.5, "d": True, "f:int": "x"}' True
}
test_case "B properties from standard input, as a flat JSON object" from_json

# stdin_error TEXT EXPECTED
stdin_error() {
    enable t
    printf '%s' "$1" >in
    code=0
    telemetry track x --tool t --properties - <in >out 2>err || code=$?
    expect_code 2
    expect_text err "telemetry: track: --properties: standard input $2 (see 'telemetry track --help')"
    expect_equal "$(event_count t)" 0
}
test_case "B stdin error: a line without =" stdin_error $'a=1\nsecret' "line 2 needs k=v"
test_case "B stdin error: a bad integer, its value not shown" stdin_error 'k:int=secret' "line 1 needs a whole number of 64 bits after ':int='"
test_case "B stdin error: nested JSON" stdin_error '{"a":{}}' "is not a flat JSON object: a nested value at byte 5"
test_case "B stdin error: JSON cut off" stdin_error '{"a":"x' "is not a flat JSON object: a string without end at byte 7"
test_case "B stdin error: text after the JSON" stdin_error '{} x' "is not a flat JSON object: text after the object at byte 3"
test_case "B stdin error: JSON without a value" stdin_error '{"a":}' "is not a flat JSON object: expected a value at byte 5"

test_case "B stdin error: U+0000 in JSON" stdin_error '{"a":"x\u0000y"}' "is not a flat JSON object: U+0000, which no text may hold, at byte 13"

stdin_with_nul() {
    enable t
    code=0
    printf 'a=1\nb=x\0y\n' | telemetry track x --tool t --properties - >out 2>err || code=$?
    expect_code 2
    expect_text err "telemetry: track: --properties: standard input line 2 holds U+0000, which no text may (see 'telemetry track --help')"
    expect_equal "$(event_count t)" 0
}
test_case "B stdin error: a NUL in a line" stdin_with_nul

stdin_too_long() {
    enable t
    code=0
    head -c 2000000 /dev/zero | telemetry track x --tool t --properties - >out 2>err || code=$?
    expect_code 2
    expect_text err "telemetry: track: --properties: standard input cannot be read or is larger than 1 MiB (see 'telemetry track --help')"
}
test_case "B stdin is bounded" stdin_too_long

not_in_process_list() {
    local pid
    enable t
    dead_manifest t
    mkfifo pipe
    strace -f -qq -v -s 100000 -e trace=execve -o trace telemetry track x --tool t --properties - <pipe &
    exec 7>pipe
    echo "private=canary-4711" >&7
    sleep 0.3
    for pid in /proc/[0-9]*; do
        # The test's own command line is not the helper's.
        case $(readlink "$pid/exe" || true) in */telemetry) ;; *) continue ;; esac
        if tr '\0' '\n' 2>/dev/null <"$pid/cmdline" | grep -q canary-4711; then fail "canary in $pid/cmdline"; fi
        if tr '\0' '\n' 2>/dev/null <"$pid/environ" | grep -q canary-4711; then fail "canary in $pid/environ"; fi
        touch seen
    done
    exec 7>&-
    wait
    [ -e seen ] || fail "the helper was not seen running"
    # Neither does any process that the helper starts carry it.
    grep -q execve trace
    expect_no_part trace canary-4711
    telemetry show --tool t --json >out
    expect_part out canary-4711
}
test_case "B nothing from standard input is in a process list" not_in_process_list
