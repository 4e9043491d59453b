# shellcheck shell=bash
# The identifier: what it is made of, for how long, and what the user sees of it.

# identity_manifest TOOL SECTION...: a manifest of TOOL with lines of its own.
identity_manifest() {
    mkdir -p "$HOME/.local/share/telemetry/tools"
    local tool=$1
    shift
    printf '%s\n' "tool: {name: $tool}" "$@" >"$HOME/.local/share/telemetry/tools/$tool.yaml"
}

state() { printf '%s' "$HOME/.local/state/telemetry/t"; }

machine_id() {
    capture telemetry machine-id --tool t
    expect_code 0
    expect_silent out
    expect_text err "telemetry: machine-id: none in use: telemetry is off"
    [ -z "$(home_tree)" ] || fail "created: $(home_tree)"
    identity_manifest t 'identity: {ephemeral: never}'
    identity_manifest u 'identity: {ephemeral: never}'
    enable t
    enable u
    telemetry machine-id --tool t >out
    grep -qxE '[0-9a-f]{32}' out
    telemetry machine-id --tool t | cmp - out
    telemetry track x --tool t
    expect_json "$(events t)" 'j["machine_id"]' "$(cat out)"
    telemetry machine-id --tool t --json >j
    expect_json j 'list(j)' "['tool', 'machine_id', 'kind', 'ephemeral', 'past']"
    expect_json j 'list(j.values())' "['t', '$(cat out)', 'salted', False, 0]"
    [ "$(telemetry machine-id --tool u)" != "$(cat out)" ]
    rm "$(state)/salt"
    [ "$(telemetry machine-id --tool t)" != "$(cat out)" ]
}
test_case "D2 machine-id: what events carry, another for each tool and each salt, none while off" machine_id

identity_kinds() {
    enable t
    identity_manifest t 'identity: {kind: none}'
    capture telemetry machine-id --tool t
    expect_code 0
    expect_silent out
    expect_text err "telemetry: machine-id: the tool uses none"
    telemetry track x --tool t
    expect_json "$(events t)" 'j["machine_id"]' ''
    telemetry machine-id --tool t --json >j
    expect_json j 'list(j.values())' "['t', None, 'none', False, 0]"
    [ ! -e "$(state)/salt" ]
    identity_manifest t 'identity: {kind: random, ephemeral: never}'
    telemetry machine-id --tool t >out
    cmp out "$(state)/uuid"
    identity_manifest t 'identity: {kind: hashed, ephemeral: never}'
    telemetry machine-id --tool t >out
    grep -qxE '[0-9a-f]{16}' out
}
test_case "D1 D3 machine-id of each kind" identity_kinds

ephemeral_ids() {
    enable t
    identity_manifest t 'identity: {ephemeral: always}'
    capture telemetry machine-id --tool t
    expect_code 0
    grep -qxE 'ephemeral-[0-9a-f]{32}' out
    expect_text err "telemetry: machine-id: this one is for this process alone: each run of the tool has another"
    ! telemetry machine-id --tool t --quiet | cmp -s - out
    telemetry machine-id --tool t --json >j
    expect_json j 'j["kind"], j["ephemeral"]' "('salted', True)"
    telemetry track x --tool t
    telemetry track x --tool t
    expect_equal "$(grep -c '"machine_id":"ephemeral-' "$(events t)")" 2
    [ ! -e "$(state)/salt" ] && [ ! -e "$(state)/machine-id" ]
}
test_case "D4 an ephemeral id is marked, another in each process, and not stored" ephemeral_ids

# The kernel's word for it: no socket for the hardware address, and no such id in what is kept.
hashed_opens_no_socket() {
    enable t
    identity_manifest t 'identity: {kind: hashed, ephemeral: never}'
    strace -f -qq -e trace=%network -o trace telemetry track x --tool t
    expect_silent trace
    if [ -s /etc/machine-id ]; then ! grep -rqF "$(cat /etc/machine-id)" "$(state)"; fi
}
test_case "D1 the hashed id opens no socket" hashed_opens_no_socket
