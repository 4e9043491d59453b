"""Clients that send to an agent, and what has come of it."""
import collections
import os
import re
import subprocess
import textwrap

from agents import adopting
from listening import get
from suite import Skipped
from test_metrics import samples
from world import BUILD

PYTHON = os.path.join(BUILD, "venv", "bin", "python3")


def client(world, source, *arguments, user=None):
    """Runs a program with the packages of scripts/requirements.txt; what it has said."""
    if not os.path.exists(PYTHON):
        raise Skipped("no build/venv: run make setup")
    return world.run([PYTHON, "-c", textwrap.dedent(source), *map(str, arguments)], user=user, preexec_fn=adopting).stdout


def series(agent):
    """{series: value} of the agent's page."""
    return samples(get(agent.socket)[2])


def refused(agent, way):
    """{reason: count}, of all tools together; `agent status` says the same."""
    found = collections.Counter()
    for (_, reason), count in refused_of_tools(agent, way).items():
        found[reason] += count
    return dict(found)


def refused_of_tools(agent, way):
    """{(tool, reason): count}; a tool that is not named is empty."""
    found = {}
    for name, value in series(agent).items():
        if name.startswith(f'telemetry_agent_received_refused_total{{way="{way}",'):
            reason, tool = re.search(r',reason="(.*?)",tool="(.*?)"}', name).groups()
            found[tool, reason] = int(value)
    return found


def accepted(agent, way):
    return int(series(agent)[f'telemetry_agent_received_total{{way="{way}"}}'])


def dropped(agent, reason):
    return int(series(agent)[f'telemetry_agent_statsd_dropped_total{{reason="{reason}"}}'])


def run_shell(world, command, **variables):
    """Its standard output."""
    done = subprocess.run(["sh", "-c", command], env={**world.environment, **variables}, text=True, capture_output=True, timeout=60, check=True)
    return done.stdout
