"""H8: the form of the files, by Grafana's schema of dashboards and the rules of its dashboard-linter."""
import re
import subprocess
import sys

import scene
from suite import check, check_equal, test

# The members that Grafana's schema (grafana-foundation-sdk, jsonschema/dashboard.jsonschema.json) allows where these dashboards have
# any, with their types. It allows no others.
NUMBER = (int, float)
DASHBOARD = {"uid": str, "title": str, "description": str, "tags": list, "timezone": str, "editable": bool, "graphTooltip": int, "time": dict, "refresh": str,
             "schemaVersion": int, "version": int, "panels": list, "templating": dict, "annotations": dict}
PANEL = {"type": str, "id": int, "title": str, "description": str, "datasource": dict, "gridPos": dict, "targets": list, "options": dict, "fieldConfig": dict}
FIELDS = {"unit": str, "decimals": NUMBER, "min": NUMBER, "max": NUMBER, "custom": dict}
VARIABLE = {"type": str, "name": str, "label": str, "query": str, "datasource": dict, "current": dict, "multi": bool, "refresh": int, "sort": int,
            "includeAll": bool, "allValue": str}
TARGET = {"refId": str, "datasource": dict, "expr": str, "legendFormat": str, "format": str, "instant": bool, "range": bool}
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
UNITS = {"reqps", "ops", "opm", "percentunit", "ms", "s", "bytes", "none", "short"}


def check_members(what, thing, allowed, required):
    for name, value in thing.items():
        check(name in allowed, f"{what}: unknown member {name}")
        check(isinstance(value, allowed[name]) and (allowed[name] in (bool, NUMBER) or not isinstance(value, bool)), f"{what}: {name} is {value!r}")
    for name in required:
        check(name in thing, f"{what}: no {name}")


def members(thing, name):
    """The values of all members of that name, however deep."""
    children = thing.values() if isinstance(thing, dict) else thing if isinstance(thing, list) else ()
    own = [thing[name]] if isinstance(thing, dict) and name in thing else []
    return own + [found for each in children for found in members(each, name)]


def each_dashboard():
    for name in scene.Dashboard.names():
        yield name, scene.Dashboard(name).content


@test("form/generated", "H8")
def generated(_):
    """The files are what scripts/dashboards writes."""
    done = subprocess.run([sys.executable, "scripts/dashboards", "--check"], cwd=scene.ROOT, capture_output=True, text=True)
    check_equal((0, "", ""), (done.returncode, done.stdout, done.stderr), "scripts/dashboards --check")


@test("form/schema", "H8")
def schema(_):
    """Every member is one of Grafana's schema, and has its type."""
    for name, content in each_dashboard():
        check_members(name, content, DASHBOARD, DASHBOARD)
        check_equal({"list"}, set(content["templating"]), f"{name}: templating")
        check_equal({"list": []}, content["annotations"], f"{name}: annotations")
        check_equal({"from", "to"}, set(content["time"]), f"{name}: time")
        for variable in content["templating"]["list"]:
            check_members(f"{name}: {variable.get('name')}", variable, VARIABLE, ("type", "name", "label", "query"))
        for panel in content["panels"]:
            what = f"{name}: {panel.get('title')}"
            check_members(what, panel, PANEL, PANEL)
            check_equal({"defaults", "overrides"}, set(panel["fieldConfig"]), f"{what}: fieldConfig")
            check_members(what, panel["fieldConfig"]["defaults"], FIELDS, ("unit",))
            for target in panel["targets"]:
                check_members(what, target, TARGET, TARGET)


@test("form/panels", "H8")
def panels(_):
    """Every panel has a title, a description in a sentence, a unit, queries and a place where no other is."""
    uids = set()
    for name, content in each_dashboard():
        check(8 <= len(content["uid"]) <= 40 and content["uid"] not in uids, f"{name}: uid")
        uids.add(content["uid"])
        taken, ids, titles = set(), set(), set()
        for panel in content["panels"]:
            what = f"{name}: {panel['title']}"
            check(panel["title"] not in titles and panel["id"] not in ids, f"{what}: twice")
            titles.add(panel["title"])
            ids.add(panel["id"])
            check(len(panel["description"]) > 20 and panel["description"].endswith("."), f"{what}: {panel['description']}")
            check(panel["fieldConfig"]["defaults"]["unit"] in UNITS, f"{what}: {panel['fieldConfig']['defaults']['unit']}")
            check(panel["targets"], f"{what}: no queries")
            check_equal(len(panel["targets"]), len({target["refId"] for target in panel["targets"]}), f"{what}: refId")
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            check(place["x"] + place["w"] <= 24 and not cells & taken, f"{what}: {place}")
            taken |= cells


@test("form/portable", "H8")
def portable(_):
    """The data source is a variable everywhere; job and instance are variables, and every query is over them."""
    for name, content in each_dashboard():
        listed = content["templating"]["list"]
        check_equal(["datasource", "job", "instance"], [each["name"] for each in listed[:3]], f"{name}: variables")
        check_equal(("datasource", "prometheus"), (listed[0]["type"], listed[0]["query"]), f"{name}: datasource")
        known = {each["name"] for each in listed} | {"__rate_interval", "__range"}
        for source in members(content, "datasource"):
            check_equal(SOURCE, source, f"{name}: a data source")
        for variable in listed[1:]:
            check_equal(SOURCE, variable["datasource"], f"{name}: ${variable['name']}")
            check(variable["multi"] and variable["includeAll"] and variable.get("allValue", ".+") in (".+", ".*"), f"{name}: ${variable['name']}: all of them")
        used = set()
        for panel in content["panels"]:
            for target in panel["targets"]:
                what, expression = f"{name}: {panel['title']}", target["expr"]
                check_equal(SOURCE, target["datasource"], what)
                names = set(re.findall(r"\$\{?(\w+)", expression))
                check(names <= known, f"{what}: unknown variables {names - known}")
                used |= names
                selectors = re.findall(r"\{[^}]*\}", expression)
                check(selectors and all('job=~"$job", instance=~"$instance"' in each for each in selectors), f"{what}: {expression}")
                # A counter without rate or increase says nothing. The one that adds up all counters is the exception.
                if panel["title"] != "Not accounted for":
                    bare = re.sub(r"(?:rate|increase)\(\w+\{[^}]*\}\[\$__(?:rate_interval|range)\]\)", "", expression)
                    check(not re.search(r"\w+_(?:total|bucket|count|sum)\{", bare), f"{what}: a counter without rate(): {expression}")
                check("$__range" not in expression or target["instant"], f"{what}: $__range in a line")
        check(known - {"datasource", "__rate_interval", "__range"} <= used, f"{name}: variables that no query uses: {known - used}")
