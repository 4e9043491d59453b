# shellcheck shell=bash
# What becomes of recorded events, as status, show, flush and deliver tell it.

status_json() { telemetry status --tool "$1" --json >status.json; }

counters() {
    enable t
    for _ in $(seq 50); do telemetry track x --tool t; done
    status_json t
    expect_json status.json '[j["events"][k] for k in ("recorded", "delivered", "pending", "dropped")]' "[50, 50, 0, 0]"
    expect_equal "$(event_count t)" 50
}
test_case "E12 counters after 50 runs" counters

counters_pending() {
    enable t
    dead_manifest t
    for _ in $(seq 50); do telemetry track x --tool t; done
    status_json t
    expect_json status.json '(lambda e: (e["recorded"], e["recorded"] == e["delivered"] + e["pending"] + e["dropped"], e["pending"]))(j["events"])' "(50, True, 50)"
    expect_json status.json 'sum(j["events"]["dropped_by_reason"].values()) == j["events"]["dropped"]' True
    telemetry show --tool t --json >out
    expect_equal "$(wc -l <out)" 50
    expect_equal "$(python3 -c 'import json, sys; print(len({json.loads(l)["event_id"] for l in open("out")}))')" 50
}
test_case "E12 counters after 50 runs whose events wait" counters_pending

parallel() {
    enable t
    for i in $(seq 50); do telemetry track x --tool t --property "i:int=$i" & done
    wait
    # A process that found the delivery lock taken leaves its event to the next.
    telemetry deliver --now --tool t
    python3 - "$(events t)" <<'P'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert sorted(e["metadata"]["i"] for e in lines) == list(range(1, 51)), len(lines)
assert len({e["event_id"] for e in lines}) == 50
P
    status_json t
    expect_json status.json '[j["events"][k] for k in ("recorded", "delivered", "pending", "dropped")]' "[50, 50, 0, 0]"
}
test_case "E4 50 helpers at once: every event delivered, none twice" parallel

show_pending() {
    enable t
    dead_manifest t
    telemetry track first --tool t --property q='say "hi"' --property u=é
    telemetry command second --tool t --duration-ms 0 --exit-code 0
    telemetry show --tool t --json >lines
    expect_equal "$(wc -l <lines)" 2
    expect_equal "$(python3 -c 'import json; print([json.loads(l)["name"] for l in open("lines")])')" "['first', 'second']"
    expect_json lines 'list(j)' "['schema_version', 'event_id', 'timestamp', 'type', 'name', 'machine_id', 'tool_name', 'os', 'arch', 'os_version', 'runtime', 'duration_ms', 'exit_code']"
    expect_json lines 'j["duration_ms"], j["exit_code"]' "(0, 0)"
    telemetry show --tool t >pretty
    expect_equal "$(python3 -c 'import json; print(json.load(open("pretty")) == [json.loads(l) for l in open("lines")])')" True
    [ "$(wc -l <pretty)" -gt 30 ]
    # Looking at it leaves everything as it was.
    telemetry show --tool t --json | cmp - lines
}
test_case "B3 show: what waits, oldest first, pretty and as JSON Lines" show_pending

show_is_what_is_sent() {
    local pid
    enable t
    python3 - <<'P' &
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        open("body", "ab").write(body + b"\n")
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
open("port.new", "w").write(str(server.server_port))
import os; os.rename("port.new", "port")
server.serve_forever()
P
    pid=$!
    # shellcheck disable=SC2064
    trap "kill $pid" EXIT
    dead_manifest t
    telemetry track a --tool t --property k=v
    telemetry track b --tool t
    telemetry show --tool t --json >shown
    wait_for port
    sed -i "s|127.0.0.1:9/|127.0.0.1:$(cat port)/|" "$HOME/.local/share/telemetry/tools/t.yaml"
    telemetry deliver --now --tool t
    expect_equal "$(python3 -c 'import json
sent = [e for line in open("body") for e in json.loads(line)]
print(sent == [json.loads(l) for l in open("shown")], len(sent))')" "True 2"
    expect_part body "$(head -n 1 shown)"
    telemetry show --tool t --json >out
    expect_silent out
    status_json t
    expect_json status.json 'j["events"]["delivered"], j["events"]["pending"], j["last_delivery"]["last_success"] is not None' "(2, 0, True)"
}
test_case "B3 show prints the bytes that HTTP then sends" show_is_what_is_sent

kept() {
    local command
    enable t
    dead_manifest t
    telemetry track x --tool t
    for command in "flush" "deliver --now" "flush --timeout-ms 200"; do
        # shellcheck disable=SC2086
        capture telemetry --tool t $command
        expect_code 4
        expect_silent out
        expect_equal "$(wc -l <err)" 1
        expect_part err "; the events are kept"
    done
    telemetry show --tool t --json >out
    expect_equal "$(wc -l <out)" 1
    status_json t
    expect_json status.json 'j["events"]["pending"], j["last_delivery"]["consecutive_failures"] > 0, bool(j["last_delivery"]["last_error"]), j["last_delivery"]["next_attempt"] is not None, j["last_delivery"]["last_success"]' "(1, True, True, True, None)"
    telemetry status --tool t >out
    expect_part out "last error:"
    expect_part out "next attempt:"
}
test_case "E6 exit code 4 when nothing takes the events, which are kept; status says why" kept

