-- Views of docs/clickhouse.md. What counts distinct identifiers needs no folding of duplicates.

-- Every event once, with the number of events that it represents.
CREATE VIEW IF NOT EXISTS telemetry.unique_events AS
SELECT *, if(JSONHas(metadata, 'sample_rate'), 1 / JSONExtractFloat(metadata, 'sample_rate'), 1) AS weight
FROM telemetry.events FINAL;

CREATE VIEW IF NOT EXISTS telemetry.active_installations AS
SELECT tool_name, toDate(timestamp) AS day, uniqExact(machine_id) AS installations
FROM telemetry.events
WHERE machine_id != '' AND type != 'data.deletion_request'
GROUP BY tool_name, day;

CREATE VIEW IF NOT EXISTS telemetry.active_installations_by_month AS
SELECT tool_name, toStartOfMonth(timestamp) AS month, uniqExact(machine_id) AS installations
FROM telemetry.events
WHERE machine_id != '' AND type != 'data.deletion_request'
GROUP BY tool_name, month;

-- What each installation of the last 30 days used last.
CREATE VIEW IF NOT EXISTS telemetry.versions AS
SELECT tool_name, last_version AS version, count() AS installations
FROM
(
    SELECT tool_name, machine_id, argMax(version, timestamp) AS last_version
    FROM telemetry.events
    WHERE machine_id != '' AND type != 'data.deletion_request' AND timestamp > now() - INTERVAL 30 DAY
    GROUP BY tool_name, machine_id
)
GROUP BY tool_name, version;

CREATE VIEW IF NOT EXISTS telemetry.error_categories AS
SELECT
    tool_name,
    version,
    error_category,
    uniqExact(event_id) AS events,
    uniqExact(machine_id) AS installations,
    min(timestamp) AS first_seen,
    max(timestamp) AS last_seen
FROM telemetry.events
WHERE error_category != ''
GROUP BY tool_name, version, error_category;

-- The requests for erasure. erase.sql acts on them.
CREATE VIEW IF NOT EXISTS telemetry.deletion_requests AS
SELECT tool_name, machine_id, min(timestamp) AS requested_at
FROM telemetry.events
WHERE type = 'data.deletion_request' AND machine_id != ''
GROUP BY tool_name, machine_id;
