"""H4, H6, H8: every query returns data from a real Prometheus that scraped real programs."""
import math
import subprocess
import time
import urllib.request

import scene
from suite import check, check_equal, test

INTERVAL, RANGE = "10s", "30s"
# The queries of the two dashboards that Flipt's project published (flipt-io/grafana-dashboards, 2023), with their variables.
PUBLISHED = [
    'rate(flipt_evaluations_requests_total{flag="$flag_key", namespace="$namespace"}[$__rate_interval])',
    'rate(flipt_evaluations_results_total{flag="$flag_key", namespace="$namespace"}[$__rate_interval])',
    'rate(flipt_evaluations_latency_milliseconds_bucket{flag="$flag_key", namespace="$namespace"}[$__rate_interval])',
    "sum by(grpc_method)(rate(grpc_server_handled_total[$__rate_interval]))",
    'sum(rate(grpc_server_handling_seconds_bucket{grpc_method="$grpc_method"}[$__rate_interval])) by (le)',
    "max(db_sql_connection_open)",
    "max(db_sql_connection_max_open)",
    "db_sql_connection_wait_total",
    'sum(rate(db_sql_latency_milliseconds_bucket{method="$sql_method"}[$__rate_interval])) by (le)',
]
# Table A1 of Flipt v1: what its /metrics has beside Go's own series.
SERIES = """flipt_server_errors_total flipt_evaluations_requests_total flipt_evaluations_errors_total flipt_evaluations_results_total
flipt_evaluations_latency_milliseconds_bucket flipt_evaluations_latency_milliseconds_sum flipt_evaluations_latency_milliseconds_count
flipt_cache_hit_total flipt_cache_miss_total flipt_cache_error_total flipt_git_sync_latency_seconds_bucket flipt_git_sync_flags_total
flipt_git_sync_errors_total flipt_git_sync_last_time grpc_server_started_total grpc_server_handled_total grpc_server_msg_received_total
grpc_server_msg_sent_total grpc_server_handling_seconds_bucket db_sql_latency_milliseconds_bucket db_sql_connection_max_open
db_sql_connection_open db_sql_connection_wait_total db_sql_connection_wait_duration_milliseconds_total
db_sql_connection_closed_max_idle_total db_sql_connection_closed_max_idle_time_total db_sql_connection_closed_max_lifetime_total
process_cpu_seconds_total process_open_fds process_max_fds process_virtual_memory_bytes process_resident_memory_bytes
process_start_time_seconds process_threads""".split()

_running = []


def stage():
    """All tests look at one scene: it takes time until there is something to see."""
    if not _running:
        _running.append(scene.Scene())
        wait("the first scrapes", _running[0].is_ready)
    return _running[0]


def end():
    while _running:
        _running.pop().__exit__()


def wait(what, is_so):
    """For a machine that is busy: as long as it takes, up to three minutes."""
    deadline = time.monotonic() + 180
    while not is_so():
        check(time.monotonic() < deadline, f"{what}: not within three minutes")
        time.sleep(0.5)


def has_data(seen, expression):
    """A number for at least one series."""
    if seen.problem:
        raise seen.problem
    result = seen.ask("query", query=expression)["result"]
    return any(math.isfinite(float(each["value"][1])) for each in result)


def check_all(seen, expressions):
    """{what: expression}. All of them have data at last."""
    missing = dict(expressions)

    def is_complete():
        for what in [what for what, expression in missing.items() if has_data(seen, expression)]:
            del missing[what]
        return not missing

    try:
        wait("data", is_complete)
    except AssertionError:
        raise AssertionError("no data: " + "; ".join(f"{what}: {missing[what]}" for what in list(missing)[:5])) from None


@test("queries/flipt-series", "H4")
def flipt_series(_):
    """The example has all of Flipt's series, with Flipt's labels, and promtool finds nothing but Flipt's own names."""
    seen = stage()
    check_all(seen, {name: f'{name}{{job="flipt"}}' for name in SERIES})
    wanted = {"flipt_evaluations_results_total": "flag match namespace reason segment type value", "flipt_cache_hit_total": "cache type",
              "grpc_server_handled_total": "grpc_code grpc_method grpc_service grpc_type", "db_sql_latency_milliseconds_count": "driver method status"}
    for name, labels in wanted.items():
        found = {label for each in seen.ask("series", **{"match[]": name}) for label in each}
        check_equal({"__name__", "job", "instance", *labels.split()}, found, name)
    text = urllib.request.urlopen(f"http://127.0.0.1:{seen.servers[0]}/metrics", timeout=30).read().decode()
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True)
    # OpenTelemetry's names have milliseconds.
    found = [line for line in (done.stdout + done.stderr).splitlines() if line and "use base unit" not in line]
    check_equal([], found, "promtool")


