# shellcheck shell=bash
# telemetry_trap: what is recorded of a script that ends early, and what becomes of the script.

# died SHELL [SIGNAL [TO]]: how ./script ended, -N for signal N. The signal goes to its process group, or to the shell
# alone, once the script has made the file ready; IGNORED names one that it is started with, ignored.
died() {
    rm -f ready
    python3 - "$binding" "$@" <<'P'
import os, signal, subprocess, sys, time
binding, shell, name, to = [*sys.argv[1:], *["", "group"][len(sys.argv) - 3:]]
def default():
    for each in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)
    if "IGNORED" in os.environ:
        signal.signal(getattr(signal, "SIG" + os.environ["IGNORED"]), signal.SIG_IGN)
with open("out", "w") as out, open("err", "w") as err:
    script = subprocess.Popen([*shell.split(), "script", binding], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                              start_new_session=True, preexec_fn=default)
if name:
    end = time.monotonic() + 10
    while not os.path.exists("ready"):
        assert time.monotonic() < end, "the script is not ready"
        time.sleep(0.01)
    time.sleep(0.05) # into the exec
    (os.killpg if to == "group" else os.kill)(script.pid, getattr(signal, "SIG" + name))
print(script.wait(10))
try: # what a shell that was killed alone has left running
    os.killpg(script.pid, signal.SIGKILL)
except ProcessLookupError:
    pass
P
}

# The first lines of the scripts.
armed='. "$1"; TELEMETRY_TOOL=t; telemetry_command_begin deploy; telemetry_trap'

foreground='sh -c ": >ready; exec sleep 8"'

# ends SHELL BODY CODE [SIGNAL]: it ends as it does without the binding, and CODE is recorded.
ends() {
    local shell=$1 body=$2 expected=$3 plain
    shift 3
    enable t
    printf '%s\n' "$body" >script
    plain=$(died "$shell" "$@")
    cp out plain.out
    printf '%s\n' "$armed" "$body" >script
    expect_equal "$(died "$shell" "$@")" "$plain"
    cmp out plain.out
    expect_no_part out never
    expect_equal "$(codes)" "${expected:+deploy $expected}"
}

ends_early() {
    test_case "I $shell: recorded: $1" ends "$shell" "$2" "$3"
}

killed() {
    local number
    number=$(kill -l "$2")
    test_case "I $1: recorded: SIG$2 of its own" ends "$1" "kill -$2 \$\$; echo never" $((128 + number))
    test_case "I $1: recorded: SIG$2 while a program runs" ends "$1" "$foreground; echo never" $((128 + number)) "$2"
    test_case "I $1: recorded: SIG$2 in the shell's own work" ends "$1" ': >ready; while :; do :; done; echo never' $((128 + number)) "$2"
}

# The price: the shell waits for the program in the foreground. `telemetry_trap EXIT` does not pay it.
killed_alone() {
    enable t
    printf '%s\n' "$armed" 'sh -c ": >ready; exec sleep 1"; echo never' >script
    expect_equal "$(died "$1" TERM shell)" -15
    expect_silent out
    expect_equal "$(codes)" "deploy 143"
    expect_json "$(events t)" '900 <= j["duration_ms"] < 5000' True
    rm "$(events t)"
    printf '%s\n' "$armed EXIT" "$foreground; echo never" >script
    SECONDS=0
    expect_equal "$(died "$1" TERM shell)" -15
    # posh and mksh always wait, ksh93 is spared a wrong end only by traps on signals.
    case $1 in posh | *ksh*) ;; *) [ $SECONDS -lt 5 ] || fail "it waited" ;; esac
    # bash runs the trap and does not tell why.
    expect_equal "$(codes)" "$(case $1 in bash) echo "deploy 0" ;; *ksh*) echo "deploy 143" ;; esac)"
}

# What no trap of ours sees. bash runs the trap on EXIT, and does not tell why.
unseen() {
    enable t
    printf '%s\n' "$armed" 'exec sh -c "exit 6"' >script
    expect_equal "$(died "$1")" 6
    printf '%s\n' "$armed" 'kill -KILL $$' >script
    expect_equal "$(died "$1")" -9
    expect_equal "$(codes)" ""
    printf '%s\n' "$armed" "$foreground; echo never" >script
    expect_equal "$(died "$1" USR1)" -10
    expect_equal "$(codes)" "$(case $1 in bash) echo "deploy 0" ;; ksh93) echo "deploy 138" ;; esac)"
}

