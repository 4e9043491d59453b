"""Where the blocks of a document run: an installed libtelemetry, and a HOME and a directory of the document's own."""
import os
import shutil
import subprocess
import tempfile

from suite import Failed

HERE = os.path.dirname(os.path.abspath(__file__))
#: The tool of all examples; its user has agreed.
TOOL = "mytool"
TIMEOUT_S = 120


class Worlds:
    """The worlds of all documents, made when they are asked for; they share one installation."""

    def __init__(self, root, build):
        self.root, self.build = root, build
        self.worlds = {}
        self.installed = None

    def __enter__(self):
        self.top = tempfile.mkdtemp(prefix="telemetry-documents-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    @property
    def prefix(self):
        """What `make install` installs, in a place of its own."""
        if not self.installed:
            prefix = os.path.join(self.top, "prefix")
            command = ["make", "--no-print-directory", "install", f"PREFIX={prefix}", f"LIBDIR={prefix}/lib"]
            done = subprocess.run(command, cwd=self.root, capture_output=True, text=True)
            if done.returncode != 0:
                raise Failed(f"make install: {done.stderr}")
            self.installed = prefix
        return self.installed

    def of(self, path):
        """The world of a document: its blocks find what those before them have left."""
        if path not in self.worlds:
            self.worlds[path] = World(self, path)
        return self.worlds[path]


class World:
    def __init__(self, worlds, path):
        self.worlds = worlds
        self.path = os.path.join(worlds.top, path.replace("/", "-"))
        self.home = os.path.join(self.path, "home")
        os.makedirs(self.home, 0o700)
        self.directory = self._directory(path)
        self._give(path)
        self.run(["telemetry", "enable", "--quiet", "--tool", TOOL])
        self._set_up(path)
        #: What the last block of commands printed, both streams.
        self.output = None

    def _directory(self, path):
        """Examples run where they lie, in a copy beside the build and the bindings; all others in an empty directory."""
        directory = os.path.join(self.path, "work")
        if not path.startswith("examples/"):
            os.mkdir(directory)
            return directory
        place = os.path.join(directory, os.path.dirname(path))
        shutil.copytree(os.path.join(self.worlds.root, os.path.dirname(path)), place)
        os.symlink(self.worlds.build, os.path.join(directory, "build"))
        os.symlink(os.path.join(self.worlds.root, "bindings"), os.path.join(directory, "bindings"))
        return place

    def _give(self, path):
        """Files that the document takes for granted."""
        for part, place in (("home", self.home), ("work", self.directory)):
            given = os.path.join(HERE, "given", path, part)
            if os.path.isdir(given):
                shutil.copytree(given, place, dirs_exist_ok=True)

    def _set_up(self, path):
        """What has happened before the document begins."""
        script = os.path.join(HERE, "given", path, "setup.sh")
        if os.path.exists(script):
            self.run(["sh", "-eu", script])

    @property
    def environment(self):
        prefix = self.worlds.prefix
        return {"HOME": self.home, "PATH": f"{prefix}/bin:{os.environ['PATH']}", "LD_LIBRARY_PATH": f"{prefix}/lib", "TERM": "dumb",
                "PYTHONPATH": os.path.join(self.worlds.root, "bindings", "python"), "PYTHONDONTWRITEBYTECODE": "1",
                "PKG_CONFIG_PATH": f"{prefix}/lib/pkgconfig", "CMAKE_PREFIX_PATH": prefix, "LC_ALL": "C.UTF-8"}

    def file(self, name, text=None):
        """The path of a file of the document's; with a text, it is written."""
        path = os.path.join(self.directory, name)
        if text is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return path

    def try_to(self, command, directory=None, **variables):
        """Both streams as one text, and the exit code."""
        try:
            done = subprocess.run(command, cwd=directory or self.directory, env={**self.environment, **variables}, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S)
        except FileNotFoundError as error:
            raise Failed(str(error))
        return done.stdout.decode(errors="replace"), done.returncode

    def run(self, command, directory=None, **variables):
        """The output of a command that has to succeed."""
        output, code = self.try_to(command, directory, **variables)
        if code != 0:
            raise Failed(f"exit code {code}: {command[-1]}\n{output}")
        return output

    def helper(self, *arguments):
        """What `telemetry` prints."""
        return self.run(["telemetry", *arguments])
