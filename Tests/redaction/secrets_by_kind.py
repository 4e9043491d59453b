"""The kinds of texts that hold a secret: how it is made, the texts around it, how many of each."""
import base64
import string

LETTERS = string.ascii_letters
ALL = LETTERS + string.digits
PUNCTUATION = "!#$%^*()_+-=?,.~"


def password(i):
    return i.password()


def plain(i):
    return i.plain()


def passphrase(i):
    return [f"{a} {b}" for a, b in zip(i.random.sample(i.WORDS[:13], 2), i.random.sample(i.WORDS[13:], 2))]


def token(count):
    return lambda i: i.token(count)


def drawn(alphabet, count):
    return lambda i: i.mixed(alphabet, count)


def basic(i):
    return base64.b64encode(f"{i.name()}:{i.plain()}".encode()).decode()


def client_secret(i):
    return i.token(3) + "8Q~" + i.mixed(ALL + "-_.~", 34)


def prefixed(i):
    lower, hexadecimal = string.ascii_lowercase + string.digits, "0123456789abcdef"
    return i.choice([
        "gh" + i.choice("pousr") + "_" + i.token(36), "github_pat_" + i.token(22) + "_" + i.token(59), "glpat-" + i.token(20),
        "xoxb-" + i.draw(string.digits, 12) + "-" + i.draw(string.digits, 12) + "-" + i.token(24), "AKIA" + i.draw("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
        "AIza" + i.mixed(ALL + "-_", 35), "sk-proj-" + i.token(48), "sk_live_" + i.token(24), "npm_" + i.token(36),
        "pypi-AgEIcHlwaS5vcmc" + i.mixed(ALL + "-_", 60), "hf_" + i.draw(LETTERS, 34), "dop_v1_" + i.draw(hexadecimal, 64),
        "SG." + i.mixed(ALL + "-_", 22) + "." + i.mixed(ALL + "-_", 43), "hvs." + i.token(90), "shpat_" + i.draw(hexadecimal, 32),
        "glsa_" + i.token(32) + "_" + i.draw(hexadecimal, 8), "lin_api_" + i.token(40), "PMAK-" + i.draw(hexadecimal, 24) + "-" + i.draw(hexadecimal, 34),
        "dapi" + i.draw(hexadecimal, 32), "rubygems_" + i.draw(hexadecimal, 48), "sntrys_" + i.token(60), "ATATT3xFfGF0" + i.token(60),
        "pscale_tkn_" + i.token(40), "EAAA" + i.token(60), "key-" + i.draw(hexadecimal, 32), "r8_" + i.token(37), "secret_" + i.token(43),
        "tskey-auth-" + i.token(12) + "CNTRL-" + i.token(32), "dp.pt." + i.token(43), "figd_" + i.token(40), "CFPAT-" + i.token(43),
        "sbp_" + i.draw(hexadecimal, 40), "xkeysib-" + i.draw(hexadecimal, 64) + "-" + i.token(16), "pat" + i.token(14) + "." + i.draw(hexadecimal, 64),
        "ops_eyJ" + i.token(60), "nfp_" + i.token(36), "oy2" + i.draw(lower, 43), "A3T" + i.draw("ABCDEFGH234567", 17),
    ])


def webhook(i):
    return i.choice(["T" + i.draw("ABCDEFGHJK0123456789", 8) + "/B" + i.draw("ABCDEFGHJK0123456789", 8) + "/" + i.token(24)])


def web_token(i):
    part = lambda n: i.mixed(ALL + "-_", n)
    return "eyJhbGciOiJIUzI1NiJ9.eyJ" + part(40) + "." + part(43)


def pem(i):
    return "\n".join(i.base64(48) for _ in range(2))


def crypt(i):
    return i.choice(["$6$" + i.token(12) + "$" + i.token(40), "$apr1$" + i.token(8) + "$" + i.mixed(ALL + "./", 22),
                     "$2y$10$" + i.mixed(ALL + "./", 53), "$y$j9T$" + i.token(22) + "$" + i.token(43), "$1$" + i.token(8) + "$" + i.token(22)])


def person(i):
    return i.name()


NAMES = ["api.key", "passwords", "password2", "passcode", "creds", "session_id", "connection_string", "dsn", "ssh_key", "api-secret",
         "smtp_pass", "sessionToken", "app_secret_key", "db.password", "PASSWORD_1", "secrets", "encryption.key", "master_key", "auth_token",
         "authToken", "client_secret", "private_key", "DB_PASS", "refreshToken", "pass_phrase", "credential", "bearer_token", "access_keys", "deploy_key",
         "webhook_secret"]

KINDS = {
    "next-line": (password, [
        "password:\n  {S}", "token =\n    {S}\n", "{\n  \"secret\":\n    \"{S}\"\n}", "api_key: |\n  {S}\nregion: eu", "password: >-\n  {S}\nuser: {user}",
        "db_password:\r\n  {S}\r\n", "client_secret =\\\n  {S}", "Password:\n\t'{S}'", "secrets:\n  - {S}\n"], 2),
    "wrapped-value": (password, [
        "Config { user: \"{user}\", password: Some(\"{S}\") }", "token=Some('{S}')", "Credentials(user: Optional(\"{user}\"), secret: Optional(\"{S}\"))",
        "password = String::from(\"{S}\")", "Settings { api_key: Secret(\"{S}\"), port: {n} }", "password=b'{S}'", "passwd: u\"{S}\", host: u\"{host}\"",
        "auth_token = Ok(\"{S}\")", "password: SecretStr('{S}')", "Login(password=[\"{S}\"])", "password: &\"{S}\"", "token: Just \"{S}\""], 2),
    "xml": (password, [
        "<password>{S}</password>", "<db><user>{user}</user><passwd>{S}</passwd></db>", "<Token type=\"x\">{S}</Token>", "<add key=\"Password\" value=\"{S}\" />",
        "<entry name=\"api_key\">{S}</entry>", "<property name='password' value='{S}'/>", "<cfg:secret>{S}</cfg:secret>", "cannot parse <privateKey> {S} </privateKey>",
        "&lt;password&gt;{S}&lt;/password&gt;", "<password><![CDATA[{S}]]></password>", "<input type=\"hidden\" name=\"token\" value=\"{S}\">", "<server password=\"{S}\"/>"], 2),
    "encoded-json": (plain, [
        "%7B%22password%22%3A%22{S}%22%7D", "q=%22token%22%3A%20%22{S}%22", "{\\\\\\\"password\\\\\\\":\\\\\\\"{S}\\\\\\\"}", "body: \"{\\\"secret\\\": \\\"{S}\\\"}\"",
        "{&quot;password&quot;:&quot;{S}&quot;}", "\\u0022token\\u0022:\\u0022{S}\\u0022", "next=https%253A%252F%252Fx%253Ftoken%253D{S}",
        "password%22%3A%22{S}", "{'api_key': \\'{S}\\'}", "{&#34;secret&#34;: &#34;{S}&#34;}", "state=client_secret%3D{S}%26n%3D{n}", "\"{\\\\\\\"apiKey\\\\\\\": \\\\\\\"{S}\\\\\\\"}\""], 2),
    "npm-auth": (basic, [
        "_auth={S}", "//{host}/:_auth={S}", "//{host}/npm/:_password={S}", "//registry.example.org/:_authToken={S}", "npm ERR! _auth = \"{S}\"", "_auth: {S}", "npm config set _auth {S}",
        "--_auth={S}"], 2),
    "array": (password, [
        "password: [\"{S}\"]", "tokens=[\"{S}\", \"x\"]", "[\"--password\", \"{S}\"]", "['{tool}', '--token', '{S}', '-v']", "passwords: [{S}]", "\"secrets\":[\"{S}\"]",
        "passwords:\n  - {S}\nusers:\n  - {user}", "argv = ['login', '-p', '{S}']", "password => array('{S}')", "api_keys = (\"{S}\",)", "args: [\"mysql\", \"-p{S}\"]", "{\"token\": [ \"{S}\" ]}"], 2),
    "query": (token(16), [
        "https://{host}/v1/geo?key={S}", "GET /cb?code={S}&state=2 failed", "https://{host}/cb?state=1&code={S}", "https://{host}/x?k=1&key={S}&z=3", "POST https://{host}/hook?sig={S}",
        "https://{host}/#access_token={S}&n=1", "GET /a;jsessionid={S}?x=1", "https://{host}/feed?auth={S}", "https://{host}/dl?X-Goog-Signature={S}", "https://{host}/s?sid={S}",
        "wss://{host}/?session={S}&v=4", "https://{host}/?otp={S}"], 2),
    "short-base64": (basic, [
        "sent {S} to the proxy", "header {S}", "got '{S}'", "challenge answered with {S}, refused", "auth line: {S}", "{S}", "could not decode {S}: bad padding", "\"{S}\""], 2),
    "command-user": (password, [
        "curl -u {user}:{S} https://{host}/", "curl --user {user}:{S} -v", "curl\0-u\0{user}:{S}\0https://{host}", "curl -su {user}:{S} {host}", "curl --user={user}:{S} x",
        "curl\0--proxy-user\0{user}:{S}", "http -a {user}:{S} GET {host}", "smbclient -U {user}%{S} //{host}/share", "curl -u'{user}:{S}' {host}", "curl -u{user}:{S} {host}",
        "wget --http-user={user} --http-password={S}", "curl -x {host}:3128 -U {user}:{S}"], 2),
    "command-password": (plain, [
        "mysql -u root -p{S} -e 'select 1'", "mysql\0-p{S}\0{w}", "mysqldump -h {host} -p{S} {w}", "sshpass -p {S} ssh {host}", "sshpass\0-p\0{S}\0ssh\0{host}", "sshpass -p{S} scp a b",
        "docker login -u {user} -p {S} {host}", "redis-cli -h {host} -a {S} ping", "ldapsearch -x -D cn=admin -w {S}", "unzip -P {S} a.zip", "7z x -p{S} a.7z", "openssl enc -pass pass:{S} -in x",
        "openssl rsa -passin pass:{S}", "echo {S} | sudo -S ls", "htpasswd -b .htpasswd {user} {S}", "mariadb --user=root -p{S}", "sqlcmd -S {host} -U sa -P {S}", "xfreerdp /u:{user} /p:{S} /v:{host}",
        "ipmitool -U {user} -P {S} power", "mosquitto_pub -u {user} -P {S} -t x", "PGPASSWORD={S} psql -h {host}", "redis-cli\0-a\0{S}", "mongo -u {user} -p {S} {host}", "mongodump\0-p\0{S}"], 2),
    "cookie": (token(18), [
        "curl -b sid={S} https://{host}/", "curl --cookie 'session={S}; lang=de' {host}", "curl\0-b\0id={S}", "wget --header 'Cookie: a={S}'", "document.cookie='sid={S}'", "curl\0--cookie\0PHPSESSID={S}\0-v",
        "Set-Cookie: connect.sid={S}; Path=/", "http {host} 'Cookie:sessionid={S}'", "cookies: {\"sid\": \"{S}\"}", "JSESSIONID={S}", "PHPSESSID={S}; path=/", "curl -H 'cookie: x={S}'"], 2),
    "dsn": (plain, [
        "{user}:{S}@tcp({host}:3306)/app", "dial {user}:{S}@unix(/run/mysqld.sock)/x", "DSN={user}:{S}@tcp(10.0.0.1)/db?parseTime=true", "sqlplus {user}/{S}@{host}", "host={host} user={user} password={S} dbname=x",
        "Server={host};Uid={user};Pwd={S};", "{user}:{S}@{host}:5432/app", "connect to {user}:{S}@{host} failed", "jdbc:oracle:thin:{user}/{S}@{host}:1521:x", "mongodb+srv://{user}:{S}@{host}/x", "jdbc:mysql://{host}/x?user={user}&password={S}",
        "root:{S}@/app"], 2),
    "netrc": (password, [
        "machine {host} login {user} password {S}", "machine {host}\n  login {user}\n  password {S}\n", "default login {user} password {S}", "bad line in .netrc: login {user} password {S}",
        "machine {host} password {S} login {user}", "login {user}\npassword {S}"], 2),
    "pgpass": (plain, [
        "{host}:5432:app:{user}:{S}", "*:*:*:{user}:{S}", "{host}:*:*:{user}:{S}", ".pgpass line 3: {host}:5432:*:{user}:{S}", "localhost:5433:postgres:postgres:{S}\n", "*:5432:app:{user}:{S}"], 2),
    "password-file": (crypt, [
        "{user}:{S}", "{user}:{S}:19000:0:99999:7:::", "root:{S}:18000:0:99999:7:::", "hash {S} does not match", "{user}:{S}\n{w}:x", "INSERT INTO users VALUES ('{user}', '{S}')", "usermod -p '{S}' {user}",
        "userPassword: {S}"], 2),
    "ldap-hash": (lambda i: i.base64(20), ["userPassword: {SSHA}{S}", "{user}:{SHA}{S}", "{SSHA}{S}"], 2),
    "client-secret": (client_secret, [
        "client secret {S} expired", "az login -u {user} -p {S}", "value {S}", "AADSTS7000215: {S}", "{S}", "secret of app {hex} is {S}.", "AZURE_CLIENT_SECRET={S}", "got: '{S}'"], 2),
    "passphrase": (passphrase, [
        "passphrase: {S}", "passphrase={S}", "Enter passphrase: {S}\n", "password: {S}", "wrong password: {S}", "secret = {S}", "seed phrase: {S}", "wallet_passphrase: {S}", "--passphrase\0{S}\0-d", "mnemonic: {S}",
        "\"passphrase\": \"{S}\"", "recovery_phrase={S}"], 2),
    "key-name": (password, [name + separator + "{S}" for name in NAMES for separator in ("=", ": ")], 1),
    "key-name-json": (password, ["{\"" + name + "\": \"{S}\", \"n\": {n}}" for name in NAMES], 1),
    "home": (person, [
        "open ~{S}/.ssh/config", "/home//{S}/src/x.c", "path=%2Fhome%2F{S}%2Fsrc", "\\\\{host}\\Users\\{S}\\x.txt", "\\\\?\\C:\\Users\\{S}\\x", "/home/{S}", "C:\\Users\\{S}\\AppData\\Local", "file:///C:/Users/{S}/x",
        "/Users/{S}/Library/Caches", "C%3A%5CUsers%5C{S}%5Cx", "\\/home\\/{S}\\/x", "/home/./{S}/x", "/cygdrive/c/Users/{S}/x", "cd ~{S}", "no such file: '~{S}/.bashrc'", "//wsl$/Ubuntu/home/{S}/x", "\\\\wsl$\\Ubuntu\\home\\{S}\\x",
        "%2FUsers%2F{S}", "file:%2F%2F%2Fhome%2F{S}%2Fx", "/run/media/{S}/stick/x", "C:\\Documents and Settings\\{S}\\x", "\\\\{host}\\home$\\{S}\\x", "/mnt/c/Users/{S}/x", "/usr/home/{S}/x"], 1),
    "email": (lambda i: i.name() + "." + i.name(), ["from {S}@example.com", "<{S}@example.org>", "mailto:{S}@example.net?subject=x", "to={S}%40example.com", "git -c user.email={S}@example.com", "{S}+x@sub.example.co.uk: no such user"], 1),
    "random-20": (token(20), ["{S}", "id {S} refused", "cannot use {S}.", "with {S} as before", "'{S}'", "tried {S}, then gave up", "x/{S}/y", "[{S}]"], 3),
    "random-20-lower": (drawn(string.ascii_lowercase + string.digits, 20), ["{S}", "id {S} refused", "with {S} as before", "'{S}' was given"], 3),
    "random-32-letters": (drawn(LETTERS, 32), ["{S}", "refused {S} here", "key was {S}.", "'{S}'", "({S})", "tried {S}, gave up"], 3),
    "random-32-lower": (drawn(string.ascii_lowercase, 32), ["{S}", "refused {S} here", "key was {S}.", "'{S}'"], 3),
    "random-40-punctuation": (drawn(ALL + PUNCTUATION, 40), ["{S}", "refused {S} here", "key was {S}", "\"{S}\" is wrong", "value {S}\n", "it said {S} and stopped"], 3),
    "random-base64": (lambda i: i.base64(30), ["{S}", "key {S} refused", "value '{S}'", "got {S}, expected nothing"], 3),
    "random-base64url": (drawn(ALL + "-_", 43), ["{S}", "key {S} refused", "value '{S}'", "https://{host}/s/{S}"], 3),
    "random-hex": (lambda i: i.draw("0123456789abcdef", 40), ["{S}", "key {S} refused", "value '{S}'", "got {S}."], 2),
    "webhook": (webhook, ["https://hooks.slack.com/services/{S}", "POST https://hooks.slack.com/services/{S}: 404", "hooks.slack.com/services/{S}", "url: https://hooks.slack.com/services/{S}"], 2),
    "token-prefix": (prefixed, ["{S}", "key {S} refused", "using '{S}'", "login with {S}\n", "x={S}", "[{S}]", "remote: {S}: denied", "got {S}, sorry"], 10),
    "web-token": (web_token, ["got {S}", "{S}", "'{S}' expired", "x={S}&y=1"], 2),
    "private-key": (pem, ["-----BEGIN RSA PRIVATE KEY-----\n{S}\n-----END RSA PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n{S}", "bad key: -----BEGIN OPENSSH PRIVATE KEY-----\n{S}\n-----END OPENSSH PRIVATE KEY-----\n",
                          "key=\"-----BEGIN EC PRIVATE KEY-----\n{S}\n-----END EC PRIVATE KEY-----\""], 1),
    "url-user": (plain, ["https://{user}:{S}@{host}/x", "postgres://{user}:{S}@{host}:5432/x", "proxy http://{user}:{S}@{host}:3128", "redis://:{S}@{host}:6379/0", "amqp://{user}:{S}@[::1]:5672/", "https%3A%2F%2F{user}%3A{S}%40{host}%2Fx",
                         "https:\\/\\/{user}:{S}@{host}\\/x", "svn+ssh://{user}:{S}@{host}/"], 2),
    "header": (token(20), ["Authorization: Bearer {S}", "authorization: token {S}", "-H 'X-Api-Key: {S}'", "{\"Authorization\": \"Basic {S}\"}", "x-auth-token: {S}", "Proxy-Authorization: Basic {S}", "[('Authorization', 'Bearer {S}')]",
                           "X-Vault-Token: {S}", "PRIVATE-TOKEN: {S}", "X-Amz-Security-Token: {S}", "x-functions-key: {S}", "Ocp-Apim-Subscription-Key: {S}"], 2),
    "option": (password, ["{tool} --password {S} x", "{tool} --token={S}", "{tool}\0--api-key\0{S}\0x", "{tool} --client-secret '{S}'", "{tool}\0--secret={S}", "--pass {S}", "{tool}\0--db-pass\0{S}", "{tool} --passwd:{S}", "{tool} /password:{S}", "{tool} --set auth.password={S}",
                          "-Dpassword={S}", "{tool}\0-e\0DB_PASSWORD={S}"], 2),
    "sentence": (password, ["the password is {S}", "password was '{S}'", "using password \"{S}\" for {user}", "login failed with password '{S}'", "set password to {S}", "your token is {S}", "secret '{S}' is too short", "invalid token \"{S}\""], 2),
}
