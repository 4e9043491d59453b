-- The table of docs/clickhouse.md: one row an event, one insert a batch.

CREATE DATABASE IF NOT EXISTS telemetry;

CREATE TABLE IF NOT EXISTS telemetry.events
(
    event_id UUID,
    -- The text that is inserted has no zone: without 'UTC' it would be taken for the server's own time.
    timestamp DateTime64(9, 'UTC') CODEC(Delta, ZSTD),
    received_at DateTime('UTC') DEFAULT now(),
    schema_version UInt16,
    type LowCardinality(String),
    name LowCardinality(String),
    machine_id String,
    tool_name LowCardinality(String),
    version LowCardinality(String),
    os LowCardinality(String),
    arch LowCardinality(String),
    os_version LowCardinality(String),
    runtime LowCardinality(String),
    duration_ms Nullable(Int64),
    exit_code Nullable(Int32),
    error_category LowCardinality(String),
    args Array(String),
    error String,
    -- A text of JSON, to be read by JSONExtract…(). A JSON column would rewrite texts that look like dates.
    metadata String CODEC(ZSTD)
)
-- Folds rows of one event when parts are merged, whenever the second came.
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (tool_name, type, timestamp, event_id)
TTL toDateTime(timestamp) + INTERVAL 13 MONTH
SETTINGS
    -- Without a window the token of an insert does nothing: 0 is the default of a table that is not replicated.
    non_replicated_deduplication_window = 1000,
    -- A month is dropped as a whole, and nothing is rewritten for it.
    ttl_only_drop_parts = 1;
