"""What the figures were measured on."""
import os
import pathlib
import platform
import re
import subprocess

from . import place


def first_line(*command):
    try:
        done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
        return done.stdout.strip().splitlines()[0] if done.stdout.strip() else ""
    except (OSError, subprocess.TimeoutExpired):
        return ""


def cpu_model():
    match = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return match.group(1) if match else platform.machine()


def governor():
    file = pathlib.Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return file.read_text().strip() if file.is_file() else "unknown (not exposed)"


def package_version(name):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return done.stdout or "not installed"


def describe():
    release = re.search(r'PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text())
    return {
        "CPU": f"{cpu_model()}, {os.cpu_count()} online",
        "virtual": first_line("systemd-detect-virt") or "unknown",
        "governor": governor(),
        "kernel": platform.release(),
        "system": release.group(1) if release else "unknown",
        "file system": first_line("stat", "-f", "-c", "%T", str(place.ROOT)),
        "load before": f"{os.getloadavg()[0]:.2f}",
        "swift": first_line("swiftc", "--version"),
        "C compiler": first_line("gcc", "--version"),
        "libc": package_version("libc6"),
        "spdlog": package_version("libspdlog-dev"),
        "lttng-ust": package_version("liblttng-ust-dev"),
        "prometheus-cpp": package_version("prometheus-cpp-dev"),
        "curl": package_version("curl"),
        "logger": package_version("bsdutils"),
        "python": platform.python_version(),
    }
