# shellcheck shell=bash
# H10, H13: what `span begin` prints, where a shell, a CI system or curl reads it. TRACESTATE and BAGGAGE come from outside.

# Texts of a tracestate that a shell would obey if they were not data, a line each. All of them are valid members.
hostile_states() {
    cat <<'END'
ot=th:8;rv:12
x=$(echo>hacked)
x=`echo>hacked`
x=a;echo>hacked
x=a&echo>hacked
x=a|echo>hacked
x=a>hacked
x=a'b
x=a';echo>hacked;'b
x=a"b
x=a\
x=a $HOME #b
x=~
x=a:~
x=*
x={a},y={b}
x=!!
x=(a)
x=<(echo>hacked)
x=a	b
END
}

# Data alone, as it came or not at all.
# read_by SHELL FORM STATE
read_by() {
    TRACESTATE=$3 telemetry span begin --tool t --name s --print "$2" >context
    cat >reader <<'END'
set -eu
. ./context
printf '%s\n' "$TRACEPARENT" "${TRACESTATE-none}"
END
    # shellcheck disable=SC2086
    $1 reader >out 2>err </dev/null || fail "$1, $2, $3: $(cat err context)"
    expect_silent err
    [ ! -e hacked ] || fail "$1, $2 obeys $3: $(cat context)"
    grep -qE '^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-0[01]$' out || fail "$1, $2, $3: $(cat out)"
    expect_equal "$(wc -l <out)" 2
}

# Those that a shell would take as they are, and what is not a list at all.
plain_states() { printf '%s\n' 'a=b' 'vendor@sys=00f067aa0ba902b7-01,b=c/d:e+f.g_h%20' 'es=s:1.0'; }

hostile_state() {
    local state
    export TRACEPARENT=$a_parent BAGGAGE='k=$(echo>hacked);p=`echo>hacked`,q=a;echo>hacked'
    [ "$2" = off ] || enable t
    while IFS= read -r state; do
        read_by "$1" export "$state"
        # A tab is not a character of a tracestate: the whole list is discarded.
        case $state in *"	"*) expect_line out none ;; *) expect_line out "$state" ;; esac
        read_by "$1" dotenv "$state"
        expect_equal "$(sed -n 2p out)" ""
        expect_equal "$(wc -l <context)" 2
    done < <(hostile_states)
    while IFS= read -r state; do
        for form in export dotenv; do
            read_by "$1" $form "$state"
            expect_line out "$state"
        done
    done < <(plain_states)
    # Never words of another language, whatever is in the variable.
    read_by "$1" dotenv $'a=b\necho>hacked'
    read_by "$1" export $'a=b\necho>hacked'
}
for shell in "${shells[@]}"; do
    for consent in on off; do
        test_case "C2 H13 $shell, $consent: a hostile tracestate is data, or left out" hostile_state "$shell" $consent
    done
done

# One line for one field, and no shell between.
hostile_fields() {
    local state
    [ "$1" = off ] || enable t
    export TRACEPARENT=$a_parent BAGGAGE=$'a=b\r\nx-evil: 1,c=$(d)\n,e=f'
    while IFS= read -r state; do
        TRACESTATE=$state telemetry span begin --tool t --name s --print headers >fields
        expect_equal "$(grep -vE '^(traceparent|tracestate|baggage): [ -~]+$' fields)" ""
        TRACESTATE=$state telemetry span begin --tool t --name s >out
        TRACESTATE=$state telemetry span begin --tool t --name s --print header >>out
        grep -vE '^(traceparent: )?00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$' out && fail "$(cat out)"
        [ ! -e hacked ]
    done < <(hostile_states; printf 'a=b\rx-evil: 1\n')
}
test_case "C2 H13 on: no field brings another one" hostile_fields on
test_case "C2 H13 off: no field brings another one" hostile_fields off

