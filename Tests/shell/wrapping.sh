# shellcheck shell=bash
# B5: a wrapped program cannot be told from the program by itself.

wrap() { telemetry command --tool t -- "$@"; }

# on_and_off FUNCTION: the same with telemetry on and off.
on_and_off() {
    test_case "$1, on" wrapped_on "${@:2}"
    test_case "$1, off" wrapped_off "${@:2}"
}
wrapped_on() {
    enable t
    "$@"
}
wrapped_off() {
    "$@"
    [ -z "$(home_tree)" ] || fail "created: $(home_tree)"
}

exit_codes() {
    for expected in 0 1 2 7 126 127 128 255; do
        capture wrap sh -c "exit $expected"
        expect_code $expected
        expect_silent err
    done
}
on_and_off "B5 exit codes pass through" exit_codes

streams() {
    head -c 300000 /dev/urandom >in
    capture bash -c 'sh -c "cat; tac in >&2; printf x" <in'
    mv out plain.out
    mv err plain.err
    code=0
    wrap sh -c 'cat; tac in >&2; printf x' <in >out 2>err || code=$?
    expect_code 0
    cmp out plain.out
    cmp err plain.err
}
on_and_off "B5 streams are byte-identical" streams

not_found() {
    capture wrap nosuchprogram arg
    expect_code 127
    expect_text err "telemetry: nosuchprogram: command not found"
    capture wrap ./nosuchprogram
    expect_code 127
    expect_text err "telemetry: ./nosuchprogram: No such file or directory"
    : >plainfile
    capture wrap ./plainfile
    expect_code 126
    expect_text err "telemetry: ./plainfile: Permission denied"
    capture wrap "$PWD"
    expect_code 126
    expect_text err "telemetry: $PWD: Permission denied"
    ln -s loop loop
    capture wrap ./loop
    expect_code 127
    expect_text err "telemetry: ./loop: Too many levels of symbolic links"
    capture wrap ./plainfile/x
    expect_code 127
    expect_text err "telemetry: ./plainfile/x: Not a directory"
    long=./$(printf '%0300d' 0)
    capture wrap "$long"
    expect_code 127
    expect_text err "telemetry: $long: File name too long"
}
on_and_off "B5 not found is 127, not executable is 126, in a shell's words" not_found

no_interpreter_line() {
    # shellcheck disable=SC2016
    printf 'echo "script: $1"\nexit 3\n' >script
    chmod +x script
    capture wrap ./script 'a b'
    expect_code 3
    expect_text out "script: a b"
    PATH=$PWD:$PATH capture wrap script c
    expect_code 3
    expect_text out "script: c"
}
on_and_off "B5 a script without #! runs, as in a shell" no_interpreter_line

arguments_pass() {
    capture wrap sh -c 'printf "<%s>" "$@"' sh --tool x -- '' $'a\nb' $'\xff' --help
    expect_code 0
    expect_equal "$(od -An -c <out)" "$(printf '<%s>' --tool x -- '' $'a\nb' $'\xff' --help | od -An -c)"
}
on_and_off "B5 arguments pass byte for byte" arguments_pass

# The wait status of a program, as the kernel tells it: -N for signal N.
wait_status() { python3 -c 'import subprocess, sys; print(subprocess.run(sys.argv[1:]).returncode)' "$@"; }

dies_of() {
    local number
    ulimit -c 0
    number=$(kill -l "$1")
    expect_equal "$(wait_status telemetry command --tool t -- sh -c "kill -$1 \$\$")" "-$number"
    capture bash -c "telemetry command --tool t -- sh -c 'kill -$1 \$\$'; exit \$?"
    expect_code $((128 + number))
}
for signal in SEGV KILL TERM INT HUP PIPE ABRT; do
    on_and_off "B5 a program dying of SIG$signal: the caller sees that death" dies_of $signal
done

# forwards SIGNAL: sent to the wrapper alone, it reaches the program, whose own answer counts.
forwards() {
    local pid
    # shellcheck disable=SC2016
    python3 -c 'import os, signal, sys
signal.signal(getattr(signal, "SIG" + sys.argv[1]), signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[2], sys.argv[2:])' "$1" telemetry command --tool t -- \
        sh -c 'trap "echo got >got; exit 9" '"$1"'; : >ready; while :; do sleep 0.02; done' &
    pid=$!
    wait_for ready
    kill "-$1" $pid
    code=0
    wait $pid || code=$?
    : >err
    expect_code 9
    [ -e got ]
}
for signal in TERM HUP INT QUIT USR1 USR2; do
    on_and_off "B5 SIG$signal to the wrapper reaches the program" forwards $signal
done

killed_by_term() {
    telemetry command --tool t -- sh -c ': >ready; exec sleep 10' &
    local pid=$!
    wait_for ready
    kill -TERM $pid
    code=0
    wait $pid || code=$?
    : >err
    expect_code 143
}
on_and_off "B5 kill -TERM to the wrapper ends a program that does not catch it" killed_by_term

