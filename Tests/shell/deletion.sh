# shellcheck shell=bash
# request-deletion and reset where no receiver is needed: e-mail, and backends with nobody to ask.

# The e-mail's subject and body are percent-encoded by Python here.
mailto() {
    python3 -c 'import sys, urllib.parse
quote = lambda text: urllib.parse.quote(text, safe="")
print("mailto:%s?subject=%s&body=%s" % (sys.argv[1], quote(sys.argv[2]), quote(sys.argv[3].replace("\n", "\r\n"))))' "$@"
}

mail_tool() {
    identity_manifest t 'identity: {ephemeral: never}' 'deletion:' '  email: privacy@example.org' '  subject: "Löschen: a&b?"'
    enable t
    telemetry track x --tool t
    id=$(telemetry machine-id --tool t)
    body="Please erase all telemetry data of t with these identifiers:

$id
"
    mailto privacy@example.org "Löschen: a&b?" "$body" >expected
}

mail_is_printed() {
    mail_tool
    capture telemetry request-deletion --tool t
    expect_code 0
    expect_silent err
    expect_line out "$(cat expected)"
    telemetry request-deletion --tool t --quiet | cmp - expected
    telemetry request-deletion --tool t --json >j
    expect_json j 'list(j)' "['tool', 'asked', 'identifiers', 'method', 'mailto', 'problems']"
    expect_json j 'j["method"], j["mailto"]' "('email', '$(cat expected)')"
    telemetry request-deletion --tool t --list >list
    cmp list "$(state)/deletion-receipts.jsonl"
    expect_equal "$(wc -l <list)" 3
    expect_equal "$(stat -c %a "$(state)/deletion-receipts.jsonl")" 600
    expect_json list 'j["method"], j["target"], j["machine_id"], j["outcome"]' \
        "('email', 'privacy@example.org', '$id', 'printed for the user to send')"
}

nothing_asked() {
    enable t
    capture telemetry request-deletion --tool t --list
    expect_code 0
    expect_silent out
    expect_text err "telemetry: request-deletion: nobody was asked yet to erase the data of t"
    capture telemetry request-deletion --tool t --list --quiet
    expect_silent err
    capture telemetry request-deletion --tool t --list --json
    expect_silent err
    expect_json out j "{'tool': 't', 'receipts': []}"
    capture telemetry request-deletion --tool typo --list
    expect_code 0
    expect_part err "nothing is known here of a tool 'typo'"
}
test_case "G request-deletion --list says so where there is no receipt" nothing_asked

test_case "G e-mail without a desktop: printed, percent-encoded, with a receipt" mail_is_printed

# One way fails and the next one succeeds: both are told.
mail_after_endpoint() {
    mail_tool
    sed -i 's,^deletion:,&\n  endpoint: http://127.0.0.1:9/erase,' "$HOME/.local/share/telemetry/tools/t.yaml"
    capture telemetry request-deletion --tool t
    expect_code 0
    expect_part err "http://127.0.0.1:9/erase: "
    expect_line out "$(cat expected)"
}
test_case "G an endpoint that cannot be reached is named, and the e-mail is written" mail_after_endpoint

# With a terminal and a desktop, xdg-open gets the address; when it fails, it is printed all the same.
mail_is_opened() {
    mail_tool
    mkdir bin
    # shellcheck disable=SC2016
    printf '%s\n' '#!/bin/sh' 'printf "%s\n" "$@" >opened' 'exit "${XDG_OPEN_FAILS:-0}"' >bin/xdg-open
    chmod +x bin/xdg-open
    PATH=$PWD/bin:$PATH
    in_terminal() {
        rm -f opened
        python3 -c 'import os, pty, sys
status = pty.spawn(sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(status))' telemetry request-deletion --tool t >out
        tr -d '\r' <out >lines
    }
    DISPLAY=:7 in_terminal
    cmp opened expected
    expect_no_part lines mailto:
    WAYLAND_DISPLAY=wayland-0 in_terminal
    cmp opened expected
    XDG_OPEN_FAILS=3 DISPLAY=:7 in_terminal
    expect_line lines "$(cat expected)"
    in_terminal
    [ ! -e opened ] || fail "opened without a desktop"
    expect_line lines "$(cat expected)"
    DISPLAY=:7 telemetry request-deletion --tool t >out
    [ ! -e opened ] || fail "opened without a terminal"
}
test_case "G e-mail on a desktop: xdg-open with the address, else printed" mail_is_opened

