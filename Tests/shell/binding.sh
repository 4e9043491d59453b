# shellcheck shell=bash
# bindings/shell/telemetry.sh in nine shells.

tracks() {
    enable t
    in_shell "$1" '. "$1"; TELEMETRY_TOOL=t; telemetry_track build --property "a b=c  d" --property n:int=1 --type x.y'
    expect_code 0
    expect_silent out
    expect_silent err
    expect_json "$(events t)" 'j["type"], j["name"], j["metadata"]' "('x.y', 'build', {'a b': 'c  d', 'n': 1})"
}

counts() {
    enable t
    in_shell "$1" '. "$1"; TELEMETRY_TOOL=t
(exit 3); telemetry_count builds --by 2 --attribute "k=a b"; echo $?
(exit 4); telemetry_gauge size -1.5; echo $?
(exit 5); telemetry_observe took 0.25; echo $?
telemetry_time took sh -c "exit 6"; echo $?
f() { telemetry_time inner true; return 7; }; telemetry_time took f; echo $?
telemetry_count; echo $?
telemetry_time; echo $?'
    expect_silent err
    expect_equal "$(tr '\n' ' ' <out)" "3 4 5 6 7 0 0 "
    telemetry metrics --tool t --json >metrics.json
    expect_json metrics.json \
        'sorted((m["name"], s["attributes"].get("k"), s.get("value", s.get("count"))) for m in j["metrics"] for s in m["series"])' \
        "[('builds', 'a b', 2), ('inner', None, 1), ('size', None, -1.5), ('took', None, 3)]"
}

# What is timed is not a command that has begun: a trap records none.
times_an_end() {
    enable t
    in_shell "$1" '. "$1"; TELEMETRY_TOOL=t; telemetry_trap; f() { exit 3; }; telemetry_time took f'
    expect_code 3
    expect_silent err
    [ ! -e "$HOME/.local/state/telemetry/t/events.jsonl" ] || fail "$(events t)"
}

tracks_stdin() {
    enable t
    in_shell "$1" '. "$1"; TELEMETRY_TOOL=t; echo private=1 | telemetry_track build --properties -'
    expect_json "$(events t)" 'j["metadata"]' "{'private': '1'}"
}

keeps_status() {
    enable t
    in_shell "$1" '. "$1"; TELEMETRY_TOOL=t
(exit 3); telemetry_track a; echo $?
(exit 4); telemetry_command_begin a; echo $?
(exit 5); telemetry_command_end 0; echo $?
(exit 6); telemetry_command_end 0; echo $?
(exit 7); telemetry_track; echo $?
telemetry_run sh -c "exit 8"; echo $?
f() { return 9; }; telemetry_run f; echo $?
telemetry_run; echo $?'
    expect_silent err
    expect_equal "$(tr '\n' ' ' <out)" "3 4 5 6 7 8 9 0 "
}

commands() {
    enable t
    in_shell "$1" '. "$1"; TELEMETRY_TOOL=t
telemetry_command_begin deploy; sleep 0.1; telemetry_command_end 3 --property a=1; telemetry_command_end 4
telemetry_run sh -c "cat; exit 2" canary <"$1" >copy
f() { sleep 0.05; return 5; }; telemetry_run f canary'
    expect_silent err
    cmp copy "$binding"
    expect_equal "$(python3 -c 'import json, sys
print([(e["name"], e["exit_code"], e.get("metadata")) for e in map(json.loads, open(sys.argv[1]))])' "$(events t)")" \
        "[('deploy', 3, {'a': '1'}), ('sh', 2, None), ('f', 5, None)]"
    expect_equal "$(python3 -c 'import json, sys
print([90 <= e["duration_ms"] < 5000 for e in map(json.loads, open(sys.argv[1]))][0])' "$(events t)")" True
    expect_no_part "$(events t)" canary
}

prompts() {
    in_shell "$1" '. "$1"; telemetry_prompt; TELEMETRY_TOOL=t; (exit 3); telemetry_prompt; echo $?'
    expect_equal "$(cat out)" 3
    expect_silent err
    [ -z "$(home_tree)" ] || fail "created: $(home_tree)"
    printf '. "%s"\nTELEMETRY_TOOL=t\ntelemetry_prompt\n' "$binding" >script
    # At a terminal of its own, a yes is stored.
    python3 - "$1" <<'P' >transcript
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("sh", ["sh", "-c", sys.argv[1] + " script"])
text = b""
while b"[y/N]" not in text:
    text += os.read(terminal, 4096)
os.write(terminal, b"y\n")
os.waitpid(pid, 0)
P
    expect_text "$HOME/.config/telemetry/t/enabled" true
}