@test("queries/published", "H4")
def published(_):
    """The queries of Flipt's published dashboards return data."""
    seen = stage()
    values = {"$flag_key": "dark-mode", "$namespace": "default", "$grpc_method": "Boolean", "$sql_method": "sql.conn.query", "$__rate_interval": INTERVAL}
    expressions = {}
    for text in PUBLISHED:
        expression = text
        for name, value in values.items():
            expression = expression.replace(name, value)
        expressions[text] = expression
    check_all(seen, expressions)


def check_dashboard(name):
    seen, dashboard = stage(), scene.Dashboard(name)
    everything = dashboard.everything(seen)
    expressions = {}
    for panel, target in dashboard.queries():
        expressions[f"{panel['title']} {target['refId']}"] = dashboard.substituted(target["expr"], everything, INTERVAL, RANGE)
    check_all(seen, expressions)
    choices = {each: dashboard.values(seen, each, everything) for each in dashboard.variables}
    check(all(choices.values()), f"variables without values: {choices}")
    check("()" not in everything.values(), f"a list without values: {everything}")
    # A value that a user chooses: of each variable, the first one.
    for variable, values in choices.items():
        chosen = {**everything, variable: values[0]}
        for panel, target in dashboard.queries():
            if f'"${variable}"' in target["expr"]:
                seen.ask("query", query=dashboard.substituted(target["expr"], chosen, INTERVAL, RANGE))
    # As a panel asks.
    now = time.time()
    for panel, target in dashboard.queries():
        if target["range"]:
            expression = dashboard.substituted(target["expr"], everything, INTERVAL, RANGE)
            result = seen.ask("query_range", query=expression, start=now - 20, end=now, step=2)["result"]
            check(result, f"{panel['title']}: nothing over a range: {expression}")


for _name in scene.Dashboard.names():
    def _body(_, name=_name):
        check_dashboard(name)

    _body.__doc__ = f"Every query of {_name}.json returns data, and every variable has values."
    test(f"queries/{_name}", "H8")(_body)


@test("queries/no-complaints", "H3")
def no_complaints(_):
    """Neither Prometheus nor node_exporter warns of anything that was scraped."""
    seen = stage()
    check_equal([], seen.warnings()[:5], "warnings")
    check_equal([], seen.ask("query", query="count_over_time(node_textfile_scrape_error[10m]) * (max_over_time(node_textfile_scrape_error[10m]) > 0)")["result"], "files that node_exporter could not read")


@test("queries/counts", "H8")
def counts(_):
    """What the dashboards add up is what the machines did: recorded = delivered + pending + dropped, by tool."""
    seen = stage()
    total = ("telemetry_events_recorded_total - ignoring (reason) telemetry_events_delivered_total - telemetry_events_pending"
             " - on (job, instance, tool) sum by (job, instance, tool) (telemetry_events_dropped_total)")
    result = seen.ask("query", query=total)["result"]
    check_equal(3 * len(seen.machines), len(result), "machines and tools")
    check_equal({"0"}, {each["value"][1] for each in result}, "not accounted for")
    reasons = {each["metric"]["reason"]: float(each["value"][1]) for each in seen.ask("query", query="sum by (reason) (telemetry_events_dropped_total)")["result"]}
    check_equal({"spool_full", "no_space", "expired", "corrupt", "rejected", "withdrawn", "unconfirmed"}, set(reasons), "reasons")
    wait("a receiver that refuses", lambda: has_data(seen, 'sum(telemetry_events_dropped_total{tool="newtool", reason="rejected"}) > 0'))
    wait("a receiver that fails", lambda: has_data(seen, 'max_over_time(telemetry_delivery_consecutive_failures{tool="oldtool"}[1m]) > 0'))
