"""The kinds of texts that hold no secret but look a little like it: what is put into them, the texts, how many of each."""
import string
import uuid

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def nothing(i):
    return ""


def ulid(i):
    return "01" + i.choice("HJK") + i.draw(CROCKFORD, 23)


def a_uuid(i):
    return str(uuid.UUID(int=i.random.getrandbits(128), version=4))


def number(i):
    return str(i.random.randrange(10, 10 ** i.random.randrange(2, 16)))


def symbol(i):
    """Names as compilers make them."""
    parts = [i.choice(["parse", "Decode", "Buffer", "next", "Header", "token", "Stream", "write", "Index", "utf8", "Map", "insert", "Error"]) for _ in range(3)]
    counted = "".join(f"{len(part)}{part}" for part in parts)
    return i.choice([f"_ZN{counted}Ev", f"_ZNSt{counted}C2ERKS_", f"_ZNK{counted}EiPKc", f"$s{counted}yySiF", f"_ZN{counted}17h{i.draw('0123456789abcdef', 16)}E",
                     f"_RNvC{counted}", f"_$s{counted}LLVAAWa"])


def test_name(i):
    words = ["Parser", "Handles", "Empty", "Utf8", "Input", "When", "Token", "Is", "Missing", "Returns", "404", "For", "Unknown", "User", "In", "Version2", "IPv6", "Of", "SHA256", "X509", "HTTP2", "Base64", "Md5", "OAuth2", "Without", "Retry"]
    return i.choice(["test", "testThat", "should"]) + "".join(i.random.sample(words, i.random.randrange(6, 12)))


def snake(i):
    words = ["parser", "handles", "empty", "utf8", "input", "when", "token", "is", "missing", "returns", "404", "for", "unknown", "user", "v2", "x509", "sha256", "b64", "ipv6", "http2"]
    return "test_" + "_".join(i.random.sample(words, i.random.randrange(5, 10)))


def version(i):
    return f"{i.random.randrange(9)}.{i.random.randrange(30)}.{i.random.randrange(99)}-{i.choice(['beta', 'rc', 'dev'])}.{i.random.randrange(20)}+build.{i.random.randrange(9999)}"


def package(i):
    return i.choice(["libstdc++6-12-dbg-amd64-cross", "python3-cryptography-vectors", "gcc-12-arm-linux-gnueabihf-base", "linux-headers-6.1.0-18-common-rt", "golang-1.21-x509-truststore-dev",
                     "kube-proxy-7f9c8d6b5-x2x9k", "coredns-5d78c9869d-abcde", "nginx-ingress-controller-6fdd5", "numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.whl", "rust-std-1.77.2-aarch64-apple-darwin"])