strict() {
    enable t
    in_shell "$1" 'set -eu; . "$1"; TELEMETRY_TOOL=t
telemetry_track a; telemetry_track; telemetry_track b --property wrong
[ -n "" ] && echo never
telemetry_track c
false || telemetry_track d
telemetry_command_begin e; telemetry_command_end 7
if telemetry_run false; then echo never; fi
telemetry_run true
echo reached
telemetry_run sh -c "exit 4"
echo never'
    expect_code 4
    expect_silent err
    expect_text out reached
    expect_equal "$(python3 -c 'import json, sys
print("".join(json.loads(l)["name"][0] for l in open(sys.argv[1])))' "$(events t)")" acdefts
}

# What telemetry_run does must not depend on whether anything is recorded.
strict_function() {
    enable t
    for refusal in '' 1; do
        DO_NOT_TRACK=$refusal in_shell "$1" 'set -e; . "$1"; TELEMETRY_TOOL=t
f() { false; echo never; }
telemetry_run f
echo never'
        expect_code 1
        expect_silent out
        expect_silent err
    done
}

nested() {
    enable t
    in_shell "$1" '. "$1"; TELEMETRY_TOOL=t
g() { return 2; }; f() { telemetry_run g; telemetry_run g; return 3; }
telemetry_command_begin outer; telemetry_command_begin "inner  two"; telemetry_run f
telemetry_command_end 1 --property a=1; telemetry_command_end 4; telemetry_command_end 5; telemetry_command_begin ""; telemetry_command_end 6'
    expect_code 3
    expect_silent err
    expect_equal "$(codes)" "g 2, g 2, f 3, inner two 1, outer 4"
}

# codes: "NAME EXIT-CODE, …" of what was recorded.
codes() {
    [ -e "$(events t)" ] || return 0
    python3 -c 'import json, sys
print(", ".join("%s %s" % (e["name"], e.get("exit_code")) for e in map(json.loads, open(sys.argv[1]))))' "$(events t)"
}

# Forgotten by the author: the helper's complaint is kept from the user, and commands run all the same.
without_tool() {
    in_shell "$1" 'set -eu; . "$1"; telemetry_track a; telemetry_command_begin b; telemetry_command_end 0
telemetry_run echo ran; telemetry_run sh -c "exit 0"; echo "end $?"'
    expect_code 0
    expect_silent err
    expect_equal "$(tr '\n' ' ' <out)" "ran end 0 "
}

leaves_shell_alone() {
    enable t
    in_shell "$1" 'TELEMETRY_TOOL=t; IFS=,; set -- "$1" x "y z"; trap "echo trapped" EXIT
before="$-|$(trap)|$IFS|$*|$PWD|$(umask)"
. "$1"
telemetry_track a; telemetry_command_begin b; telemetry_command_end 0; telemetry_run true
after="$-|$(trap)|$IFS|$*|$PWD|$(umask)"
[ "$before" = "$after" ] && echo same || printf "%s\n%s\n" "$before" "$after"'
    expect_silent err
    expect_equal "$(tr '\n' ' ' <out)" "same trapped "
}

# Everything that the binding can do.
every_function='set -eu
. "$1"
TELEMETRY_TOOL=my-tool.2
telemetry_prompt
telemetry_track a
telemetry_command_begin a
telemetry_trap
telemetry_command_end 3
f() { echo ran; return 0; }
telemetry_run f
if telemetry_run false; then echo never; else echo "$?"; fi
telemetry_script my-tool.2 b
echo end'

# traced SHELL [NAME=VALUE]...: runs it, with what the shell starts in the file trace.
traced() {
    local shell=$1
    shift
    printf '%s\n' "$every_function" >script
    # Absolute, for PATH may be empty.
    # shellcheck disable=SC2046,SC2086
    strace -f -qq -e trace=execve,clone,fork,vfork,clone3 -o trace env "$@" \
        $(printf '%s ' $shell | sed "s|^\([^ ]*\)|$(command -v ${shell%% *})|") script "$binding" >out 2>err
    expect_equal "$(tr '\n' ' ' <out)" "ran 1 end "
    expect_silent err
}

# strace itself starts env, env the shell; `false` may be no builtin in some shell.
expect_nothing_started() {
    ! grep -E 'telemetry"' trace || fail "it ran the helper"
    ! grep -E '(clone|fork|vfork|clone3)\(' trace || fail "it started a process"
}

absent() {
    mkdir empty
    traced "$1" PATH="$PWD/empty"
    expect_nothing_started
}