nobody_to_ask() {
    enable t
    identity_manifest t 'identity: {ephemeral: never}' 'backend: {kind: file}'
    telemetry track x --tool t
    capture telemetry request-deletion --tool t
    expect_code 4
    expect_silent out
    expect_text err "telemetry: request-deletion: could not be asked for: the backend 'file' sends nothing: the events are in $(events t), which 'telemetry reset' removes"
    identity_manifest t 'identity: {ephemeral: never}' 'backend: {kind: noop}'
    capture telemetry request-deletion --tool t
    expect_code 4
    expect_part err "the backend 'noop'"
    [ ! -e "$(state)/deletion-receipts.jsonl" ]
}
test_case "G a backend that cannot erase is named as such" nobody_to_ask

# An id that the user names: that one is asked for, and nothing here changes.
given_id() {
    mail_tool
    telemetry request-deletion --tool t --quiet | cmp - expected
    for given in 0123456789abcdef 0123456789abcdef0123456789abcdef 6f1c2a3b-0000-4000-8000-0123456789ab \
        ephemeral-0123456789abcdef0123456789abcdef; do
        telemetry request-deletion "$given" --tool t --quiet >out
        expect_part out "$given"
        ! grep -q "$id" out || fail "asked for another one"
        expect_equal "$(telemetry request-deletion --tool t --list | tail -1 | grep -c "$given")" 1
    done
    expect_equal "$(telemetry machine-id --tool t)" "$id"
    for wrong in x '' 0123456789abcdef0 0123456789ABCDEF ephemeral-01 "$given/.." 6f1c2a3b-0000-4000-8000-0123456789a_; do
        capture telemetry request-deletion "$wrong" --tool t
        expect_code 2
        expect_part err "is no identifier of an event"
    done
    capture telemetry request-deletion "$given" --list --tool t
    expect_code 2
    capture telemetry request-deletion "$given" "$given" --tool t
    expect_code 2
}
test_case "G request-deletion of a given id" given_id

# Standard output and the author's log get the event. What was cut short there is not lost with it.
carried() {
    enable t
    identity_manifest t 'identity: {ephemeral: never}' 'backend: {kind: stdout}'
    id=$(telemetry machine-id --tool t)
    telemetry request-deletion --tool t --quiet >out
    expect_json out '[(e["type"], e["machine_id"]) for e in j]' "[('data.deletion_request', '$id')]"
    identity_manifest t 'identity: {ephemeral: never}' "backend: {kind: file, path: $PWD/log.jsonl}"
    printf '{"schema_version":' >log.jsonl
    capture telemetry request-deletion --tool t
    expect_code 0
    expect_part out "asked $PWD/log.jsonl to erase"
    tail -1 log.jsonl >last
    expect_equal "$(wc -l <log.jsonl)" 2
    expect_json last 'j["type"], j["machine_id"], j.get("metadata")' "('data.deletion_request', '$id', None)"
    telemetry request-deletion --tool t --list | tail -1 >receipt
    expect_json receipt 'j["method"], j["target"], j["outcome"]' "('event', '$PWD/log.jsonl', 'accepted')"
    mkdir full && identity_manifest t 'identity: {ephemeral: never}' "backend: {kind: file, path: $PWD/full}"
    capture telemetry request-deletion --tool t
    expect_code 4
}
test_case "G the event on standard output and in the author's log" carried

reset_local() {
    enable t
    echo 1 >"$HOME/.config/telemetry/t/notice"
    identity_manifest t 'identity: {ephemeral: never}' 'backend: {kind: file, max_bytes: 4096, max_files: 5}'
    for _ in 1 2 3; do seq -f 'f%g=0123456789012345678901234567890123456789' 60 |
        telemetry track x --tool t --properties -; done
    [ -e "$(events t).1" ]
    id=$(telemetry machine-id --tool t)
    capture telemetry reset --tool t
    expect_code 0
    expect_silent err
    expect_line out "telemetry for t is off, and what it kept on this machine is erased"
    expect_line out "nothing was sent under an identifier: nobody had to be asked"
    home_tree >tree
    printf '%s\n' ./.config ./.config/telemetry ./.config/telemetry/t ./.config/telemetry/t/enabled ./.local ./.local/share \
        ./.local/share/telemetry ./.local/share/telemetry/tools ./.local/share/telemetry/tools/t.yaml ./.local/state \
        ./.local/state/telemetry | diff - tree
    expect_text "$HOME/.config/telemetry/t/enabled" false
    capture telemetry reset --tool t
    expect_code 0
    expect_line out "no identifier of t is in use: nothing to ask for"
    telemetry enable --tool t
    [ "$(telemetry machine-id --tool t)" != "$id" ]
}
test_case "B2 reset leaves the refusal and nothing else" reset_local