# The list of one trace does not go on with another; the baggage does.
new_trace() {
    enable t
    export TRACEPARENT=$a_parent TRACESTATE=a=b BAGGAGE=k=v TELEMETRY_TOOL=t
    in_shell "$1" 'eval "$(telemetry span begin --name s --parent none --print export)"
echo "${TRACESTATE-none} ${BAGGAGE-none}"; sh -c "echo \${TRACESTATE-none} \$BAGGAGE"'
    expect_text out "none k=v
none k=v"
    telemetry span begin --name s --parent none --print dotenv >out
    expect_line out TRACESTATE=
    telemetry span begin --name s --parent none --print headers >out
    expect_no_part out tracestate
    expect_line out "baggage: k=v"
    telemetry span --name s --parent none -- sh -c 'echo "${TRACESTATE-none} $BAGGAGE"' >out
    expect_text out "none k=v"
    TRACESTATE='' telemetry span begin --name s --print export >out
    expect_line out "unset TRACESTATE"
    (
        unset TRACESTATE
        telemetry span begin --name s --parent none --print dotenv >out
        expect_equal "$(wc -l <out)" 1
    )
    # Of the same trace it goes on, also to a span that is not the environment's.
    telemetry span begin --name s --parent "${a_parent/b7ad6b7169203331/00f067aa0ba902b7}" --print dotenv >out
    expect_line out TRACESTATE=a=b
    telemetry span begin --name s --parent "${a_parent/0af765/0af766}" --print dotenv >out
    expect_line out TRACESTATE=
}

binding_new_trace() {
    enable t
    export TRACEPARENT=$a_parent TRACESTATE="a=b c'd" BAGGAGE=k=v
    in_shell "$1" '. "$1"; TELEMETRY_TOOL=t; set -u
say() { sh -c "echo \"\${TRACESTATE-none} \$BAGGAGE\""; }
telemetry_span_begin same; say
telemetry_span_begin other --parent none; say
telemetry_span_begin below; say
telemetry_span_end; say
telemetry_span_end; say
telemetry_span_end; say
unset TRACESTATE; telemetry_span_begin other --parent none; telemetry_span_end; say'
    expect_silent err
    expect_text out "a=b c'd k=v
none k=v
none k=v
none k=v
a=b c'd k=v
a=b c'd k=v
none k=v"
}
for shell in "${shells[@]}"; do
    test_case "H10 H13 $shell: a new trace has no tracestate, and the same baggage" new_trace "$shell"
    test_case "H10 H13 $shell: a function's new trace has no tracestate, which is back after it" binding_new_trace "$shell"
done

# serve: a server on loopback that keeps the field names and values of each request in `requests`; its port is in `port`.
serve() {
    cat >server.py <<'END'
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("requests", "a") as log:
            for name, value in self.headers.items(): log.write(f"{name.lower()}: {value}\n")
            log.write("end\n")
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open("port.new", "w") as file: file.write(str(server.server_port))
import os; os.rename("port.new", "port")
server.serve_forever()
END
    python3 server.py &
    # shellcheck disable=SC2064 # as it is now
    trap "kill $! 2>/dev/null" EXIT
    wait_for port
    url=http://127.0.0.1:$(cat port)/
}

ask() { curl -sS --noproxy '*' "$@" "$url"; }

sends_fields() {
    enable t
    serve
    export TELEMETRY_TOOL=t TRACEPARENT=$a_parent TRACESTATE='a=b;c "d"' BAGGAGE='k=v;p,l=$(id)'
    telemetry span begin --name fetch --kind client --print headers >fields
    ask -H @fields
    expect_equal "$(grep -E '^(trace|baggage)' requests)" "$(cat fields)"
    expect_line requests "tracestate: $TRACESTATE"
    expect_line requests "baggage: $BAGGAGE"
    telemetry span end "$(sed -n 's/^traceparent: //p' fields)"
    expect_equal "$(open_spans t)" 0
    : >requests
    telemetry span begin --name fetch --print headers | ask -H @-
    expect_equal "$(grep -cE '^(traceparent|tracestate|baggage):' requests)" 3
    : >requests
    ask -H "$(telemetry span begin --name fetch --print header)"
    expect_equal "$(grep -cE '^(traceparent|tracestate|baggage):' requests)" 1
    # Without the helper, and while telemetry is off without a trace: the request is sent as it is.
    unset TRACEPARENT TRACESTATE BAGGAGE
    telemetry disable --quiet
    : >requests
    telemetry span begin --name fetch --print headers >fields
    ask -H @fields
    ask -H "$(telemetry span begin --name fetch --print header)"
    PATH=/usr/bin:/bin
    expect_equal "$(command -v telemetry)" ""
    (
        set -e
        telemetry span begin --name fetch --print headers >fields 2>err || :
        ask -H @fields
        ask -H "$(telemetry span begin --name fetch --print header 2>err)"
    )
    expect_equal "$(grep -c '^end' requests)" 4
    expect_equal "$(grep -E '^(traceparent|tracestate|baggage):' requests)" ""
}
test_case "H10 H13 curl sends what --print header and headers say, and the request as it is without them" sends_fields
