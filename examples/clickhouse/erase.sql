-- Erases what was asked for, from the disk too; to be run every day. The requests stay, so that events that arrive later
-- are erased by the next run, and go with their month.
ALTER TABLE telemetry.events
DELETE WHERE type != 'data.deletion_request'
    AND (tool_name, machine_id) IN (SELECT tool_name, machine_id FROM telemetry.deletion_requests)
SETTINGS mutations_sync = 2;
