# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2030,SC2031 # what a subshell exports is for the helper alone
# telemetry.sh: telemetry for shell scripts. Source it; works in every POSIX shell (tested: dash,
# bash, zsh, busybox, mksh, lksh, ksh93, yash, posh).
#
#     . /usr/share/telemetry/telemetry.sh
#     telemetry_script mytool
#
# This line records how the script ended and how long it took. Or, piece by piece:
#
#     TELEMETRY_TOOL=mytool
#     telemetry_track build --property target=all
#
#   telemetry_script TOOL [NAME]            the whole script is a command of TOOL: record it when it ends
#   telemetry_prompt                        on a first run at a terminal: show the notice, ask
#   telemetry_track NAME [OPTION]...        record an event
#   telemetry_command_begin NAME            a command begins
#   telemetry_command_end CODE [OPTION]...  the command begun last ended with exit code CODE: record it
#   telemetry_trap [CONDITION]...           record begun commands if the script ends before their end
#   telemetry_run COMMAND [ARGUMENT]...     run a command, function or builtin, and record it;
#                                           returns its exit code
#   telemetry_count NAME [OPTION]...        add to a counter
#   telemetry_gauge NAME VALUE [OPTION]...  set a gauge
#   telemetry_observe NAME VALUE [OPTION]...  count a value in a histogram
#   telemetry_time NAME COMMAND [ARGUMENT]...  run a command, function or builtin, and observe how many
#                                           seconds it ran; returns its exit code
#   telemetry_span NAME COMMAND [ARGUMENT]...  run a command, function or builtin as a span of a trace; returns
#                                           its exit code
#   telemetry_span_begin NAME [OPTION]...   a span begins: part of the one begun before it, or of $TRACEPARENT
#   telemetry_span_event NAME [OPTION]...   something happens in the span begun last
#   telemetry_span_end [CODE [OPTION]...]   the span begun last ends; it failed if CODE is not 0
#
# OPTION: --property K=V, and any other option of `telemetry track` and `telemetry command`; of a span --attribute K=V,
# and any other of `telemetry span`. While a span is open, TRACEPARENT is exported and names it.
#
# Promises: it prints nothing (except telemetry_prompt, at a terminal), sets no option, and keeps $?, with one exception:
# under `set -e` $? is 0 afterwards, because giving back an earlier failure would end the script.
# Only telemetry_trap and telemetry_script set traps, and only where the script has none. A trap that the script sets
# later replaces theirs. README.md says what that means for each way a script can end.
# No process is started if the helper `telemetry` is not installed, or when DO_NOT_TRACK, TELEMETRY_ENABLED or the tool's
# NO_TELEMETRY variable refuses.

# What has begun, the last one first: a line "START NAME" each.
_telemetry_begun=
# The spans that are open, the last one first: two lines each. "SPAN FORMER": the value of TRACEPARENT during it and
# before it; "-": nothing was begun, or there was no value. "=STATE": the value of TRACESTATE before it; empty: it stays.
_telemetry_spans=
_telemetry_newline='
'
_telemetry_tab='	'
_telemetry_variable=
_telemetry_variable_tool=
_telemetry_word=
# What the functions assign: a zsh that warns of parameters made in functions (WARN_CREATE_GLOBAL) has nothing to say.
: "${TELEMETRY_TOOL=}"
_telemetry_status='' _telemetry_script_status='' _telemetry_exit='' _telemetry_code='' _telemetry_last='' _telemetry_kind='' _telemetry_now=''
_telemetry_idle='' _telemetry_rest='' _telemetry_letter='' _telemetry_condition='' _telemetry_traps='' _telemetry_pid='' _telemetry_line=''
_telemetry_mask='' _telemetry_helper='' _telemetry_span='' _telemetry_state=''
if command -v telemetry >/dev/null 2>&1; then _telemetry_helper=1; fi

telemetry_prompt() {
    _telemetry_status=$?
    # Where it would be silent anyway, no process is started.
    if [ -n "${TELEMETRY_TOOL-}" ] && [ -t 0 ] && [ -t 2 ] && _telemetry_asks; then
        command telemetry prompt --quiet --tool="$TELEMETRY_TOOL" || :
    fi
    _telemetry_leave "$_telemetry_status"
}

