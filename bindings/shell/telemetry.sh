# shellcheck shell=sh
# telemetry.sh: telemetry for shell scripts. Source it; works in every POSIX shell (tested: dash,
# bash, zsh, busybox).
#
#     . /usr/share/telemetry/telemetry.sh
#     TELEMETRY_TOOL=mytool
#     telemetry_track build --property target=all
#
# Promises: prints nothing (but for telemetry_prompt, at a terminal), sets no option and no trap, and leaves $? alone, with one exception:
# under `set -e` it is 0 afterwards, because handing back an earlier failure would end the script.
# When the helper `telemetry` is not installed, the functions do nothing and start no process.
#
#   telemetry_prompt                        on a first run at a terminal: show the notice, ask
#   telemetry_track NAME [OPTION]...        record an event
#   telemetry_command_begin NAME            a command begins
#   telemetry_command_end CODE [OPTION]...  it ended with exit code CODE: record it; once per begin
#   telemetry_run COMMAND [ARGUMENT]...     run a command, function or builtin, and record it;
#                                           returns its exit code
#
# OPTION: --property K=V and whatever else `telemetry track` and `telemetry command` take.

_telemetry_name=
_telemetry_start=
_telemetry_helper=
if command -v telemetry >/dev/null 2>&1; then _telemetry_helper=1; fi

telemetry_prompt() {
    _telemetry_status=$?
    # Where it would be silent anyway, no process is started.
    if [ -n "$_telemetry_helper" ] && [ -n "${TELEMETRY_TOOL-}" ] && [ -t 0 ] && [ -t 2 ]; then
        command telemetry prompt --quiet --tool="$TELEMETRY_TOOL" || :
    fi
    _telemetry_leave "$_telemetry_status"
}

telemetry_track() {
    _telemetry_status=$?
    if [ -n "$_telemetry_helper" ]; then
        _telemetry_call track ${TELEMETRY_TOOL:+--tool="$TELEMETRY_TOOL"} "$@"
    fi
    _telemetry_leave "$_telemetry_status"
}

telemetry_command_begin() {
    _telemetry_status=$?
    if [ -n "$_telemetry_helper" ]; then
        _telemetry_name=${1-}
        _telemetry_clock
        _telemetry_start=$_telemetry_now
    fi
    _telemetry_leave "$_telemetry_status"
}

telemetry_command_end() {
    _telemetry_status=$?
    if [ -n "$_telemetry_name" ] && [ $# -gt 0 ]; then
        _telemetry_code=$1
        shift
        _telemetry_clock
        _telemetry_call command ${TELEMETRY_TOOL:+--tool="$TELEMETRY_TOOL"} "$_telemetry_name" \
            --duration-ms "$((_telemetry_now - _telemetry_start))" --exit-code "$_telemetry_code" "$@"
        _telemetry_name=
    fi
    _telemetry_leave "$_telemetry_status"
}

telemetry_run() {
    [ $# -gt 0 ] || return 0
    # Without a tool the helper would run nothing, for want of knowing whose command it is.
    if [ -z "$_telemetry_helper" ] || [ -z "${TELEMETRY_TOOL-}" ]; then
        "$@"
        return
    fi
    # The helper can run programs only; functions and builtins exist in this shell alone.
    case $1 in
        */*) _telemetry_kind=/ ;;
        *) _telemetry_kind=$(command -v "$1" 2>/dev/null) || _telemetry_kind= ;;
    esac
    case $_telemetry_kind in
        /*)
            command telemetry command --quiet --tool="$TELEMETRY_TOOL" -- "$@"
            return
            ;;
    esac
    _telemetry_run_here "$@"
}

_telemetry_run_here() {
    telemetry_command_begin "$1"
    # Tested, so that a failure is recorded under `set -e` too; returning it then ends the script.
    if "$@"; then _telemetry_result=0; else _telemetry_result=$?; fi
    telemetry_command_end "$_telemetry_result" || :
    return "$_telemetry_result"
}

_telemetry_call() { command telemetry "$@" >/dev/null 2>&1 || :; }

_telemetry_leave() {
    case $- in *e*) return 0 ;; esac
    return "$1"
}

# Milliseconds since the machine started, to 10 ms, without starting a process; else to the second.
_telemetry_clock() {
    if IFS=' ' read -r _telemetry_now _telemetry_idle 2>/dev/null </proc/uptime; then
        # The 1 keeps a leading 0 from making the fraction octal.
        _telemetry_now=$((${_telemetry_now%.*} * 1000 + (1${_telemetry_now#*.} - 100) * 10))
    else
        _telemetry_now=$(($(date +%s) * 1000))
    fi
}
