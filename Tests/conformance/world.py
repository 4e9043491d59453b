"""What a case finds: a home, files, a policy in /etc, a user who called sudo."""
import os
import shutil
import subprocess
import sys
import tempfile
import time

CALLER = 1000
STRANGER = 4242
INSIDE = "TELEMETRY_CONFORMANCE_NAMESPACE"


def enter_namespace():
    """Starts this program again in a namespace of its own, where /etc and the host's name may be replaced."""
    if os.environ.get(INSIDE):
        return
    if os.geteuid() != 0:
        raise SystemExit("needs root: the policy is in /etc, and some cases are about sudo")
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "-m", "-u", "--propagation", "private", sys.executable, *sys.argv])


def replace_etc(directory, passwd):
    """Makes `directory` the /etc of this namespace: with these users, and without a policy."""
    os.mkdir(directory)
    for name in ["ld.so.cache", "nsswitch.conf", "group", "hosts"]:
        if os.path.exists(f"/etc/{name}"):
            shutil.copy(f"/etc/{name}", directory)
    with open(f"{directory}/passwd", "w") as file:
        file.write(passwd)
    subprocess.run(["mount", "--bind", directory, "/etc"], check=True)


class World:
    """One directory for all cases, made anew for each, with an /etc that only these processes see."""

    def __enter__(self):
        self.top = tempfile.mkdtemp(prefix="telemetry-conformance-")
        os.chmod(self.top, 0o755)
        self.etc = os.path.join(self.top, "etc")
        self.root = os.path.join(self.top, "case")
        replace_etc(self.etc, f"root:x:0:0::{self.path('home')}:/bin/sh\ncaller:x:{CALLER}:{CALLER}::{self.path('caller')}:/bin/sh\n")
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "/etc"], check=True)
        shutil.rmtree(self.top, ignore_errors=True)

    def fresh(self):
        """The context of one case."""
        return Fresh(self)

    def path(self, *names):
        return os.path.join(self.root, *names)

    def reset(self):
        # A program may have left a process that delivers, which makes its files while these are removed.
        end = time.monotonic() + 20
        while os.path.exists(self.root) and time.monotonic() < end:
            shutil.rmtree(self.root, ignore_errors=True)
        policy = os.path.join(self.etc, "telemetry")
        if os.path.islink(policy) or os.path.isfile(policy):
            os.remove(policy)
        shutil.rmtree(policy, ignore_errors=True)
        for name in ["", "home", "config", "state", "data", "work", "caller"]:
            os.mkdir(self.path(name), 0o755 if not name else 0o700)
        os.chown(self.path("caller"), CALLER, CALLER)

    def arrange(self, case):
        """Writes the case's files and its manifest."""
        self.variables = {b"PATH": b"/usr/bin:/bin", b"LANG": b"C.UTF-8", **{
            name.encode(): self.path(directory).encode() for name, directory in
            {"HOME": "home", "XDG_CONFIG_HOME": "config", "XDG_STATE_HOME": "state", "XDG_DATA_HOME": "data"}.items()}}
        self.variables.update({name: value.replace(b"@ROOT@", self.root.encode()) for name, value in case.variables.items()})
        tool = case.options.get("tool", "mytool")
        places = {"preference": f"config/telemetry/{tool}/enabled", "all": "config/telemetry/_all/enabled",
                  "notice": f"config/telemetry/{tool}/notice", "config": "config/mytool/config.yaml",
                  "config.json": "config/mytool/config.json", "config.bare": "config/mytool/.telemetry-enabled", "project": "work/.mytool.yaml", "project.json": "work/.mytool.json",
                  "policy": "../etc/telemetry/policy.yaml", "caller": f"caller/.config/telemetry/{tool}/enabled",
                  "caller-all": "caller/.config/telemetry/_all/enabled",
                  "own": "config/telemetry/own.yaml", "machine-own": "../etc/telemetry/own.yaml"}
        for name, (kind, content) in case.files.items():
            owner = CALLER if name.startswith("caller") else 0
            self.place(self.path(places[name]), kind, content, owner, 0o644 if name in ("policy", "machine-own") else 0o600)
        with open(self.path("manifest.yaml"), "w") as file:
            file.write(manifest(case))

    def place(self, path, kind, content, owner, mode):
        directory = os.path.dirname(path)
        if kind in ("unmounted", "below-a-file"):
            os.makedirs(os.path.dirname(directory), 0o755, exist_ok=True)
            if kind == "unmounted":
                os.symlink("/nonexistent/volume", directory)
            else:
                open(directory, "w").close()
            return
        while not os.path.exists(directory):
            directory = os.path.dirname(directory)
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        made = os.path.dirname(path)
        while made != directory and made != os.path.dirname(made):
            os.chown(made, owner, owner)
            made = os.path.dirname(made)
        if kind == "directory":
            os.mkdir(path)
        elif kind == "fifo":
            os.mkfifo(path, mode)
        elif kind == "dangling":
            os.symlink("/nonexistent/file", path)
        else:
            target = path + ".target" if kind == "symlink" else path
            with open(target, "wb") as file:
                file.write(content)
            os.chmod(target, 0o666 if kind == "writable" else mode)
            os.chown(target, *[STRANGER if kind == "foreign" else owner] * 2)
            if kind == "symlink":
                os.symlink(target, path)


class Fresh:
    """A world made anew for one case."""

    def __init__(self, world):
        self.world = world

    def __enter__(self):
        self.world.reset()
        return self.world

    def __exit__(self, *_):
        pass


def config_file(case):
    """The tool's own config file and key, relative to $XDG_CONFIG_HOME; None when the case has none. Without a key the file is the answer."""
    if "config.bare" in case.files:
        return "mytool/.telemetry-enabled", None
    name = "mytool/config.json" if "config.json" in case.files else "mytool/config.yaml"
    named = {"config", "config.json", "project", "project.json"} & set(case.files) or {"key", "local-key"} & set(case.options)
    return (name, case.options.get("key", "telemetry.enabled")) if named else None


def project_file(case):
    name = ".mytool.json" if "project.json" in case.files else ".mytool.yaml"
    named = {"project", "project.json"} & set(case.files)
    return (name, case.options.get("project-key", "telemetry.enabled")) if named else None


def manifest(case):
    """The manifest that says what the case's options say."""
    options, lines = case.options, [f"tool: {{name: {case.options.get('tool', 'mytool')}}}"]
    if options.get("gate") == "closed":
        lines.append("enabled: false")
    if "stance" in options:
        lines.append(f"consent: {options['stance']}")
    lines += [f"{name}: true" for name, option in [("force", "force"), ("local_only", "local-only")] if option in options]
    config, project = config_file(case), project_file(case)
    if config:
        lines += ["config:", f"  file: {config[0]}"] + ([f"  key: {config[1]}"] if config[1] else [])
        if "local-key" in options:
            lines.append("  local_only_key: telemetry.local")
        if project:
            lines += [f"  project_file: {project[0]}", f"  project_key: {project[1]}"]
    if "notice-version" in options:
        lines += ["notice:", f"  version: \"{options['notice-version']}\"", "  collector: Example Ltd", "  data: names of commands",
                  "  purpose: to see which are used"]
    return "\n".join(lines) + "\n"