refused() {
    enable my-tool.2
    for setting in DO_NOT_TRACK=1 DO_NOT_TRACK=True DO_NOT_TRACK=yes DO_NOT_TRACK=please "DO_NOT_TRACK= " \
        TELEMETRY_ENABLED=false TELEMETRY_ENABLED=0 TELEMETRY_ENABLED=oFF TELEMETRY_ENABLED= TELEMETRY_ENABLED=maybe "TELEMETRY_ENABLED=1 " \
        MY_TOOL_2_NO_TELEMETRY=1 MY_TOOL_2_NO_TELEMETRY=TRUE MY_TOOL_2_NO_TELEMETRY=Yes MY_TOOL_2_NO_TELEMETRY=oN \
        MY_TOOL_2_NO_TELEMETRY=y MY_TOOL_2_NO_TELEMETRY=2 MY_TOOL_2_NO_TELEMETRY=disable "MY_TOOL_2_NO_TELEMETRY= 1 " \
        "MY_TOOL_2_NO_TELEMETRY=o ff" 'MY_TOOL_2_NO_TELEMETRY=*' "MY_TOOL_2_NO_TELEMETRY=0
"; do
        traced "$1" "$setting"
        expect_nothing_started
        env "$setting" telemetry status --tool my-tool.2 --json >answer
        expect_json answer 'j["enabled"]' False
    done
    expect_equal "$(event_count my-tool.2)" 0
}

# What does not refuse for certain is left to the helper.
undecided() {
    enable my-tool.2
    for setting in DO_NOT_TRACK= DO_NOT_TRACK=0 DO_NOT_TRACK=No DO_NOT_TRACK=oFF DO_NOT_TRACK=False \
        TELEMETRY_ENABLED=1 TELEMETRY_ENABLED=True TELEMETRY_ENABLED=yES TELEMETRY_ENABLED=on \
        MY_TOOL_2_NO_TELEMETRY= MY_TOOL_2_NO_TELEMETRY=0 MY_TOOL_2_NO_TELEMETRY=oFF "MY_TOOL_2_NO_TELEMETRY= 0 " \
        "MY_TOOL_2_NO_TELEMETRY=  " "MY_TOOL_2_NO_TELEMETRY=	False	"; do
        traced "$1" "$setting"
        expect_equal "$(event_count my-tool.2)" 5
        rm "$(events my-tool.2)"
    done
    # No variable of a shell can be named after it.
    enable 9lives
    in_shell "$1" '. "$1"; TELEMETRY_TOOL=9lives; telemetry_track a; DO_NOT_TRACK=1; telemetry_track b; DO_NOT_TRACK=
TELEMETRY_TOOL=my-tool.2; MY_TOOL_2_NO_TELEMETRY=1; telemetry_track a; TELEMETRY_TOOL=9lives; telemetry_track c'
    expect_silent err
    expect_equal "$(event_count 9lives) $(event_count my-tool.2)" "2 0"
}

for shell in "${shells[@]}"; do
    if ! command -v "${shell%% *}" >/dev/null; then
        test_case "I $shell is installed" fail "missing: apt-get install ${shell%% *}"
        continue
    fi
    test_case "I $shell: telemetry_track" tracks "$shell"
    test_case "I $shell: telemetry_track with properties from standard input" tracks_stdin "$shell"
    test_case "H1 $shell: telemetry_count, gauge, observe and time" counts "$shell"
    test_case "H1 $shell: telemetry_time of what ends the script" times_an_end "$shell"
    test_case "I $shell: \$? is as before" keeps_status "$shell"
    test_case "I $shell: commands, begun and ended, and run" commands "$shell"
    test_case "I A13 $shell: telemetry_prompt" prompts "$shell"
    test_case "I $shell: under set -eu" strict "$shell"
    test_case "I $shell: telemetry_run leaves set -e to the function" strict_function "$shell"
    test_case "I $shell: commands inside commands" nested "$shell"
    test_case "I $shell: without a tool" without_tool "$shell"
    test_case "I $shell: options, traps, IFS, parameters untouched" leaves_shell_alone "$shell"
    test_case "I $shell: the helper absent, no process is started" absent "$shell"
    test_case "I A4 A5 $shell: refused by a variable, no process is started" refused "$shell"
    test_case "I A4 A5 $shell: not refused by a variable, the helper decides" undecided "$shell"
done

# A zsh that warns of every parameter that a function makes.
watchful() {
    enable t
    in_shell zsh 'setopt warn_create_global; . "$1"; telemetry_script t; telemetry_prompt; telemetry_track a
telemetry_command_begin b; telemetry_command_end 0; telemetry_run true; telemetry_run telemetry_track c; exit 3'
    expect_code 3
    expect_silent out
    expect_silent err
}
test_case "I zsh with WARN_CREATE_GLOBAL: not a word" watchful

lint() {
    cd "$root" || exit 1
    shellcheck -x bindings/shell/telemetry.sh examples/shell/*.sh
    cd Tests/shell || exit 1
    shellcheck run ./*.sh
}
test_case "I shellcheck finds nothing" lint