nothing_to_send() {
    enable t
    capture telemetry flush --tool t
    expect_code 0
    capture telemetry deliver --tool t
    expect_code 0
    telemetry show --tool t >out
    expect_json out 'j' '[]'
}
test_case "B nothing to deliver is no error" nothing_to_send

status_tells() {
    enable t
    telemetry --tool-version 1.2 --tool t track x
    telemetry --tool-version 1.2 --tool t status >out
    expect_line out "tool:          t 1.2"
    expect_line out "telemetry:     on"
    expect_part out "decided by:    preference file: "
    expect_line out "recorded:      1"
    expect_line out "delivered:     1"
    expect_line out "pending:       0"
    expect_line out "dropped:       0"
    expect_part out "$HOME/.local/state/telemetry/t"
    status_json t
    expect_json status.json 'sorted(j)' "['backend', 'backends', 'delivery', 'enabled', 'events', 'excluded', 'guarantee', 'heartbeat', 'last_delivery', 'local_only', 'manifest', 'metrics', 'notice', 'own', 'preference', 'program', 'reason', 'source', 'spans', 'spool', 'stored_metrics', 'tool', 'tool_version', 'waiting_for_others', 'warnings']"
    DO_NOT_TRACK=1 telemetry status --tool t >out
    expect_line out "telemetry:     off"
    expect_part out "decided by:    DO_NOT_TRACK: "
}
test_case "B1 status tells the truth" status_tells

detached() {
    local own
    enable t
    dead_manifest t
    strace -f -qq -e trace=connect,process -o trace telemetry track x --tool t
    own=$(head -n 1 trace | cut -d' ' -f1)
    ! grep -E "^$own +connect\(" trace || fail "the helper itself connected"
    grep -qE '^[0-9]+ +connect\(.*htons\(9\)' trace || fail "no one tried to deliver: $(cat trace)"
}
test_case "E delivery is detached: another process than the helper connects" detached

detached_does_not_hold_up() {
    local pid started
    enable t
    # A receiver that accepts and never answers.
    python3 -c 'import os, socket, time
s = socket.create_server(("127.0.0.1", 0)); open("port.new", "w").write(str(s.getsockname()[1]))
os.rename("port.new", "port"); time.sleep(60)' &
    pid=$!
    # shellcheck disable=SC2064
    trap "kill $pid" EXIT
    wait_for port
    dead_manifest t
    sed -i "s|127.0.0.1:9/|127.0.0.1:$(cat port)/|" "$HOME/.local/share/telemetry/tools/t.yaml"
    started=$(date +%s%N)
    # A pipe: it stays open as long as any process holds it.
    telemetry track x --tool t | cat
    [ $(($(date +%s%N) - started)) -lt 1000000000 ] || fail "held up"
    started=$(date +%s%N)
    capture telemetry flush --tool t --timeout-ms 300
    expect_code 4
    [ $(($(date +%s%N) - started)) -lt 1500000000 ] || fail "flush took too long"
}
test_case "E9 a receiver that never answers holds up neither track nor whoever reads its output" detached_does_not_hold_up

# What is said during the pause after a failure, and once telemetry is off.
pause() {
    enable t
    dead_manifest t
    telemetry track x --tool t
    capture telemetry deliver --now --tool t
    expect_code 4
    ! grep -F "a pause until" err || fail "it was tried"
    capture telemetry flush --tool t
    expect_code 4
    grep -Eq "not delivered: a pause until 2[-0-9:.TZ]+ \('telemetry deliver --now' tries at once\) after: .+; the events are kept" err || fail "$(cat err)"
    capture telemetry flush --tool t --json
    expect_code 4
    expect_json out 'j' "{'tool': 't', 'enabled': True, 'delivered': 0, 'pending': 1, 'spans': None}"
    status_json t
    expect_json status.json 'j["last_delivery"]["next_attempt"] is None' False
    telemetry disable --tool t >out
    status_json t
    expect_json status.json 'j["last_delivery"]["next_attempt"], j["last_delivery"]["last_error"] is None' "(None, False)"
    capture telemetry doctor --offline --tool t
    expect_code 0
    grep -q '^ok *delivery *telemetry is off; the last attempt failed: ' out || fail "$(cat out)"
}
test_case "E pause after a failure: flush says when it ends; no next attempt once telemetry is off" pause

elsewhere() {
    enable t
    dead_manifest t
    telemetry track x --tool t
    capture flock --close "$HOME/.local/state/telemetry/t/detached.lock" telemetry deliver --tool t --json
    expect_code 4
    expect_part err "another 'telemetry deliver' is at work; the events are kept"
    expect_json out 'j' "{'tool': 't', 'enabled': True, 'delivered': 0, 'pending': 1, 'spans': None}"
}
test_case "E another deliver is at work: said so, in JSON too" elsewhere