# posh: under set -u, "$@" of no arguments is an error.
telemetry_track() { _telemetry_record "$?" track ${1+"$@"}; }
telemetry_count() { _telemetry_record "$?" count ${1+"$@"}; }
telemetry_gauge() { _telemetry_record "$?" gauge ${1+"$@"}; }
telemetry_observe() { _telemetry_record "$?" observe ${1+"$@"}; }

# _telemetry_record STATUS COMMAND [ARGUMENT]...
_telemetry_record() {
    _telemetry_status=$1
    _telemetry_kind=$2
    shift 2
    if _telemetry_asks "${_telemetry_kind#track}"; then
        _telemetry_call "$_telemetry_kind" ${TELEMETRY_TOOL:+--tool="$TELEMETRY_TOOL"} ${1+"$@"}
    fi
    _telemetry_leave "$_telemetry_status"
}

telemetry_command_begin() {
    _telemetry_status=$?
    # What has no name is not recorded, and the next end is its own.
    if _telemetry_asks; then
        _telemetry_line=${1-}
        _telemetry_clock
        _telemetry_begun="$_telemetry_now ${_telemetry_line%%"$_telemetry_newline"*}$_telemetry_newline$_telemetry_begun"
    fi
    _telemetry_leave "$_telemetry_status"
}

