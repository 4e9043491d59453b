# shellcheck shell=bash
# bindings/shell/telemetry.sh in four shells.

binding=$root/bindings/shell/telemetry.sh

# in_shell SHELL TEXT: the text as a script of that shell, the binding's path in $1.
in_shell() {
    printf '%s\n' "$2" >script
    # shellcheck disable=SC2086
    capture $1 script "$binding"
}

tracks() {
    enable t
    in_shell "$1" '. "$1"; TELEMETRY_TOOL=t; telemetry_track build --property "a b=c  d" --property n:int=1 --type x.y'
    expect_code 0
    expect_silent out
    expect_silent err
    expect_json "$(events t)" 'j["type"], j["name"], j["metadata"]' "('x.y', 'build', {'a b': 'c  d', 'n': 1})"
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
print([(e["name"], e["exit_code"], e["metadata"]) for e in map(json.loads, open(sys.argv[1]))])' "$(events t)")" \
        "[('deploy', 3, {'a': '1'}), ('sh', 2, {}), ('f', 5, {})]"
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
telemetry_run false
echo never'
    expect_code 1
    expect_silent err
    expect_text out reached
    expect_equal "$(python3 -c 'import json, sys
print("".join(json.loads(l)["name"][0] for l in open(sys.argv[1])))' "$(events t)")" acdeftf
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

absent() {
    local shell=$1
    mkdir empty
    # Absolute, for PATH will be empty; strace sees what the shell starts.
    cat >script <<'S'
set -eu
. "$1"
TELEMETRY_TOOL=t
telemetry_track a
telemetry_command_begin a
telemetry_command_end 3
f() { echo ran; return 0; }
telemetry_run f
if telemetry_run false; then echo never; else echo "$?"; fi
echo end
S
    # shellcheck disable=SC2046,SC2086
    set -- $(printf '%s ' $shell | sed "s|^\([^ ]*\)|$(command -v ${shell%% *})|") script "$binding"
    strace -f -qq -e trace=execve,clone,fork,vfork,clone3 -o trace env PATH="$PWD/empty" "$@" >out 2>err
    expect_equal "$(tr '\n' ' ' <out)" "ran 1 end "
    expect_silent err
    # strace itself starts env, env the shell; `false` may be no builtin in some shell.
    ! grep -E 'telemetry"' trace
    ! grep -E '(clone|fork|vfork|clone3)\(' trace || fail "it started a process"
}

for shell in dash bash zsh "busybox sh"; do
    if ! command -v "${shell%% *}" >/dev/null; then
        test_case "I $shell is installed" fail "missing: apt-get install ${shell%% *}"
        continue
    fi
    test_case "I $shell: telemetry_track" tracks "$shell"
    test_case "I $shell: telemetry_track with properties from standard input" tracks_stdin "$shell"
    test_case "I $shell: \$? is as before" keeps_status "$shell"
    test_case "I $shell: commands, begun and ended, and run" commands "$shell"
    test_case "I A13 $shell: telemetry_prompt" prompts "$shell"
    test_case "I $shell: under set -eu" strict "$shell"
    test_case "I $shell: without a tool" without_tool "$shell"
    test_case "I $shell: options, traps, IFS, parameters untouched" leaves_shell_alone "$shell"
    test_case "I $shell: the helper absent, no process is started" absent "$shell"
done

lint() {
    cd "$root" || exit 1
    shellcheck -x bindings/shell/telemetry.sh examples/shell/*.sh
    cd Tests/shell || exit 1
    shellcheck run ./*.sh
}
test_case "I shellcheck finds nothing" lint