exits_only() {
    enable t
    printf '%s\n' "$armed EXIT" 'trap >listed; exit 6' >script
    expect_equal "$(died "$1")" 6
    expect_equal "$(codes)" "deploy 6"
    expect_equal "$(grep -c . listed)" "$(case $1 in ksh93) echo 9 ;; *ksh) echo 4 ;; *) echo 1 ;; esac)"
}

# What the script traps stays as it is, trap by trap.
own_traps_before() {
    enable t
    cat >script <<'S'
. "$1"; TELEMETRY_TOOL=t; telemetry_command_begin deploy
trap 'echo "own
EXIT"; exit 5' EXIT
trap 'echo int; exit 4' INT
trap '' TERM
trap : HUP
trap >before
telemetry_trap
trap >after
kill -TERM $$; kill -HUP $$; echo alive
kill -INT $$
echo never
S
    expect_equal "$(died "$1")" 5
    cmp before after
    [ "$(grep -c . after)" -ge 4 ]
    expect_equal "$(tr '\n' ' ' <out)" "alive int own EXIT "
    expect_equal "$(codes)" ""
}

own_trap_records() {
    enable t
    printf '%s\n' '. "$1"; TELEMETRY_TOOL=t' "trap 'telemetry_command_end \$?; echo own' EXIT" \
        'telemetry_command_begin deploy; telemetry_trap; exit 6' >script
    expect_equal "$(died "$1")" 6
    expect_text out own
    expect_equal "$(codes)" "deploy 6"
}

own_traps_later() {
    enable t
    printf '%s\n' "$armed" "trap 'echo own' EXIT; trap 'echo term; exit 3' TERM; kill -TERM \$\$; echo never" >script
    # Of the ksh family, some exit as the trap on EXIT has ended.
    expect_equal "$(died "$1")" "$(case $1 in mksh | lksh) echo 0 ;; *) echo 3 ;; esac)"
    expect_equal "$(tr '\n' ' ' <out)" "term own "
    expect_equal "$(codes)" ""
    # A trap taken away is away.
    printf '%s\n' "$armed" 'trap - EXIT TERM; kill -TERM $$; echo never' >script
    expect_equal "$(died "$1")" -15
    expect_equal "$(codes)" ""
}

function_trap() {
    enable t
    printf '%s\n' '. "$1"; TELEMETRY_TOOL=t; TRAPTERM() { echo own; }; telemetry_command_begin deploy; telemetry_trap
kill -TERM $$; exit 2' >script
    expect_equal "$(died zsh)" 2
    expect_text out own
    expect_equal "$(codes)" "deploy 2"
}

ignored_from_the_start() {
    enable t
    printf '%s\n' "$armed" ': >ready; sleep 0.3; echo alive' >script
    for signal in HUP INT TERM; do
        expect_equal "$(IGNORED=$signal died "$1" $signal)" 0
        expect_text out alive
    done
    expect_equal "$(codes)" "deploy 0, deploy 0, deploy 0"
}

in_subshells() {
    enable t
    cat >script <<'S'
. "$1"; TELEMETRY_TOOL=t; telemetry_command_begin deploy; telemetry_trap
(exit 4); x=$(exit 3; echo y) || :; (sleep 0.01; exit 5); : | (exit 6)
(telemetry_command_end 1; telemetry_command_begin inner; telemetry_trap; sh -c 'kill -TERM $PPID'; sleep 1; echo never) &
wait $! || case $? in 143 | 271 | 399) echo subshell TERM ;; esac
echo alive
exit 2
S
    expect_equal "$(died "$1")" 2
    expect_equal "$(tr '\n' ' ' <out)" "subshell TERM alive "
    expect_equal "$(codes)" "deploy 1, inner 143, deploy 2"
}

interactive() {
    enable t
    printf '%s\n' "$armed" 'trap >listed; exit 0' >script
    # shellcheck disable=SC2086
    capture setsid -w $1 -i script "$binding"
    expect_code 0
    expect_silent listed
    expect_equal "$(codes)" ""
}