telemetry_command_end() {
    _telemetry_status=$?
    if [ -n "$_telemetry_begun" ] && [ $# -gt 0 ]; then
        _telemetry_reduce "$1"
        shift
        _telemetry_clock
        _telemetry_last=${_telemetry_begun%%"$_telemetry_newline"*}
        _telemetry_begun=${_telemetry_begun#*"$_telemetry_newline"}
        [ -z "${_telemetry_last#* }" ] ||
            _telemetry_call command ${TELEMETRY_TOOL:+--tool="$TELEMETRY_TOOL"} "${_telemetry_last#* }" \
                --duration-ms "$((_telemetry_now - ${_telemetry_last%% *}))" --exit-code "$_telemetry_code" ${1+"$@"}
    fi
    _telemetry_leave "$_telemetry_status"
}

telemetry_script() {
    _telemetry_script_status=$?
    TELEMETRY_TOOL=${1-}
    telemetry_command_begin "${2:-run}"
    # shellcheck disable=SC2119 # all of them
    telemetry_trap
    _telemetry_leave "$_telemetry_script_status"
}

telemetry_run() {
    [ $# -gt 0 ] || return 0
    # Without a tool the helper would run nothing, for want of knowing whose command it is.
    if [ -z "${TELEMETRY_TOOL-}" ] || ! _telemetry_asks || ! _telemetry_is_here; then
        "$@"
        return
    fi
    if _telemetry_is_program "$1"; then
        command telemetry command --quiet --tool="$TELEMETRY_TOOL" -- "$@"
        return
    fi
    _telemetry_run_here "$@"
}

# PATH may have changed, or the helper be gone, since this file was read. What the script runs is run.
_telemetry_is_here() { command -v telemetry >/dev/null 2>&1; }

# The helper can run programs only; functions and builtins exist in this shell alone.
_telemetry_is_program() {
    case $1 in */*) return 0 ;; esac
    _telemetry_kind=$(command -v "$1" 2>/dev/null) || _telemetry_kind=
    case $_telemetry_kind in /*) return 0 ;; esac
    return 1
}

telemetry_time() {
    [ $# -gt 1 ] || return 0
    if [ -z "${TELEMETRY_TOOL-}" ] || ! _telemetry_asks metrics || ! _telemetry_is_here; then
        shift
        "$@"
        return
    fi
    if _telemetry_is_program "$2"; then
        _telemetry_line=$1
        shift
        command telemetry time --quiet --tool="$TELEMETRY_TOOL" "$_telemetry_line" -- "$@"
        return
    fi
    _telemetry_time_here "$@"
}

# A function's positional parameters are its own: what is timed may time something itself.
_telemetry_time_here() {
    _telemetry_clock
    set -- "$_telemetry_now" "$@"
    _telemetry_behind_two "$@"
    set -- "$?" "$1" "$2"
    _telemetry_clock
    _telemetry_now=$((_telemetry_now - $2))
    # Three digits behind the point.
    _telemetry_rest=$((_telemetry_now % 1000 + 1000))
    _telemetry_call observe --tool="$TELEMETRY_TOOL" "$3" "$((_telemetry_now / 1000)).${_telemetry_rest#1}"
    return "$1"
}

_telemetry_behind_two() {
    shift 2
    "$@"
}

telemetry_span() {
    [ $# -gt 1 ] || return 0
    if [ -z "${TELEMETRY_TOOL-}" ] || ! _telemetry_asks spans || ! _telemetry_is_here; then
        shift
        "$@"
        return
    fi
    if _telemetry_is_program "$2"; then
        _telemetry_line=$1
        shift
        if [ -n "${TRACEPARENT-}" ]; then
            # The script may have set it without handing it on.
            (
                export TRACEPARENT
                [ -z "${TRACESTATE-}" ] || export TRACESTATE
                command telemetry span --quiet --tool="$TELEMETRY_TOOL" --name "$_telemetry_line" -- "$@"
            )
            return
        fi
        command telemetry span --quiet --tool="$TELEMETRY_TOOL" --name "$_telemetry_line" -- "$@"
        return
    fi
    _telemetry_span_here "$@"
}

_telemetry_span_here() {
    telemetry_span_begin "${1:-$2}"
    shift
    "$@"
    set -- "$?"
    telemetry_span_end "$1"
    return "$1"
}

telemetry_span_begin() { # NAME [OPTION]...
    _telemetry_status=$?
    if _telemetry_asks spans; then
        _telemetry_span=
        # What has no name is not begun, and the next end is its own; so with a line feed in TRACEPARENT, which could not be
        # put back.
        _telemetry_line=${1-}
        case ${TRACEPARENT-} in *"$_telemetry_newline"*) _telemetry_line= ;; esac
        if [ -n "$_telemetry_line" ]; then
            shift
            # If one of them is readonly, this fails here, and no span is begun.
            _telemetry_span=$(
                {
                    TRACEPARENT=${TRACEPARENT-} && TRACESTATE=${TRACESTATE-} && export TRACEPARENT TRACESTATE &&
                        command telemetry span begin --quiet ${TELEMETRY_TOOL:+--tool="$TELEMETRY_TOOL"} \
                            --name "$_telemetry_line" ${1+"$@"}
                } 2>/dev/null
            ) || _telemetry_span=
        fi
        _telemetry_push
    fi
    _telemetry_leave "$_telemetry_status"
}

# While telemetry is off, the helper gives back what it was given.
_telemetry_push() {
    case $_telemetry_span in
        '' | "${TRACEPARENT-}" | *[!0123456789abcdef-]*) _telemetry_span=- ;;
    esac
    if [ "$_telemetry_span" = - ]; then
        _telemetry_spans="- -$_telemetry_newline$_telemetry_newline$_telemetry_spans"
        return 0
    fi
    _telemetry_leave_state
    _telemetry_spans="$_telemetry_state$_telemetry_newline$_telemetry_spans"
    _telemetry_spans="$_telemetry_span ${TRACEPARENT:--}$_telemetry_newline$_telemetry_spans"
    export TRACEPARENT="$_telemetry_span"
}

# TRACESTATE belongs to one trace: it is not handed on with another (docs/tracing.md). What has a line feed is no such list
# anyway, and nobody takes it.
_telemetry_leave_state() {
    _telemetry_state=
    _telemetry_rest=${_telemetry_span#???}
    case ${TRACEPARENT-} in *"-${_telemetry_rest%%-*}-"*) return 0 ;; esac
    case ${TRACESTATE-} in '' | *"$_telemetry_newline"*) return 0 ;; esac
    _telemetry_state="=$TRACESTATE"
    unset TRACESTATE
}

# Takes the span begun last, which is known, from the list.
_telemetry_pop() {
    _telemetry_spans=${_telemetry_spans#*"$_telemetry_newline"}
    _telemetry_state=${_telemetry_spans%%"$_telemetry_newline"*}
    _telemetry_spans=${_telemetry_spans#*"$_telemetry_newline"}
    [ "$_telemetry_span" != - ] || return 0
    case ${_telemetry_last#* } in
        -) unset TRACEPARENT ;;
        *) export TRACEPARENT="${_telemetry_last#* }" ;;
    esac
    [ -z "$_telemetry_state" ] || export TRACESTATE="${_telemetry_state#?}"
}

# The span begun last; fails if there is none.
_telemetry_top() {
    [ -n "$_telemetry_spans" ] || return 1
    _telemetry_last=${_telemetry_spans%%"$_telemetry_newline"*}
    _telemetry_span=${_telemetry_last%% *}
}

telemetry_span_event() { # NAME [OPTION]...
    _telemetry_status=$?
    if [ -n "${1-}" ] && _telemetry_top && [ "$_telemetry_span" != - ]; then
        _telemetry_line=$1
        shift
        _telemetry_call span event ${TELEMETRY_TOOL:+--tool="$TELEMETRY_TOOL"} "$_telemetry_span" --name "$_telemetry_line" \
            ${1+"$@"}
    fi
    _telemetry_leave "$_telemetry_status"
}

telemetry_span_end() { # [CODE [OPTION]...]
    _telemetry_status=$?
    if _telemetry_top; then
        _telemetry_pop
        _telemetry_code=
        if [ $# -gt 0 ]; then
            _telemetry_reduce "$1"
            shift
        fi
        if [ "$_telemetry_span" != - ]; then
            case $_telemetry_code in
                '') ;;
                *[!0123456789]* | ??????*) set -- --status error ${1+"$@"} ;;
                *) set -- --exit-code "$_telemetry_code" ${1+"$@"} ;;
            esac
            _telemetry_call span end ${TELEMETRY_TOOL:+--tool="$TELEMETRY_TOOL"} "$_telemetry_span" ${1+"$@"}
        fi
    fi
    _telemetry_leave "$_telemetry_status"
}

# Not tested by `if`, which would take `set -e` from a function: a failure that ends the script is recorded by
# telemetry_trap, or not at all.
_telemetry_run_here() {
    telemetry_command_begin "$1"
    "$@"
    set -- "$?"
    telemetry_command_end "$1"
    return "$1"
}

# shellcheck disable=SC2120 # by scripts they are
telemetry_trap() {
    _telemetry_status=$?
    # A shell at a terminal survives signals that would end a script.
    case $- in
        *i*) ;;
        *) if _telemetry_asks && _telemetry_look; then _telemetry_trap_all ${1+"$@"}; fi ;;
    esac
    _telemetry_leave "$_telemetry_status"
}

_telemetry_trap_all() {
    [ $# -gt 0 ] || set -- EXIT HUP INT TERM
    for _telemetry_condition in "$@"; do
        case $_telemetry_condition in
            EXIT) _telemetry_trap_exit ;;
            HUP) _telemetry_trap_signal HUP 1 ;;
            INT) _telemetry_trap_signal INT 2 ;;
            TERM) _telemetry_trap_signal TERM 15 ;;
        esac
    done
}

# zsh: a trap on EXIT is that of the shell, as everywhere else, not of this function. One that the script had set hides
# from the list in a function, and is back when the function ends.
_telemetry_trap_exit() {
    if [ -n "${ZSH_VERSION-}" ]; then setopt localoptions posixtraps; fi
    _telemetry_is_free EXIT || return 0
    trap '_telemetry_at_exit' EXIT
    [ -z "${KSH_VERSION-}" ] || _telemetry_trap_deaths
}

# Of the ksh family, a shell with a trap on EXIT exits with a number where a signal would end it; but not from a trap on that
# signal. In mksh it is these three, in ksh93 any.
_telemetry_trap_deaths() {
    _telemetry_trap_signal HUP 1
    _telemetry_trap_signal INT 2
    _telemetry_trap_signal TERM 15
    _telemetry_is_ksh93 || return 0
    _telemetry_trap_signal QUIT 3
    _telemetry_trap_signal USR1 10
    _telemetry_trap_signal USR2 12
    _telemetry_trap_signal PIPE 13
    _telemetry_trap_signal ALRM 14
}

_telemetry_trap_signal() { # SIGNAL NUMBER
    # shellcheck disable=SC2064 # as they are now
    if _telemetry_is_free "$1"; then trap "_telemetry_at_signal $1 $2" "$1"; fi
}

_telemetry_at_exit() {
    _telemetry_exit=$?
    _telemetry_end_all "$_telemetry_exit"
    # ksh93 dies of the signal that its last command has died of, unless there is a trap.
    if [ "$_telemetry_exit" -gt 256 ] && [ "$_telemetry_exit" -lt 288 ] && _telemetry_is_ksh93; then
        trap - EXIT
        kill "-$((_telemetry_exit - 256))" "$_telemetry_pid"
    fi
    _telemetry_leave "$_telemetry_exit"
}

# The signal does then what it would have done. mksh and ksh93 would run our trap on EXIT and exit with a number.
_telemetry_at_signal() { # SIGNAL NUMBER
    trap - "$1"
    _telemetry_end_all "$((128 + $2))"
    if _telemetry_look && _telemetry_is_free EXIT; then trap - EXIT; fi
    kill -s "$1" "$_telemetry_pid"
}

_telemetry_end_all() { # CODE
    while [ -n "$_telemetry_spans" ]; do telemetry_span_end "$1" || :; done
    while [ -n "$_telemetry_begun" ]; do telemetry_command_end "$1" || :; done
}

# The code that a parent sees, of one byte: `exit 300` is 44, and a command that SIGTERM has killed is 143, which ksh93 calls
# 271 and yash 399. What is no code is for the helper to refuse.
_telemetry_reduce() { # CODE
    _telemetry_code=$1
    case $1 in '' | *[!0123456789]* | ??????*) return 0 ;; esac
    [ "$1" -gt 255 ] || return 0
    _telemetry_code=$(($1 & 255))
    if [ "$1" -gt 256 ] && [ "$1" -lt 288 ] && _telemetry_is_ksh93; then _telemetry_code=$(($1 - 128)); fi
}

_telemetry_is_ksh93() {
    case ${KSH_VERSION-} in
        *' 93'*) ;;
        *) return 1 ;;
    esac
}

# Who we are ($$ is another in a subshell), and which traps are set. `$(trap)` shows those of a subshell in some
# shells; so what `trap` prints here goes through the file or pipe of a here-document, which never is of any length.
# Fails where that cannot be found out.
_telemetry_look() {
    _telemetry_traps=$_telemetry_newline
    {
        IFS=' ' read -r _telemetry_pid _telemetry_line </proc/self/stat || return 1
        { trap; } >|/proc/self/fd/0 || return 1
        while IFS= read -r _telemetry_line; do
            case $_telemetry_line in
                # Ours; in bash a subshell lists those of its parent.
                "trap -- _telemetry_at_"* | "trap -- '_telemetry_at_"*) ;;
                *) _telemetry_traps="$_telemetry_traps$_telemetry_line$_telemetry_newline" ;;
            esac
        done
    } 2>/dev/null <<END

END
    [ -z "${ZSH_VERSION-}" ] || _telemetry_look_ignored
}

# The other shells let nobody trap a signal that was ignored when they started.
_telemetry_look_ignored() {
    while read -r _telemetry_line _telemetry_mask; do
        [ "$_telemetry_line" != SigIgn: ] || break
    done </proc/self/status
    _telemetry_mask=$((0x${_telemetry_mask#????????????}))
    for _telemetry_line in 1.HUP 2.INT 16384.TERM; do
        [ "$((_telemetry_mask & ${_telemetry_line%.*}))" -eq 0 ] ||
            _telemetry_traps="$_telemetry_traps ${_telemetry_line#*.}$_telemetry_newline"
    done
}

# Lines end in the condition; zsh shows a function TRAPINT as it was defined.
_telemetry_is_free() { # CONDITION
    case $_telemetry_traps in
        *" $1$_telemetry_newline"* | *" SIG$1$_telemetry_newline"* | *"TRAP$1 ()"*) return 1 ;;
    esac
}

# Whether there is anyone to ask: the helper is there, and no variable refuses whatever else says yes (docs/consent.md).
# Everything beyond that is for the helper to judge. With an argument: metrics or spans, of which DO_NOT_TRACK and
# TELEMETRY_ENABLED say nothing where the user's own receivers get them.
_telemetry_asks() { # [KIND]
    [ -n "$_telemetry_helper" ] || return 1
    case ${DO_NOT_TRACK-} in
        '' | 0 | [Ff][Aa][Ll][Ss][Ee] | [Nn][Oo] | [Oo][Ff][Ff]) ;;
        *) [ -n "${1-}" ] && _telemetry_keeps_own || return 1 ;;
    esac
    case ${TELEMETRY_ENABLED-1} in
        1 | [Tt][Rr][Uu][Ee] | [Yy][Ee][Ss] | [Oo][Nn]) ;;
        *) [ -n "${1-}" ] && _telemetry_keeps_own || return 1 ;;
    esac
    [ "${TELEMETRY_TOOL-}" = "$_telemetry_variable_tool" ] || _telemetry_name_variable
    [ -n "$_telemetry_variable" ] || return 0
    eval "_telemetry_word=\${$_telemetry_variable-}"
    while :; do
        case $_telemetry_word in
            ' '* | "$_telemetry_tab"*) _telemetry_word=${_telemetry_word#?} ;;
            *' ' | *"$_telemetry_tab") _telemetry_word=${_telemetry_word%?} ;;
            *) break ;;
        esac
    done
    case $_telemetry_word in
        '' | 0 | [Ff][Aa][Ll][Ss][Ee] | [Nn][Oo] | [Oo][Ff][Ff]) ;;
        *) return 1 ;;
    esac
}

# Whether somebody may have asked for metrics or spans at a receiver of the user's own (docs/own.md).
_telemetry_keeps_own() {
    [ -n "${OTEL_METRICS_EXPORTER-}${OTEL_EXPORTER_OTLP_ENDPOINT-}${OTEL_EXPORTER_OTLP_METRICS_ENDPOINT-}" ] ||
        [ -n "${OTEL_TRACES_EXPORTER-}${OTEL_EXPORTER_OTLP_TRACES_ENDPOINT-}" ] ||
        [ -e "${XDG_CONFIG_HOME:-${HOME-}/.config}/telemetry/own.yaml" ] || [ -e /etc/telemetry/own.yaml ]
}

# my-tool has MY_TOOL_NO_TELEMETRY; a name that begins with a digit makes no variable of a shell.
_telemetry_name_variable() {
    _telemetry_variable=
    _telemetry_variable_tool=${TELEMETRY_TOOL-}
    _telemetry_rest=$_telemetry_variable_tool
    case $_telemetry_rest in '' | [0123456789]*) return 0 ;; esac
    while [ -n "$_telemetry_rest" ]; do
        _telemetry_letter=${_telemetry_rest%"${_telemetry_rest#?}"}
        _telemetry_rest=${_telemetry_rest#?}
        case $_telemetry_letter in
            [abcdefghijklmnopqrstuvwxyz])
                _telemetry_letter=${_telemetry_capitals#*"$_telemetry_letter"}
                _telemetry_letter=${_telemetry_letter%"${_telemetry_letter#?}"}
                ;;
            [ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789]) ;;
            *) _telemetry_letter=_ ;;
        esac
        _telemetry_variable=$_telemetry_variable$_telemetry_letter
    done
    _telemetry_variable=${_telemetry_variable}_NO_TELEMETRY
}
_telemetry_capitals=aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvVwWxXyYzZ

_telemetry_call() { command telemetry "$@" >/dev/null 2>&1 || :; }

_telemetry_leave() {
    case $- in *e*) return 0 ;; esac
    return "$1"
}

# Milliseconds since the machine started, to 10 ms, without starting a process; else to the second.
_telemetry_clock() {
    if { IFS=' ' read -r _telemetry_now _telemetry_idle </proc/uptime; } 2>/dev/null; then
        # The 1 keeps a leading 0 from making the fraction octal.
        _telemetry_now=$((${_telemetry_now%.*} * 1000 + (1${_telemetry_now#*.} - 100) * 10))
    else
        _telemetry_now=$(($(date +%s) * 1000))
    fi
}