# A program chose its backend itself, and no manifest says which: that is not taken for "local".
reset_unknown() {
    enable t
    mkdir -p "$HOME/.config/telemetry/t"
    identity_manifest t 'identity: {ephemeral: never}' 'backend: {kind: noop}'
    telemetry track x --tool t
    rm "$HOME/.local/share/telemetry/tools/t.yaml"
    capture telemetry reset --tool t
    expect_code 4
    expect_part err "no manifest of t says where its events went"
    expect_equal "$(ls "$(state)")" past-ids
}
test_case "B2 reset without a manifest says that it does not know whom to ask" reset_unknown

# Of three tools: two that keep their log here, and one that has only an answer.
reset_all() {
    local tool
    for tool in one three; do
        enable $tool
        identity_manifest $tool 'identity: {ephemeral: never}' 'backend: {kind: file}'
        telemetry track canary-all --tool $tool
    done
    enable two
    capture telemetry reset --all
    expect_code 0
    expect_silent err
    for tool in one two three; do
        expect_line out "$tool: telemetry for $tool is off, and what it kept on this machine is erased"
        expect_text "$HOME/.config/telemetry/$tool/enabled" false
    done
    expect_line out "telemetry is off for all tools, also for those to come"
    expect_text "$HOME/.config/telemetry/_all/enabled" false
    expect_equal "$(ls -A "$HOME/.local/state/telemetry")" ""
    telemetry track x --tool one
    telemetry track x --tool new
    expect_equal "$(ls -A "$HOME/.local/state/telemetry")" ""
    # Again, and with nothing there.
    capture telemetry reset --all --json
    expect_code 0
    expect_json out 'j["all_tools"], sorted((t["tool"], t["enabled"], t["erased"], t["asked"]) for t in j["tools"])' \
        "('off', [('one', False, True, True), ('three', False, True, True), ('two', False, True, True)])"
    rm -rf "$HOME/.config"
    capture telemetry reset --all
    expect_code 0
    expect_text out "telemetry is off for all tools, also for those to come; nothing of any tool was here"
    capture telemetry reset --all --quiet
    expect_silent out
}
test_case "B2 reset --all resets every tool that was used here, and refuses for those to come" reset_all

# What fails for one tool keeps nothing of the others, and is named.
reset_all_failing() {
    enable good
    identity_manifest good 'identity: {ephemeral: never}' 'backend: {kind: file}'
    telemetry track x --tool good
    enable bad
    identity_manifest bad 'identity: {ephemeral: never}' 'backend: {kind: noop}'
    telemetry track x --tool bad
    rm "$HOME/.local/share/telemetry/tools/bad.yaml"
    capture telemetry reset --all
    expect_code 4
    expect_part err "telemetry: reset: bad: could not be asked for: no manifest of bad says where its events went"
    expect_line err "telemetry: reset: 1 tool of 2: not all of it was done, as said above"
    expect_line out "good: telemetry for good is off, and what it kept on this machine is erased"
    expect_equal "$(ls "$HOME/.local/state/telemetry")" bad
    expect_equal "$(ls "$HOME/.local/state/telemetry/bad")" past-ids
    GOOD_TELEMETRY_ENABLED=1 capture telemetry reset --all --json
    expect_code 6
    expect_json out '{t["tool"]: t["enabled"] for t in j["tools"]} == {"good": True, "bad": False}' True
    for words in "--tool good" "--audience own" "--manifest x.yaml"; do
        # shellcheck disable=SC2086
        capture telemetry reset --all $words
        expect_code 2
        expect_silent out
    done
}
test_case "B2 reset --all goes on after a failure, and names the tool" reset_all_failing