KINDS = {
    "about-secrets": (nothing, [
        "password: required", "token: expected", "password: must not be empty", "error: password: too short", "secret: missing", "token: invalid", "unexpected token: '}'", "unexpected token: EOF", "password: incorrect", "api_key: not set", "token: none",
        "password: field is required", "credentials: unavailable", "password = null", "token=null", "secret=None", "password: true", "token: false", "password=false", "the token is missing", "password is too short", "password was rejected", "token is expired",
        "passwords do not match", "invalid password for user", "no password given", "signature: mismatch", "signature: invalid", "secret: not found", "private_key: no such file", "token: expired", "token = undefined", "passphrase: needed", "access_token: revoked",
        "password: wrong", "credentials: expired", "jwt: malformed", "api key: disabled", "password: unknown option", "expected token: ';'", "token: unexpected", "secret: empty", "password authentication failed", "Enter password: ", "no credentials: run login first",
        "--password is required", "--token needs a value", "option --password requires an argument", "use --token or --password", "missing --api-key option", "password (optional): default none", "token type: bearer", "next token: identifier", "passcode: required",
        "session_id: unknown", "connection_string: missing", "dsn: invalid", "creds: not loaded", "ssh_key: absent", "passwords: unchanged", "token: <token>", "password: ********", "password=${DB_PASSWORD}", "token=$TOKEN", "secret: {{ secrets.token }}", "password=%s", "token={}", "password: xxxxxxxx",
        "api_key=<your key>", "password: string", "token: String", "secret: &str", "password: optional", "token: Option<String>", "password: [redacted]"], 1),
    "assigned-words": (nothing, [
        "auth=none", "auth=basic", "auth=oauth2", "auth=true", "auth=plain", "auth: connection refused", "auth=gssapi", "auth=required", "pass=3", "pass=12 fail=0", "pass: 12, fail: 3", "pass=true", "pass=false", "pass=100%", "sig=SIGTERM", "sig=15", "sig=SIGKILL core=no", "sig=11", "pin=4",
        "pw=no", "otp=off", "pin=GPIO17", "first_pass=done", "single-pass=yes", "bypass=1", "compass=north", "lines=12 pass=9 skip=3", "auth=ldap", "auth=pam", "auth=sso", "sig=verified", "sig=ok", "sig=bad", "otp=27", "pin=high", "pass=2/3", "auth=anonymous", "auth=token"], 1),
    "query-words": (nothing, ["https://{host}/x?key=name", "sort?key=size&order=asc", "https://{host}/?code=404", "https://{host}/x?lang=de&page={n}", "?key=created_at", "GET /list?key=id&dir=up", "code=200 bytes={n}", "exit code=1", "key=value", "errno code=ENOENT", "https://{host}/e?code=EACCES", "sid=5", "session=closed",
        "key: value", "keys: 3", "session: started", "key=ctrl+c", "https://{host}/x?key=user.name&v=2"], 1),
    "home-words": (nothing, ["/root", "/root/.config", "cannot open /root/x", "/home", "/home/", "/Users", "/Users/Shared/x", "~/src/x", "cd ~", "~", "/usr/home2/x", "/opt/home/x", "a~b", "2~3", "HEAD~2", "HEAD~3..HEAD", "v1.2~rc1", "1.0~beta1-2", "~1.2.3", "approx ~5 files", "~10%", "x.txt~", "#x#~", "C:\\Windows\\System32", "C:\\Users\\Public\\x", "~=5", "foo~1",
        "PROGRA~1", "C:\\PROGRA~1\\x", "https://example.com/home/index.html", "\\\\{host}\\share\\x", "src/home/view.c", "/var/lib/x", "/usr/share/doc", "matches ~r", "~> 2.1", "gem 'x', '~> 1.4'", "$HOME/x"], 1),
    "git-address": (nothing, ["git@{host}:o/r.git", "git@github.com:o/r.git", "git clone git@gitlab.com:group/project.git", "ssh git@github.com", "remote: git@bitbucket.org:team/repo.git (fetch)", "git@example.com:a/b", "left-pad@1.2.3", "@scope/pkg@2.0.0", "icon@2x.png", "image@sha256", "user@localhost", "a @ b", "@app.route"], 1),
    "ulid": (ulid, ["{S}", "request {S} failed", "id={S}", "/runs/{S}/log", "order_{S}", "[{S}]", "evt-{S}", "run: {S}."], 6),
    "uuid": (a_uuid, ["{S}", "request {S} failed", "id={S}", "/runs/{S}/log"], 2),
    "symbol": (symbol, ["{S}", "undefined symbol: {S}", "in {S} at x.c:{n}", "{S}+0x1f", "#4 0x00007f12 {S} (lib.so)", "duplicate symbol {S}", "ld: {S}: not found", "`{S}`"], 6),
    "test-name": (test_name, ["{S}", "FAILED {S}", "{S}() threw", "Suite.{S}: 3 ms", "--filter {S}", "Test Case '{S}' started", "x/{S}.java:{n}", "-[Suite {S}]"], 6),
    "snake-name": (snake, ["{S}", "FAILED tests/test_x.py::{S}", "{S} ... ok", "running {S}", "def {S}():", "mod::{S}", "'{S}' ({n} ms)", "-k {S}"], 4),
    "number": (number, ["{S} bytes", "at {S}", "id={S}", "t={S} ms", "pid {S}", "0x{S}", "{S}/{n}", "line {S}:{n}"], 2),
    "version": (version, ["{S}", "version {S}", "needs x >= {S}", "x-{S}.tar.gz", "x@{S}", "upgraded to {S}.", "({S})", "v{S}"], 2),
    "package": (package, ["{S}", "installing {S}", "pod {S} is pending", "cannot find {S}.", "/var/cache/{S}", "'{S}'", "dpkg: {S}: held", "{S}, {w}"], 2),
    "short-hash": (lambda i: i.draw("0123456789abcdef", i.random.randrange(7, 13)), ["{S}", "commit {S}", "at {S}.", "{S}..{hex}", "v1.2-3-g{S}", "sha {S}", "HEAD is now at {S} fix", "[main {S}] x"], 1),
    "log-line": (nothing, ["2026-05-12T11:30:45.123456789Z", "2026-05-12 11:30:45,123 INFO  main - started", "10:32:05", "exit status 1", "no such file or directory", "a/b/c", "src/main.c:10:5: error: expected ';'", "100%", "it's", "{}", "[1, 2, 3]", "5 files changed", "warning: unused variable 'x'", "x86_64-unknown-linux-gnu",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "127.0.0.1:8080", "fe80::1ff:fe23:4567:890a", "00:1B:44:11:3A:B7", "HTTP/1.1 200 OK", "Content-Type: application/json", "Accept: */*", "ETag: W/\"5\"", "text/html; charset=utf-8", "^[a-z]+(\\.[a-z0-9]+)*$", "for (int i = 0; i < n; i++)",
        "std::map<std::string,std::vector<int>>::find", "SELECT id,name FROM t WHERE x=1", "{\"a\":1,\"b\":[2,3],\"c\":null}", "foo(bar[0])->baz.qux()", "kern.ipc.maxsockbuf=2097152", "PATH=/usr/bin:/bin", "LD_LIBRARY_PATH=/opt/lib", "com.example.some.very.long.package.Name", "AbstractSingletonProxyFactoryBean", "internationalization",
        "THIS_IS_A_VERY_LONG_CONSTANT_NAME", "MyApplicationSettingsControllerDelegate", "node_modules/some-package/dist/index.min.js", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "--enable-languages=c,c++,fortran", "-Wl,-z,relro,-z,now", "gcc -O2 -Wall -Wextra -std=c11", "sha256sum mismatch", "base64: invalid input", "https://example.com/docs/v2/index.html#install",
        "docker pull nginx:1.25-alpine", "ubuntu-22.04-lts-amd64", "en_US.UTF-8", "tcp 0 0 0.0.0.0:22 LISTEN", "drwxr-xr-x 2 user group 4096", "cp -p a b", "mkdir -p /tmp/x", "ssh -p 2222 {host}", "docker run -p 8080:80 nginx", "mysql -P 3306 -u root", "ps -u daemon", "sort -u names", "tar -xpf x.tar", "docker run -u 1000:1000 x", "chown 1000:1000 x", "time=12:30:45:99", "a:b:c", "x:1000:1000::/bin/sh", "drop:3:4:5:6",
        "Basic authentication failed", "bearer of news", "the bearer certificate", "Basic English", "machine learning", "the login page", "no default login shell", "machine x86_64 supported", "ratio 3/4@2", "cookies: 3 found", "cookie: expired", "max_tokens=5", "tokens: 12", "tokenizer=bpe", "monkey=1", "author=bob", "keyboard=de",
        "<token>", "<password>", "<secret/>", "</password>", "usage: x <token> <file>", "--password <password>", "Token::parse failed", "class Token: public Node", "fn token(&self) -> Token", "let token = lexer.next()", "token = self.next_token()", "password = getpass()", "secret = os.environ[\"X\"]", "Some(\"value\")", "kv: {a: 1}",
        "cost: $6 and $10", "$1$2", "$HOME:$PATH", "awk '{print $1}'", "s3://bucket/key", "file:///etc/hosts", "http://[::1]:8080/x", "https://registry.npmjs.org/@scope/pkg", "mailto:", "redis://localhost:6379", "http://host:80/a@b", "jdbc:mysql://{host}/x"], 1),
}
