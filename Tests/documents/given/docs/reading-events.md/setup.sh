# 30,000 events in two files, a third of them in the older one: copies of real ones, ten seconds apart, the last one
# of another kind.
telemetry track import --tool mytool --property rows:int=1 --property ratio:double=0.1 --property source=2026-05-12
telemetry command build --tool mytool --duration-ms 12 --exit-code 1 --property target=all
cd ~/.local/state/telemetry/mytool
python3 - <<'P'
import datetime
import json

imported, built = map(json.loads, open("events.jsonl"))
first = datetime.datetime(2026, 5, 12)
lines = []
for number in range(30000):
    event = json.loads(json.dumps(built if number == 29999 else imported))
    event["event_id"] = f"019e1980-{number:04x}-7c61-bb5e-b4424a91ca08"
    event["timestamp"] = (first + datetime.timedelta(seconds=10 * number)).isoformat() + ".123456789Z"
    event["os_version"] = "6.10"
    if number < 29999:
        event["metadata"]["rows"] = 2**53 + 1 if number == 29998 else number
    lines.append(json.dumps(event, separators=(",", ":"), ensure_ascii=False) + "\n")
for name, part in ("events.jsonl.1", lines[:10000]), ("events.jsonl", lines[10000:]):
    open(name, "w").writelines(part)
P
