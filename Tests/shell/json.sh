# shellcheck shell=bash
# --json: every command prints one value of the shape that docs/cli.md documents.

# documented HEADING: the members in the table below that heading, dotted, one per line.
documented() {
    python3 - "$root/docs/cli.md" "$1" <<'P'
import re, sys
path, heading = sys.argv[1:]
[text] = [part for part in re.split(r"^#+ ", open(path).read(), flags=re.M) if part.split("\n", 1)[0] == heading]
[table] = re.findall(r"^\| member \|.*\n\|[-|]*\n((?:\|.*\n?)+)", text, flags=re.M)
for row in table.splitlines():
    prefix = ""
    for name in re.findall(r"`([^`]+)`", row.split("|")[1]):
        if name.startswith("."):
            name = prefix + name
        prefix = name.rsplit(".", 1)[0] if "." in name else ""
        print(name)
P
}

# members FILE: those of the answer, or of the first object of an array; those of the objects inside
# that the documentation spells out, with dots.
members() {
    python3 - "$1" <<'P'
import json, sys
text = open(sys.argv[1]).read()
assert text.endswith("\n") and text.count("\n") == 1, "not one line: " + text
value = json.loads(text)
for name, inner in (value[0] if isinstance(value, list) else value).items():
    if isinstance(inner, dict) and name in ("spool", "events", "last_delivery", "notice", "preference"):
        print(*(name + "." + each for each in inner), sep="\n")
    else:
        print(name)
P
}

# shape HEADING CODE ARGUMENT...
shape() {
    local heading=$1 expected=$2
    shift 2
    capture telemetry "$@" --tool t --json
    expect_code "$expected"
    documented "$heading" | sort >wanted
    [ -s wanted ] || fail "no table below '$heading'"
    members out | sort >given
    diff wanted given
}

json_shapes() {
    enable t
    shape "track" 0 track x
    shape "track" 0 command x --duration-ms 1 --exit-code 0
    shape "flush and deliver" 0 flush
    shape "flush and deliver" 0 deliver --now
    shape "status" 0 status
    shape "machine-id" 0 machine-id
    shape "What was sent" 0 show --sent --verify
    shape "doctor" 0 doctor --offline
    shape "What would be sent" 0 track x --dry-run
    dead_manifest t
    telemetry track x --tool t
    shape "What would be sent" 0 show --wire
    shape "enable and disable" 0 disable
    shape "enable and disable" 0 enable
    shape "manifest" 0 manifest check "$HOME/.local/share/telemetry/tools/t.yaml"
}
test_case "B --json has the members that docs/cli.md lists" json_shapes

json_everywhere() {
    # Whatever command is added has to answer here too.
    for command in $(telemetry help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p'); do
        case $command in
            track | count) set -- x ;;
            gauge) set -- y 1 ;;
            observe) set -- z 1 ;;
            span) set -- begin --name x ;;
            time) continue ;; # standard output belongs to the program
            command) set -- x --duration-ms 1 --exit-code 0 ;;
            show) set -- --wire ;;
            prompt) continue ;; # speaks to a person, and prints nothing
            export) continue ;; # JSON Lines: export.sh
            manifest)
                dead_manifest t
                set -- check "$HOME/.local/share/telemetry/tools/t.yaml"
                ;;
            agent) set -- status ;; # the agent itself stays
            view) continue ;;       # starts an agent, and takes no --tool: Tests/page
            *) set -- ;;
        esac
        capture telemetry "$command" "$@" --json --tool t
        python3 -c 'import json; json.load(open("out"))' || fail "$command: $(cat out err)"
    done
}
test_case "B --json gives JSON for every command" json_everywhere

json_lines() {
    enable t
    telemetry track x --tool t
    telemetry track y --tool t
    log=$HOME/.local/state/telemetry/t/sent.jsonl
    sed -n '/^## Entries/,/^## The head/s/^| `\([a-z]*\)` .*/\1/p' "$root/docs/audit-log.md" | grep -v '^lost$' | sort >wanted
    head -n 1 "$log" >entry
    json entry '"\n".join(sorted(j))' >given
    diff wanted given
    # The documentation's own recipes.
    recipe=$(sed -n 's/^tail -n 1 sent.jsonl | //p' "$root/docs/audit-log.md")
    expect_equal "$(head -n 1 "$log" | bash -c "$recipe" | cut -d' ' -f1)" "$(json entry 'j["hash"]')"
    telemetry show --sent --tool t --json >lines
    expect_equal "$(wc -l <lines)" 2
    # Event by event, and each as the file backend has written it.
    while read -r line; do
        printf '%s\n' "$line" >line
        expect_equal "$(json line '" ".join(j)')" "seq time backend outcome event"
        sed 's/.*,"event":\(.*\)}$/\1/' line
    done <lines >events
    diff "$HOME/.local/state/telemetry/t/events.jsonl" events
}
test_case "B3 show --sent --json is what docs/audit-log.md says" json_lines

json_errors() {
    dead_manifest t
    echo "nonsense: 1" >>"$HOME/.local/share/telemetry/tools/t.yaml"
    for command in "track x" status "show --wire"; do
        # shellcheck disable=SC2086
        capture telemetry $command --tool t --json
        expect_code 3
        expect_silent out
        expect_part err nonsense
    done
    capture telemetry doctor --offline --tool t --json
    expect_code 8
    expect_json out '[f["check"] for f in j if f["state"] == "problem"]' "['manifest']"
}
test_case "B errors are text on standard error, with --json too" json_errors

dry_run_wrapped() {
    enable t
    before=$(home_tree)
    capture telemetry command --dry-run --tool t -- sh -c 'echo program; exit 3'
    expect_code 3
    expect_equal "$(head -n 1 out)" program
    tail -n 1 out >event
    expect_json event 'j["name"], j["exit_code"], "metadata" in j' "('sh', 3, False)"
    expect_equal "$(home_tree)" "$before"
    capture telemetry command help --dry-run --duration-ms 1 --exit-code 0 --tool t
    expect_code 0
    expect_silent out
    expect_part err "would not be recorded"
    capture telemetry track x --dry-run --no-telemetry --tool t
    expect_equal "$(grep -c "would not be recorded" err)" 1
    capture telemetry track x --dry-run --no-telemetry --quiet --tool t
    expect_code 0
    expect_silent err
    expect_equal "$(home_tree)" "$before"
}
test_case "B3 --dry-run runs the program, shows the event and records nothing" dry_run_wrapped

doctor_finds() {
    enable t
    telemetry track x --tool t
    telemetry doctor --tool t >out
    expect_equal "$(grep -vc '^ok ' out)" 0
    notice_manifest t 7
    telemetry enable --tool t >out
    notice_manifest t 8
    telemetry doctor --tool t >out
    expect_part out "version 8; version 7 was shown: the user is asked again ('telemetry prompt'"
    rm "$HOME/.local/share/telemetry/tools/t.yaml"
    chmod 770 "$HOME/.local/state/telemetry/t"
    capture telemetry doctor --tool t
    expect_code 8
    grep -q '^problem  state directory .*written to by others' out || fail "$(cat out)"
    chmod 700 "$HOME/.local/state/telemetry/t"
    echo maybe >"$HOME/.config/telemetry/t/enabled"
    capture telemetry doctor --tool t
    expect_code 8
    grep -q '^problem  preference ' out || fail "$(cat out)"
}
test_case "B4 doctor names what is wrong and ends with 8" doctor_finds