# A real Ctrl-C, at a terminal.
terminal_interrupt_of_script() {
    enable t
    printf '%s\n' "$armed" "$foreground; echo never" >script
    python3 - "$1" "$binding" <<'P' >status
import os, pty, signal, sys, time
pid, terminal = pty.fork()
if pid == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(sys.argv[1].split()[0], [*sys.argv[1].split(), "script", sys.argv[2]])
while not os.path.exists("ready"):
    time.sleep(0.01)
time.sleep(0.05)
os.write(terminal, b"\x03")
text = b""
try:
    while part := os.read(terminal, 4096):
        text += part
except OSError:
    pass
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), b"never" in text)
P
    expect_text status "-2 False"
    expect_equal "$(codes)" "deploy 130"
}

whole_script() {
    enable t
    printf '%s\n' '. "$1"; (exit 3); telemetry_script t; echo $?; telemetry_command_begin part; sleep 0.1; exit 2' >script
    expect_equal "$(died "$1")" 2
    expect_silent err
    expect_text out 3
    expect_equal "$(codes)" "part 2, run 2"
    expect_json "$(events t)" '90 <= j["duration_ms"] < 5000' True
    printf '%s\n' 'set -eu; . "$1"; telemetry_script t nightly; kill -TERM $$' >script
    # These end so under `set -e` by themselves.
    expect_equal "$(died "$1")" "$(case $1 in mksh | lksh | posh) echo 143 ;; *) echo -15 ;; esac)"
    expect_equal "$(codes)" "part 2, run 2, nightly 143"
}

# `set -e` ends the script in the function; only the trap is left to record it.
run_function_fails() {
    enable t
    printf '%s\n' 'set -e; . "$1"; TELEMETRY_TOOL=t; telemetry_trap' 'f() { false; echo never; }; telemetry_run f; echo never' >script
    expect_equal "$(died "$1")" 1
    expect_silent out
    expect_equal "$(codes)" "f 1"
}

# Nothing is known of the traps there are, so none is set. Needs a mount namespace.
without_proc() {
    enable t
    printf '%s\n' "trap 'echo own' EXIT; $armed; exit 3" >script
    # shellcheck disable=SC2086
    capture unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' sh $1 script "$binding"
    expect_code 3
    expect_silent err
    expect_text out own
    expect_equal "$(codes)" ""
}

for shell in "${shells[@]}"; do
    command -v "${shell%% *}" >/dev/null || continue # binding.sh has said so
    ends_early "exit" 'echo done; exit 7' 7
    ends_early "exit in a function" 'f() { exit 6; }; f; echo never' 6
    ends_early "set -e" 'set -e; (exit 9); echo never' 9
    ends_early "its last line" '(exit 3)' 3
    ends_early "an unset variable under set -u" 'set -u; echo "$nosuch"; echo never' "$(case $shell in dash | busybox* | yash) echo 2 ;; ksh93) echo 0 ;; posh) ;; *) echo 1 ;; esac)"
    ends_early "a number above 255" 'exit 300' 44
    ends_early "set -e and a code" 'set -e; exit 7' 7
    ends_early "its last command killed" 'ulimit -c 0; sh -c "kill -TERM \$\$"' 143
    ends_early "a function that returns a number above 255" 'f() { return 300; }; f' 44
    for signal in HUP INT TERM; do killed "$shell" $signal; done
    test_case "I $shell: a signal to the shell alone waits for the foreground; not with EXIT alone" killed_alone "$shell"
    test_case "I $shell: not recorded: exec, SIGKILL, another signal" unseen "$shell"
    test_case "I $shell: telemetry_trap EXIT sets one trap" exits_only "$shell"
    test_case "I $shell: traps that the script has set stay" own_traps_before "$shell"
    test_case "I $shell: a trap of the script records" own_trap_records "$shell"
    test_case "I $shell: traps that the script sets later count" own_traps_later "$shell"
    test_case "I $shell: a signal ignored from the start stays ignored" ignored_from_the_start "$shell"
    test_case "I $shell: subshells" in_subshells "$shell"
    test_case "I $shell: no traps in an interactive shell" interactive "$shell"
    test_case "I $shell: Ctrl-C at a terminal" terminal_interrupt_of_script "$shell"
    test_case "I $shell: telemetry_script" whole_script "$shell"
    test_case "I $shell: set -e in a function that telemetry_run runs" run_function_fails "$shell"
    if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
        test_case "I $shell: no traps without /proc" without_proc "$shell"
    fi
done
if command -v zsh >/dev/null; then test_case "I zsh: a TRAPTERM function stays" function_trap; fi
