"""Splunk's key=value datagrams: a strict reader, a receiver, and two daemons that parse them by their own code."""
import json
import os
import re
import socket
import subprocess

from stage import TOOL, wait_until
from suite import Skipped, check

UNPACKED = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "build", "unpacked"))
ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "r": "\r"}
KEY = r"[A-Za-z0-9_.-]+"
PLAIN = r'[^\x00-\x20\x7f;"\\=\x80-\x9f]+'
QUOTED = r'"(?:[^"\\\n\r]|\\["\\nr])*"'


def read(datagram, beginning=f"<14>{TOOL}: "):
    """wire-formats, "Splunk": the pairs of one datagram, in their order, behind its tag."""
    text = datagram.decode("utf-8")
    if len(datagram) > 1400 or not text.startswith(f"{beginning}signal=") or not text.endswith("\n"):
        raise ValueError(f"size, beginning or end of {text!r}")
    return pairs_of(text[len(beginning):-1])


def pairs_of(body):
    position, pairs = 0, []
    while True:
        match = re.compile(f"({KEY})=({QUOTED}|{PLAIN})(;|$)").match(body, position)
        if not match:
            raise ValueError(f"at {position} of {body!r}")
        pairs.append((match[1], unquoted(match[2])))
        position = match.end()
        if not match[3]:
            break
    keys = [key for key, _ in pairs[1:]]
    if keys != sorted(keys) or len(set(keys)) != len(keys):
        raise ValueError(f"keys {keys}")
    return dict(pairs)


def unquoted(value):
    if not value.startswith('"'):
        return value
    return re.sub(r'\\(.)', lambda match: ESCAPES[match[1]], value[1:-1])


class DatagramReceiver:
    def __init__(self, family=socket.AF_INET, host="127.0.0.1", port=0):
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind((host, port))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]
        self.url = f"udp://{f'[{host}]' if ':' in host else host}:{self.port}"
        self.datagrams = []

    def all(self):
        """Everything that has come by now; a datagram to this machine is here when it is sent."""
        try:
            while True:
                self.datagrams.append(self.socket.recv(65536))
        except BlockingIOError:
            return self.datagrams

    def events(self):
        return [read(datagram) for datagram in self.all()]

    def wait_for(self, count):
        wait_until(lambda: len(self.all()) >= count, f"{count} datagrams")
        return self.events()

    def close(self):
        self.socket.close()


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    """A syslog daemon of Debian's with a configuration of its own, as a process that disturbs no other."""

    def __init__(self, stage, package, program, configuration, arguments, libraries=""):
        executable = os.path.join(UNPACKED, package, "usr", "sbin", program)
        if not os.path.exists(executable):
            raise Skipped(f"no {package} in build/unpacked: run make setup")
        self.directory = stage.path(package)
        os.mkdir(self.directory)
        self.port = free_port()
        self.url = f"udp://127.0.0.1:{self.port}"
        with open(os.path.join(self.directory, "conf"), "w", encoding="utf-8") as file:
            file.write(configuration(self))
        self.log = open(os.path.join(self.directory, "log"), "w+")
        self.process = subprocess.Popen([executable, *[each.format(d=self.directory, p=os.path.join(UNPACKED, package)) for each in arguments]],
                                        env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": os.path.join(UNPACKED, package, libraries)},
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd=self.directory)
        stage.closing.append(self)
        wait_until(self._listens, f"{program} listens")

    def _listens(self):
        check(self.process.poll() is None, f"it ended: {open(self.log.name).read()}")
        with open("/proc/net/udp") as file:
            return f":{self.port:04X} " in file.read()

    @property
    def output(self):
        return os.path.join(self.directory, "output")

    def wait_for(self, count):
        """What it has made of that many datagrams."""
        def lines():
            return open(self.output, "rb").read().splitlines() if os.path.exists(self.output) else []
        wait_until(lambda: len(lines()) >= count, f"{count} lines in {self.output}")
        return [self.value(json.loads(line)) for line in lines()]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


class SyslogNG(Daemon):
    """syslog-ng's kv-parser() and $(format-json), behind a source without any setting, or with those that the bare line needs."""

    def __init__(self, stage, flags=""):
        modules = os.path.join(UNPACKED, "syslog-ng-core", "usr", "lib", "syslog-ng")
        versions = [name for name in os.listdir(modules) if re.fullmatch(r"\d+\.\d+", name)] if os.path.isdir(modules) else [""]
        super().__init__(stage, "syslog-ng-core", "syslog-ng", lambda daemon: f"""@version: {versions[0]}
options {{ chain_hostnames(off); flush_lines(0); use_dns(no); use_fqdn(no); dns_cache(no); stats_freq(0); bad_hostname("^gconfd$"); }};
source s {{ network(ip("127.0.0.1") port({daemon.port}) transport("udp") so-rcvbuf(4194304) {flags}); }};
parser p {{ kv-parser(prefix("kv.") pair-separator(";")); }};
destination d {{ file("{daemon.output}" template("$(format-json --scope none --key kv.* --rekey kv.* --shift-levels 1)\\n")); }};
log {{ source(s); parser(p); destination(d); }};
""", ["-F", "-f", "{d}/conf", "--module-path", f"{{p}}/usr/lib/syslog-ng/{versions[0]}", "-R", "{d}/persist", "-p", "{d}/pid", "-c", "{d}/ctl",
      "--no-caps"], "usr/lib/syslog-ng")

    def value(self, found):
        """It makes objects of the points in the keys."""
        flat = {}
        for key, value in found.items():
            if isinstance(value, dict):
                flat.update({f"{key}.{inner}": each for inner, each in value.items()})
            else:
                flat[key] = value
        return flat


