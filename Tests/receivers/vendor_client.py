#!/usr/bin/env python3
"""One event through a vendor's own client: vendor_client.py datadog|posthog|segment URL KEY

Told what libtelemetry tells: type, machine id, event id, time and properties. Runs under the interpreter
of build/venv, which has the clients.
"""
import datetime
import sys

ID = "0190a6e2-7c1b-7a4e-8c3d-1f2e3d4c5b6a"
TIME = datetime.datetime(2026, 5, 12, 14, 30, 45, 123456, tzinfo=datetime.timezone.utc)
PROPERTIES = {"name": "search", "duration_ms": 5, "metadata": {"sequence": 1}}


def posthog(url, key):
    from posthog import Posthog
    client = Posthog(key, host=url, disable_geoip=True, max_retries=0, sync_mode=True)
    client.capture("feature.used", distinct_id="00ff", uuid=ID, timestamp=TIME,
                   properties={**PROPERTIES, "$process_person_profile": False})
    client.shutdown()


def segment(url, key):
    from segment.analytics.client import Client
    client = Client(key, host=url, sync_mode=True, max_retries=0)
    client.track(anonymous_id="00ff", event="feature.used", message_id=ID, timestamp=TIME, properties=PROPERTIES)


def datadog(url, key):
    from datadog_api_client import ApiClient, Configuration
    from datadog_api_client.v2.api.logs_api import LogsApi
    from datadog_api_client.v2.model.http_log import HTTPLog
    from datadog_api_client.v2.model.http_log_item import HTTPLogItem
    configuration = Configuration(api_key={"apiKeyAuth": key})
    # The client knows Datadog's sites alone: where this operation goes is said to it.
    api = LogsApi(ApiClient(configuration))
    api._submit_log_endpoint.settings["servers"] = [{"url": url, "description": "local", "variables": {}}]
    api.submit_log(HTTPLog([HTTPLogItem(message="feature.used: search", ddsource="libtelemetry", ddtags="event_type:feature.used,os:linux",
                                        service="mytool", name="search", duration_ms="5")]))


if __name__ == "__main__":
    {"posthog": posthog, "segment": segment, "datadog": datadog}[sys.argv[1]](*sys.argv[2:])
