# shellcheck shell=bash
# What the tests share: one private HOME per test, and words to expect things with.

passed=0 failed=0

# Those of the binding, each as its command; busybox's is an argument of it.
shells=(dash bash zsh "busybox sh" mksh lksh ksh93 yash posh)

# test_case NAME FUNCTION [ARGUMENT...]: runs FUNCTION under `set -e`; a command that fails fails it.
test_case() {
    local name=$1 dir status
    shift
    [[ $name =~ $pattern ]] || return 0
    dir=$(mktemp -d)
    (
        set -eu
        mkdir -m 700 "$dir/home" "$dir/work"
        export HOME=$dir/home
        cd "$dir/work"
        "$@"
    ) >"$dir/log" 2>&1 </dev/null
    status=$?
    if [ "$status" -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok - $name"
    else
        failed=$((failed + 1))
        echo "not ok - $name"
        sed 's/^/    /' "$dir/log"
    fi
    chmod -R u+rwx "$dir"
    rm -rf "$dir"
}

fail() {
    echo "$*"
    exit 1
}

# capture COMMAND...: its streams into the files out and err, its exit code into $code.
capture() {
    code=0
    "$@" >out 2>err || code=$?
}

expect_code() { [ "$code" -eq "$1" ] || fail "exit code $code, expected $1; stderr: $(cat err)"; }
expect_equal() { [ "$1" = "$2" ] || fail "got '$1', expected '$2'"; }
expect_silent() { [ ! -s "$1" ] || fail "unexpected text on $1: $(cat "$1")"; }
expect_text() { [ "$(cat "$1")" = "$2" ] || fail "$1 is '$(cat "$1")', expected '$2'"; }
expect_line() { grep -qxF -- "$2" "$1" || fail "no line '$2' in $1: $(cat "$1")"; }
expect_part() { grep -qF -- "$2" "$1" || fail "no '$2' in $1: $(cat "$1")"; }
expect_no_part() { ! grep -qF -- "$2" "$1" || fail "'$2' is in $1: $(cat "$1")"; }

# enable TOOL: as its user would, without the helper.
enable() {
    mkdir -p "$HOME/.config/telemetry/$1"
    chmod 700 "$HOME/.config/telemetry/$1"
    (umask 077 && echo true >"$HOME/.config/telemetry/$1/enabled")
}

events() { printf '%s' "$HOME/.local/state/telemetry/$1/events.jsonl"; }

# event_count TOOL: delivered into the default local file.
event_count() { if [ -e "$(events "$1")" ]; then wc -l <"$(events "$1")"; else echo 0; fi; }

# json FILE EXPRESSION: the JSON text (or the last line of it) as `j` in a Python expression.
json() {
    python3 -c 'import json, sys
text = open(sys.argv[1]).read()
try: j = json.loads(text)
except ValueError: j = json.loads(text.splitlines()[-1])
print(eval(sys.argv[2]))' "$1" "$2"
}

expect_json() { expect_equal "$(json "$1" "$2")" "$3"; }

binding=$root/bindings/shell/telemetry.sh

# in_shell SHELL TEXT: the text as a script of that shell, the binding's path in $1.
in_shell() {
    printf '%s\n' "$2" >script
    # shellcheck disable=SC2086
    capture $1 script "$binding"
}

# A manifest of TOOL whose events no one will ever take: the port is closed.
dead_manifest() {
    mkdir -p "$HOME/.local/share/telemetry/tools"
    printf 'tool:\n  name: %s\nbackend:\n  kind: http\n  endpoint: http://127.0.0.1:9/\n' "$1" \
        >"$HOME/.local/share/telemetry/tools/$1.yaml"
}

# wait_for FILE: until it exists; 10 s at most.
wait_for() {
    for _ in $(seq 1000); do
        if [ -e "$1" ]; then return; fi
        sleep 0.01
    done
    fail "no $1 after 10 s"
}

# Everything below HOME, directories and files.
home_tree() { (cd "$HOME" && find . -mindepth 1 | sort); }

# as_nobody COMMAND...: without root's way around permissions.
as_nobody() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all "$@"
    else
        "$@"
    fi
}