class DebianRsyslog(Daemon):
    """rsyslog by Debian's own rsyslog.conf, its lines for UDP uncommented: the message without what it took for a header."""

    def __init__(self, stage):
        super().__init__(stage, "rsyslog", "rsyslogd", self._configuration,
                         ["-n", "-f", "{d}/conf", "-i", "{d}/pid", "-M", f"{{p}}/usr/lib/{os.uname().machine}-linux-gnu/rsyslog"])

    def _configuration(self, daemon):
        with open(os.path.join(UNPACKED, "rsyslog", "etc", "rsyslog.conf"), encoding="utf-8") as file:
            text = file.read()
        check('#input(type="imudp" port="514")' in text, "Debian's configuration is another")
        text = text.replace('#module(load="imudp")', 'module(load="imudp")').replace(
            '#input(type="imudp" port="514")', f'input(type="imudp" address="127.0.0.1" port="{daemon.port}" rcvbufSize="4m")')
        # Nothing of this machine's is read, nothing outside the test written.
        text = re.sub(r'(?m)^module\(load="im(uxsock|klog)"\).*$|^\$(FileOwner|FileGroup|PrivDrop|IncludeConfig).*$', "", text)
        text = text.replace("/var/log", daemon.directory).replace("/var/spool/rsyslog", daemon.directory)
        return text + f"""
template(name="seen" type="list") {{ constant(value="{{\\"program\\":\\"") property(name="programname" format="json") constant(value="\\",\\"msg\\":\\"")
  property(name="msg" format="json") constant(value="\\"}}\\n") }}
action(type="omfile" file="{daemon.output}" template="seen")
"""

    def value(self, found):
        check(found["program"] == TOOL, f"the program is {found['program']!r}")
        return pairs_of(found["msg"].removeprefix(" "))


class Rsyslog(Daemon):
    """rsyslog's imudp. Its own language takes the pairs apart: an expression that knows quotes finds each key's value."""

    def __init__(self, stage, keys):
        self.keys = keys
        super().__init__(stage, "rsyslog", "rsyslogd", self._configuration,
                         ["-n", "-f", "{d}/conf", "-i", "{d}/pid", "-M", f"{{p}}/usr/lib/{os.uname().machine}-linux-gnu/rsyslog"])

    def _configuration(self, daemon):
        value = r'("([^"\\]|\\.)*"|[^;"]*)'
        lines = []
        for index, key in enumerate(self.keys):
            expression = f"^({KEY}={value};)*{key}={value}(;|$)".replace(key, key.replace(".", "[.]"))
            lines.append(f'set $.v = re_extract($rawmsg-after-pri, {quote(expression)}, 0, 4, "<absent>");')
            lines.append(f'set $.q = re_extract($.v, {quote(chr(94) + chr(34) + "(.*)" + chr(34) + chr(36))}, 0, 1, "<plain>");')
            # A backslash of its own must not be taken for the beginning of the next escape.
            value_of = "$.q"
            for before, after in (("\\\\", "<backslash>"), ('\\"', '"'), ("\\n", "\n"), ("\\r", "\r"), ("<backslash>", "\\")):
                value_of = f"replace({value_of}, {quote(before)}, {quote(after)})"
            lines.append(f'if $.q == "<plain>" then {{ set $!k{index} = $.v; }} else {{ set $!k{index} = {value_of}; }}')
        return f"""global(workDirectory="{daemon.directory}" parser.escapeControlCharactersOnReceive="off" maxMessageSize="64k")
module(load="imudp")
template(name="json" type="list") {{ property(name="$!all-json-plain") constant(value="\\n") }}
ruleset(name="r") {{
{chr(10).join(lines)}
action(type="omfile" file="{daemon.output}" template="json")
}}
input(type="imudp" address="127.0.0.1" port="{daemon.port}" rcvbufSize="4m" ruleset="r")
"""

    def value(self, found):
        named = {key: found[f"k{index}"] for index, key in enumerate(self.keys)}
        return {key: value for key, value in named.items() if value != "<absent>"}


def quote(text):
    """A constant of rsyslog's language."""
    return '"' + "".join({"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r"}.get(each, each) for each in text) + '"'
