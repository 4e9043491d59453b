"""ClickHouse: Debian's server as a process that disturbs no other, and today's engine (chdb), which runs the statements that were posted."""
import json
import os
import re
import socket
import subprocess
import urllib.error
import urllib.request

from key_value import UNPACKED
from stage import wait_until
from suite import Failed, Skipped, check, check_equal
from vendors import HERE, KEY, PYTHON

SQL = os.path.join(HERE, "..", "..", "examples", "clickhouse")
USER = "writer"
# 18.16 knows neither DateTime64 nor a column's codec: the wire is what it proves.
OLD_TABLE = """CREATE TABLE events (schema_version UInt16, event_id UUID, timestamp String, type String, name {name}, machine_id String,
    tool_name String, version String, os String, arch String, os_version String, runtime String, duration_ms Nullable(Int64), exit_code Nullable(Int32),
    error_category String, args Array(String), error String, metadata String) ENGINE = MergeTree ORDER BY event_id"""
# Two accounts: the tests' own, and the one that the library is given.
USERS = f"""<yandex><profiles><default/></profiles><quotas><default/></quotas><users>
<default><password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default>
<{USER}><password>{KEY}</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></{USER}>
</users></yandex>"""


def free_ports(count):
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Server:
    """`name`: the type of that column."""

    def __init__(self, stage, name="String", has_table=True):
        executable = os.path.join(UNPACKED, "clickhouse-server", "usr", "sbin", "clickhouse-server")
        if not os.path.exists(executable):
            raise Skipped("no clickhouse-server in build/unpacked: run make setup")
        directory = stage.path("clickhouse")
        os.mkdir(directory)
        self.port, tcp = free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        config = f"""<yandex><logger><level>warning</level><log>{directory}/log</log><errorlog>{directory}/errors</errorlog></logger>
<listen_host>127.0.0.1</listen_host><http_port>{self.port}</http_port><tcp_port>{tcp}</tcp_port><mark_cache_size>5368709120</mark_cache_size>
<path>{directory}/data/</path><tmp_path>{directory}/tmp/</tmp_path><users_config>users.xml</users_config>
<default_profile>default</default_profile><default_database>default</default_database></yandex>"""
        for file, text in {"config.xml": config, "users.xml": USERS}.items():
            with open(os.path.join(directory, file), "w", encoding="utf-8") as opened:
                opened.write(text)
        self.output = open(os.path.join(directory, "output"), "w+", encoding="utf-8")
        self.process = subprocess.Popen([executable, f"--config-file={directory}/config.xml"], env={"PATH": os.environ["PATH"]}, cwd=directory,
                                        stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output)
        stage.closing.append(self)
        wait_until(self._answers, "clickhouse-server answers")
        if has_table:
            self.make_table(name)

    def make_table(self, name="String"):
        self.query(OLD_TABLE.format(name=name))

    def _answers(self):
        check(self.process.poll() is None, f"it ended: {open(self.output.name, encoding='utf-8').read()}")
        try:
            return self.query("SELECT 1") == "1"
        except OSError:
            return False

    def query(self, statement):
        try:
            with urllib.request.urlopen(self.url, statement.encode(), timeout=20) as answer:
                return answer.read().decode().strip()
        except urllib.error.HTTPError as error:
            raise Failed(f"{statement[:80]}: {error.read().decode()}") from error

    def rows(self, order="timestamp"):
        return [json.loads(line) for line in self.query(f"SELECT * FROM events ORDER BY {order} FORMAT JSONEachRow").splitlines()]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.output.close()


def statements(name):
    """Those of a file of examples/clickhouse."""
    with open(os.path.join(SQL, name), encoding="utf-8") as file:
        text = re.sub(r"^\s*--.*$", "", file.read(), flags=re.MULTILINE)
    return [each.strip() for each in text.split(";") if each.strip()]


RUNNER = """
import json, sys
from chdb import session
engine = session.Session()
for statement in json.load(sys.stdin):
    try:
        print(json.dumps(["ok", str(engine.query(statement, "JSONEachRow"))]))
    except Exception as error:
        print(json.dumps(["failed", str(error)]))
"""


def today(stage, *posted):
    """What today's engine answers to each statement: rows; a text: the exception."""
    if not os.path.exists(PYTHON):
        raise Skipped("no build/venv: run make setup")
    done = subprocess.run([PYTHON, "-c", RUNNER], input=json.dumps(posted), capture_output=True, text=True, timeout=120, cwd=stage.path("home"),
                          env={"PATH": os.environ["PATH"], "HOME": stage.path("home"), "TZ": "Asia/Tokyo"})
    check_equal((0, len(posted)), (done.returncode, len(done.stdout.splitlines())), f"of chdb: {done.stderr[-500:]}")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return [[json.loads(line) for line in text.splitlines()] if word == "ok" else text for word, text in answers]