terminal_interrupt() {
    # A terminal of its own: its interrupt character reaches the whole group, the program once.
    python3 - <<'P'
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("telemetry", ["telemetry", "command", "--tool", "t", "--", "sh", "-c",
        "trap 'echo int >>ints' INT; : >ready; while [ ! -e stop ]; do sleep 0.02; done; exit 5"])
def wait_for(name):
    end = time.monotonic() + 10
    while not os.path.exists(name):
        assert time.monotonic() < end, "no " + name
        time.sleep(0.01)
wait_for("ready")
os.write(terminal, b"\x03")
wait_for("ints")
time.sleep(0.2)
open("stop", "w").close()
status = os.waitpid(pid, 0)[1]
assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 5, status
assert open("ints").read() == "int\n", open("ints").read()
P
}
on_and_off "B5 the terminal's interrupt reaches the program exactly once" terminal_interrupt

ignored_signals() {
    # nohup(1) and friends: what the caller ignores, the program ignores.
    capture bash -c "trap '' HUP USR1; telemetry command --tool t -- sh -c 'kill -HUP \$\$; kill -USR1 \$\$; grep SigBlk /proc/self/status; exit 4'"
    expect_code 4
    expect_equal "$(tr -d '\t' <out)" "SigBlk:0000000000000000"
}
on_and_off "B5 the program has the caller's signal mask and dispositions" ignored_signals

descriptors() {
    exec 5>five
    capture wrap sh -c 'echo five >&5; ls /proc/self/fd'
    expect_code 0
    mv out wrapped
    expect_text five five
    # Only what the shell itself has open; the listing's own descriptor is one of them.
    expect_equal "$(grep -c . wrapped)" "$(bash -c 'ls /proc/self/fd' 2>err | grep -c .)"
}
on_and_off "B5 the program has the caller's descriptors and no more" descriptors

child_ignored() {
    capture python3 -c 'import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execvp("telemetry", ["telemetry", "command", "--tool", "t", "--", "sh", "-c", "exit 6"])'
    expect_code 6
}
on_and_off "B5 a caller that ignores SIGCHLD gets the exit code" child_ignored

records() {
    enable t
    capture wrap sh -c 'sleep 0.12; exit 7'
    expect_json "$(events t)" 'j["type"], j["name"], j["exit_code"]' "('command.invocation', 'sh', 7)"
    expect_json "$(events t)" '120 <= j["duration_ms"] < 5000' True
    telemetry command deploy --tool t --property a:int=1 -- /bin/true
    expect_json "$(events t)" 'j["name"], j["exit_code"], j["metadata"]' "('deploy', 0, {'a': 1})"
    capture telemetry command --tool t -- /bin/false
    expect_json "$(events t)" 'j["name"], j["exit_code"]' "('false', 1)"
    capture wrap sh -c 'kill -KILL $$'
    expect_json "$(events t)" 'j["exit_code"]' 137
    capture wrap nosuchprogram
    expect_json "$(events t)" 'j["name"], j["exit_code"]' "('nosuchprogram', 127)"
    telemetry command build --tool t --duration-ms 1500 --exit-code 2
    expect_json "$(events t)" 'j["name"], j["duration_ms"], j["exit_code"]' "('build', 1500, 2)"
    expect_equal "$(event_count t)" 6
}
test_case "B5 duration and exit code are recorded; NAME defaults to the file name" records

arguments_absent() {
    enable t
    dead_manifest t
    capture wrap sh -c 'exit 1' canary-0815 --password canary-0815
    expect_code 1
    telemetry show --tool t --json >out
    expect_json out 'j["exit_code"], j.get("args"), j.get("error")' "(1, None, None)"
    if grep -rqF canary-0815 "$HOME"; then fail "canary in $(grep -rlF canary-0815 "$HOME")"; fi
}
test_case "C6 the program's arguments are in no event and no file" arguments_absent

broken_manifest() {
    enable t
    echo 'tool: [' >m.yaml
    capture telemetry command --tool t --manifest m.yaml -- sh -c 'echo ran; exit 3'
    expect_code 3
    expect_text out ran
    expect_part err m.yaml
    capture telemetry command --quiet --tool t --manifest m.yaml -- sh -c 'exit 0'
    expect_code 0
    expect_silent err
    expect_equal "$(event_count t)" 0
}
test_case "B5 a broken manifest does not keep the program from running" broken_manifest

replaced_when_off() {
    strace -f -qq -e trace=process -o trace telemetry command --tool t -- /bin/true
    grep -q 'execve("/bin/true"' trace
    ! grep -qE 'fork|clone' trace || fail "$(cat trace)"
    enable t
    strace -f -qq -e trace=process -o trace telemetry command --tool t -- /bin/true
    grep -qE 'fork|clone' trace
}
test_case "B5 off: the program replaces the helper, no process is added" replaced_when_off
