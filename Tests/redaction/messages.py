"""Texts as programs print them, with what a person would have in them: what it says of a secret, and of none.

Written apart from generate.py's kinds, with other words and other ways of making values. In a template {P} is a password as
people choose them, {U} one that a URL needs no encoding for, {T} a key of letters and digits, {H} one of hexadecimal
digits, {B} base64; each of these is a secret. What else stands in braces is ordinary. The rules were tried on these; held_out.py
has others, which they were not tried on.
"""
import base64
import random
import string

WORDS = """apricot badger canyon dolphin ember falcon glacier hazel indigo jigsaw kestrel lagoon magnet nutmeg onyx pigeon quartz raven
    saffron tulip umber vortex willow yonder zephyr buffalo cobalt domino elbow fennel gadget hollow island jasper knuckle lemon
    monsoon napkin olive puzzle rocket summit turbine velcro wombat""".split()
PEOPLE = "marek anna jonas priya diego fatima hannah kenji olga pierre svea tomas yusuf zoe bjorn chloe".split()
HOSTS = ["db-01.prod.example.net", "10.20.0.14", "mq.internal", "vault.corp.example.com", "registry.example.io", "localhost", "ci-runner-7.lan", "192.168.4.9"]
APPS = "checkout billing ingest notifier scheduler gateway reporter crawler".split()
SAFE = "bcdfghjklmnpqrstvwxz2456789"


class Writer:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def of(self, alphabet, count):
        return "".join(self.random.choice(alphabet) for _ in range(count))

    def mixed(self, alphabet, count):
        while True:
            made = self.of(alphabet, count)
            if all(any(c in made for c in part) for part in (string.digits, string.ascii_lowercase)):
                return made

    def password(self, signs="!#*+-_.^"):
        word, other, number = self.random.choice(WORDS), self.random.choice(WORDS), str(self.random.randrange(1, 3000))
        sign = self.random.choice(signs)
        return self.random.choice([
            word.capitalize() + number + sign, self.random.choice(PEOPLE).capitalize() + str(self.random.randrange(1950, 2020)) + sign,
            word + sign + other + number, word.replace("e", "3").replace("o", "0").replace("i", "1") + sign + number, number + word.upper() + sign + "x",
            self.mixed(string.ascii_letters + string.digits, self.random.randrange(8, 17)), word.capitalize() + other.capitalize() + number,
            "qW3rty" + number + sign, self.mixed(string.ascii_letters + string.digits, 10) + sign + self.of(string.ascii_letters, 3)])

    def plain(self, name):
        n = self.random.randrange
        return {
            "user": lambda: self.random.choice(PEOPLE), "host": lambda: self.random.choice(HOSTS), "app": lambda: self.random.choice(APPS),
            "word": lambda: self.random.choice(WORDS), "n": lambda: str(n(2, 6000)), "d": lambda: str(n(1, 10)), "ip": lambda: f"10.{n(255)}.{n(255)}.{n(1, 255)}",
            "sha": lambda: self.of("0123456789abcdef", n(7, 13)), "ver": lambda: f"{n(12)}.{n(40)}.{n(20)}",
            "pod": lambda: f"{self.random.choice(APPS)}-{self.of(SAFE, n(8, 11))}-{self.of(SAFE, 5)}",
            "uuid": lambda: "-".join(self.of("0123456789abcdef", k) for k in (8, 4, 4, 4, 12)),
            "time": lambda: f"2026-{n(1, 13):02}-{n(1, 29):02}T{n(24):02}:{n(60):02}:{n(60):02}.{n(1000):03}Z",
            "addr": lambda: "0x0000" + self.of("0123456789abcdef", 12), "mac": lambda: ":".join(self.of("0123456789abcdef", 2) for _ in range(6)),
            "secret": lambda: self.random.choice(["password", "token", "api-key", "client-secret", "passphrase", "access-token"]),
        }[name]()

    def hidden(self, name):
        every = string.ascii_letters + string.digits
        return {
            "P": self.password, "U": lambda: self.password("-_."), "T": lambda: self.mixed(every, self.random.choice([24, 32, 40])),
            "H": lambda: self.mixed("0123456789abcdef", self.random.choice([32, 40, 64])),
            "B": lambda: base64.b64encode(bytes(self.random.randrange(256) for _ in range(self.random.choice([24, 32, 48])))).decode(),
        }[name]()

    def fill(self, template):
        """The text, and its secrets."""
        text, secrets = "", []
        while "{" in template:
            before, template = template.split("{", 1)
            text += before
            name, _, rest = template.partition("}")
            if name in ("P", "U", "T", "H", "B"):
                secrets.append(self.hidden(name))
                text, template = text + secrets[-1], rest
            elif name in ("user", "host", "app", "word", "n", "d", "ip", "sha", "ver", "pod", "uuid", "time", "addr", "mac", "secret"):
                text, template = text + self.plain(name), rest
            else:
                text += "{"
        return text + template, secrets


SECRETS = {
    "connection": [
        "psql: error: connection to server at \"{host}\" failed for postgresql://{user}:{U}@{host}:5432/{app}", "sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) could not translate host name in postgresql+psycopg2://{user}:{U}@{host}/{app}",
        "MongoServerSelectionError: connect ECONNREFUSED mongodb://{user}:{U}@{host}:27017/{app}?authSource=admin", "Error: getaddrinfo ENOTFOUND amqp://{user}:{U}@{host}:5672/%2f", "redis.exceptions.ConnectionError: Error 111 connecting to redis://default:{U}@{host}:6379/{d}.",
        "java.sql.SQLException: No suitable driver found for jdbc:postgresql://{host}:5432/{app}?user={user}&password={U}", "dial tcp {ip}:3306: connect: connection refused (dsn {user}:{U}@tcp({host}:3306)/{app}?parseTime=true)", "Npgsql.NpgsqlException: Host={host};Username={user};Password={U};Database={app}",
        "System.Data.SqlClient.SqlException: Server=tcp:{host},1433;User ID={user};Password={U};Encrypt=True;", "ActiveRecord::ConnectionNotEstablished: mysql2://{user}:{U}@{host}/{app}_production", "celery.exceptions.OperationalError: broker amqp://{user}:{U}@{host}// unreachable", "ftp://{user}:{U}@{host}/pub/{word}.tar.gz: 550 not found",
        "DefaultEndpointsProtocol=https;AccountName={app};AccountKey={B};EndpointSuffix=core.windows.net", "Endpoint=sb://{app}.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={B}", "ldaps://cn=admin:{U}@{host}:636 refused the bind", "clickhouse://{user}:{U}@{host}:9000/{app} timed out after {n} ms"],
    "git": [
        "fatal: unable to access 'https://{user}:{T}@github.com/{app}/{word}.git/': The requested URL returned error: 403", "fatal: Authentication failed for 'https://oauth2:{T}@gitlab.example.com/{app}/{word}.git/'", "error: failed to push some refs to 'https://{user}:{U}@{host}/{app}.git'",
        "remote: Invalid username or password for https://x-access-token:{T}@github.com/{app}/{word}", "Cloning into '{word}' from https://{T}@github.com/{app}/{word}.git", "origin\thttps://{user}:{T}@{host}/{app}/{word}.git (fetch)", "git -c http.extraHeader='Authorization: Bearer {T}' fetch origin", "warning: redirecting to https://{user}:{U}@{host}/{app}.git/"],
    "http-dump": [
        "> GET /v{d}/{app} HTTP/1.1\n> Host: {host}\n> Authorization: Bearer {T}\n> Accept: */*", "< HTTP/1.1 401 Unauthorized\n< Set-Cookie: session={T}; HttpOnly; Path=/", "POST /login HTTP/1.1\r\nContent-Length: {n}\r\n\r\nusername={user}&password={U}", "curl: (22) The requested URL returned error: 401 https://{host}/api?access_token={T}",
        "request failed: headers={'Authorization': 'Basic {B}', 'Accept': 'application/json'}", "axios error: config: {\"headers\":{\"Accept\":\"application/json\",\"X-Api-Key\":\"{T}\"},\"timeout\":{n}}", "DEBUG urllib3 send: b'GET / HTTP/1.1\\r\\nAuthorization: Token {T}\\r\\n'", "http: proxy error: Proxy-Authorization: Basic {B}",
        "[{time}] GET https://{host}/download?file={word}.zip&token={T} 403", "Refused redirect to https://{host}/callback?state={n}&code={T}", "grpc: metadata {\"authorization\": \"Bearer {T}\"} rejected by {host}", "cookie: _ga=GA1.2.{n}; sid={T}; lang=de", "HTTPError 403: https://{host}/{app}/{word}?X-Amz-Signature={H}", "Referer: https://{host}/reset?token={T}"],
    "printed-object": [
        "TypeError: cannot unpack {'user': '{user}', 'password': '{P}', 'port': {n}}", "panic: invalid config {User:{user} Password:{P} Port:{n}}", "invalid options &{Host:{host} Token:{T} Retries:{d}}", "Config [user={user}, password={P}, timeout={n}]", "thread 'main' panicked at src/main.rs:{n}: bad Credentials { user: \"{user}\", password: \"{P}\" }",
        "NoMethodError: undefined method for {:user=>\"{user}\", :password=>\"{P}\"}", "$VAR1 = {\n  'password' => '{P}',\n  'user' => '{user}'\n};", "array(2) {\n  [\"password\"]=>\n  string({d}) \"{P}\"\n}", "Credentials(user={user}, secret={T})", "DataClass(name='{app}', api_key='{T}', retries={d})", "Settings{\"client_secret\": \"{T}\", \"tenant\": \"{uuid}\"}",
        "#<Client:0x000{n} @user=\"{user}\", @api_key=\"{T}\">", "LoginRequest{username='{user}', password='{P}'}", "Map(user -> {user}, password -> {P})", "{user: '{user}', accessToken: '{T}'} is not iterable", "Login{User: \"{user}\", Secret: \"{T}\"} failed"],
    "configuration": [
        "{app}.yaml:{d}: unknown key near 'db_password: {P}'", "toml: line {d}: api_token = \"{T}\"", "config.ini: parse error at line {d}: password={P}", ".env:{d}: unexpected character in SMTP_PASSWORD={P}", "application.properties: spring.datasource.password={P}", "  + password = \"{P}\"\n  + username = \"{user}\"", "  ~ master_password = \"{P}\" -> (known after apply)",
        "invalid value in wp-config.php: define('DB_PASSWORD', '{P}');", "Error parsing docker-compose.yml: POSTGRES_PASSWORD: {P}", "settings.json: {\"smtp\": {\"user\": \"{user}\", \"password\": \"{P}\"}}", "secret_key_base: {H}", "SECRET_KEY = '{T}'  # settings.py line {d}", "kubeconfig: token: {T}\n  name: {app}", "<add name=\"Main\" connectionString=\"Server={host};Password={P};\" />",
        "export AWS_SECRET_ACCESS_KEY={T}", "aws_secret_access_key = {T}\nregion = eu-west-1", "$env:API_TOKEN = \"{T}\"", "setx DB_PASSWORD {P}", "ENV NPM_TOKEN={T}", "//registry.npmjs.org/:_authToken={T}", "[credentials]\nclient_secret: {T}\n", "jwt.secret={T}", "encryption_key: \"{B}\"", "hub_token: '{T}'"],
    "command-line": [
        "docker login -u {user} -p {U} {host}", "mysql -h {host} -u{user} -p{U} {app}", "PGPASSWORD={U} pg_dump -h {host} {app}", "curl -u {user}:{U} https://{host}/{app}", "curl -H 'Authorization: Bearer {T}' https://{host}", "helm upgrade {app} ./chart --set auth.rootPassword={U}", "ansible-playbook site.yml -e ansible_become_password={U}",
        "sshpass -p {U} ssh {user}@{ip}", "vault login -method=userpass username={user} password={U}", "az login --service-principal --username {uuid} --password {T}", "terraform apply -var db_password={U}", "kubectl create secret generic {app} --from-literal=password={U}", "twine upload --username {user} --password {U} dist/*", "wget --user={user} --password={U} https://{host}/",
        "redis-cli -h {host} -a {U} info", "openssl pkcs12 -in {word}.p12 -passin pass:{U}", "flyctl deploy --access-token {T}", "gh auth login --token {T}", "npm publish --otp=123456 --//{host}/:_authToken={T}", "mongosh --host {host} -u {user} -p {U}", "ldapsearch -x -D cn=admin,dc=example -w {U} -b dc=example", "cargo publish --token {T}", "restic -r rest:https://{user}:{U}@{host}/ backup", "smbclient //{host}/share -U {user}%{U}"],
    "log-line": [
        "{time} WARN  [{app}] login failed for {user} with password '{P}'", "{time} ERROR auth: token={T} expired {n} s ago", "level=error msg=\"bad credentials\" user={user} password={P} attempt={d}", "[{app}] retrying with api_key={T} ({d}/5)", "{time} DEBUG {app}: refresh_token={T}", "E{n} {app}: rejected secret: {T}", "{\"level\":\"error\",\"time\":\"{time}\",\"password\":\"{P}\",\"user\":\"{user}\"}",
        "{\"msg\":\"login\",\"client_secret\":\"{T}\"}", "audit: user={user} action=login passwd={P} result=denied", "sshd[{n}]: pam: passphrase={P}", "INFO  connecting with dsn=https://{H}@o{n}.ingest.sentry.io/{n}", "session_id={T} user={user} closed after {n} ms"],
    "known-key": [
        "Error: Incorrect API key provided: sk-proj-{T}. You can find your key at https://platform.example.com", "slack: invalid_auth for xoxb-{n}-{n}-{T}", "stripe: No such key: sk_live_{T}", "remote: ghp_{T} has been revoked", "could not validate glpat-{T}", "npm ERR! code E401 npm_{T}", "HTTP 401 for key AIzaSy{T}", "huggingface_hub: token hf_{T} is not valid",
        "sendgrid: SG.{T}.{T} is not authorised", "vault: permission denied for hvs.{T}", "shopify: shpat_{H} has no access", "digitalocean: dop_v1_{H} refused"],
    "build-server": [
        "Run echo \"deploying with $TOKEN\"\n  env:\n    DEPLOY_TOKEN: {T}", "[Pipeline] withEnv: [NEXUS_PASSWORD={U}]", "##[error]Input required and not supplied, got token={T}", "$ curl --silent --header \"PRIVATE-TOKEN: {T}\" https://{host}/api/v{d}", "step {d}: export SONAR_TOKEN=\"{T}\"", "Skipping cache: remote https://{user}:{U}@{host}/cache refused",
        "ERROR: Job failed: variables: {\"CI_DEPLOY_PASSWORD\": \"{T}\"}", "buildah login --username {user} --password {U} {host}", "signing config release: storePassword '{U}' is wrong", "keytool error: -storepass, password: {P}", "fastlane: FASTLANE_PASSWORD={U} was rejected"],
    "provisioning": [
        "fatal: [{ip}]: FAILED! => {\"changed\": false, \"invocation\": {\"module_args\": {\"login_user\": \"{user}\", \"login_password\": \"{P}\"}}}", "Error: Invalid value for variable db_password = \"{P}\"", "cloud-init: chpasswd: list: | password: {P}", "chef: user['{user}'] password: \"{P}\"", "pulumi: config set --secret dbPassword={U}", "Error applying secret data: api-key: {B}",
        "helm get values {app}: auth:\n  password: {P}\n  enabled: true", "consul: acl token = \"{uuid}{T}\"", "packer: ssh_password: \"{P}\" did not work for {ip}", "vagrant: config.ssh.password = '{P}'", "kafka: sasl.jaas.config=PlainLoginModule required username=\"{user}\" password=\"{P}\";", "spring.rabbitmq.password: {P}"],
    "client": [
        "AWS CLI: using aws_session_token = {T}", "gcloud: ERROR: access_token={T} has no scope", "OperationalError: could not connect: dbname={app} user={user} password={U} host={host}", "pgbouncer: cannot parse \"host={host} password={U} pool_size={d}\"", "mongodb+srv://{user}:{U}@cluster0.example.net/{app}?retryWrites=true: no reachable servers", "kombu: Cannot connect to amqps://{user}:{U}@{host}:5671//: timed out",
        "nats: authorization violation for nats://{user}:{U}@{host}:4222", "rsync: opendir failed on rsync://{user}:{U}@{host}/{word}", "svn: E170001: svn+ssh://{user}:{U}@{host}/{app} refused", "InfluxDBError: unauthorized, sent Authorization: Token {T}", "elasticsearch: https://elastic:{U}@{host}:9200/_cluster/health timed out", "Could not open jdbc:sqlserver://{host}:1433;databaseName={app};user={user};password={U}",
        "smtplib.SMTPAuthenticationError: 535 for smtp://{user}:{U}@{host}:587", "imap://{user}:{U}@{host}/INBOX: no such mailbox"],
    "web": [
        "Webhook delivery failed: POST https://{host}/hook?secret={T} returned {n}", "oauth2: cannot fetch token: client_id={uuid}&client_secret={T}&grant_type=client_credentials", "Request cookies: csrftoken={T}; sessionid={T}", "set-cookie: auth_token={T}; Secure; SameSite=Lax", "GraphQL error: variables: {\"input\":{\"email\":\"x\",\"password\":\"{P}\"}}", "fetch failed: { method: 'GET', headers: { Authorization: 'Bearer {T}' } }",
        "{time} 401 /v{d}/users?api_key={T}", "SAML: RelayState=https://{host}/?session_token={T}", "form fields: user={user}&new_password={U}&confirm=1", "x-api-key: {T}\nx-request-id: {uuid}", "Bad redirect_uri in /authorize?state={n}&access_token={T}&token_type=bearer", "<soap:Header><wsse:Password Type=\"Text\">{P}</wsse:Password></soap:Header>", "Bearer {T} is not valid for audience {host}", "signed url https://{host}/{word}.pdf?Expires={n}&Signature={T}"],
    "printed-value": [
        "received unexpected struct {Name:{user} Secret:{T} Age:{d}}", "Err(AuthError { password: \"{P}\", code: {n} })", "ValueError: bad kwargs: user='{user}', password='{P}'", "Uncaught Error: props {\"authToken\":\"{T}\",\"page\":{d}}", "KeyError in {'db': {'passwd': '{P}', 'port': {n}}}", "UserDTO(id={n}, name={user}, password={P}, active=true)", "%{password: \"{P}\", user: \"{user}\"}", "<User id={n} api_key=\"{T}\">", "[user: \"{user}\", password: \"{P}\"]",
        "credentials = Credentials(username: \"{user}\", passphrase: \"{P}\")", "NSInvalidArgumentException: { password = \"{P}\"; user = {user}; }", "(:user \"{user}\" :password \"{P}\")", "object(Config)#{d} token => {T}", "invalid row: user={user};pwd={U};role=admin"],
    "shell": [
        "+ mysqldump -h {host} -u {user} -p{U} {app}", "+ export GITHUB_TOKEN={T}", "zsh: no matches found: https://{user}:{U}@{host}/?x=*", "bash: {app}: --api-token={T}: invalid option", "fish: Unknown command: API_SECRET={U}", "PS C:\\> Connect-{app} -User {user} -Password {U}", "cmd /c {app}.exe /user:{user} /password:{U}", "su -c \"PGPASSWORD={U} psql -h {host}\" postgres", "http -a {user}:{U} https://{host}/{app}", "xargs: curl -s -u {user}:{U} https://{host}: exited with {d}"],
    "settings": [
        "[smtp]\nhost = {host}\npassword = {P}\nport = 587", "<property name=\"hibernate.connection.password\">{P}</property>", "password: '{P}' # {app} line {d}", "wifi: {\"ssid\": \"{word}\", \"passphrase\": \"{P}\"}", "services:\n  {app}:\n    environment:\n      - REDIS_PASSWORD={U}", "\"azure\": {\"clientSecret\": \"{T}\"}", "datadog.yaml: api_key: {H}", "mail.smtp.password={P}", "APP_KEY=base64:{B}", "webhook_secret = '{T}'", "private_token: {T}", "rabbitmq.conf: default_pass = {P}"],
    "issued-key": [
        "Rejected: token gho_{T} lacks scope repo", "xoxp-{n}-{n}-{n}-{H} is not allowed to post", "openai.AuthenticationError: sk-{T}", "found rk_live_{T} in {word}.json", "pypi: 403 for pypi-AgEIcHlwaS5vcmc{T}{T}", "grafana: glsa_{T}_{sha} expired", "doppler could not use {T}", "license {T} is for another host", "key fingerprint of {H} refused", "could not decode jwt eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ{T}.{T}"],
}

INNOCENT = {
    "option-parser": [
        "error: option '--{secret}' requires an argument", "{app}: option requires an argument -- 'p'", "error: the following required arguments were not provided: --{secret} <VALUE>", "Error: flag needs an argument: --{secret}", "error: argument --{secret}: expected one argument", "Error: Option '--{secret}' requires an argument.", "error: a value is required for '--{secret} <VALUE>' but none was supplied",
        "{app}: unrecognized option '--{secret}'", "unknown flag: --{secret}", "Missing required option: '--{secret}=<{secret}>'", "error: the argument '--{secret}' cannot be used with '--anonymous'", "required flag --{secret} not provided, try --help", "missing argument: --{secret}", "error: --{secret} and --{secret}-stdin are mutually exclusive", "WARNING! Using --{secret} via the CLI is insecure. Use --{secret}-stdin.",
        "--{secret} expects a value", "Flag --{secret} has been deprecated, use --auth instead", "option --{secret} doesn't allow an argument", "option '--{secret}' is ambiguous", "usage: {app} [--{secret} VALUE] [--user NAME] FILE", "  --{secret} string   read from the environment if empty (default \"\")", "Invalid value for '--{secret}': must not be empty", "use --{secret} or set the variable", "--{secret} was given twice",
        "please pass --{secret} when not logged in", "Specify --{secret} only once", "ignoring --{secret} because --anonymous is set", "flag provided but not defined: -{secret}", "unexpected argument '--{secret}' found", "--{secret} takes a file name", "the option --{secret} must come before the command", "No value given for --{secret}"],
    "about-secrets": [
        "Error: password must be at least {d} characters long", "Your password has expired and must be changed", "fatal: could not read Password for 'https://{host}': terminal prompts disabled", "Permission denied (publickey,password).", "Enter passphrase for key 'id_ed25519': ", "error: no token found in environment or config", "Password for user {user}: ", "sudo: a password is required", "su: Authentication failure",
        "psql: error: fe_sendauth: no password supplied", "FATAL: password authentication failed for user \"{user}\"", "Access denied for user '{user}'@'{host}' (using password: YES)", "ERROR 1045 (28000): Access denied (using password: NO)", "NOAUTH Authentication required.", "WRONGPASS invalid username-password pair or user is disabled.", "npm ERR! need auth This command requires you to be logged in.", "denied: requested access to the resource is denied",
        "invalid_grant: refresh token is invalid, expired or revoked", "JsonWebTokenError: jwt malformed", "TokenExpiredError: jwt expired", "SyntaxError: Unexpected token < in JSON at position {d}", "SyntaxError: Unexpected token '}', \"{}\" is not valid JSON", "error: expected token `;`, found `}`", "unexpected token `newline'", "CSRF token missing or incorrect", "ValueError: API key not set", "The API key provided does not match any project",
        "KeyError: 'password'", "AttributeError: 'NoneType' object has no attribute 'token'", "missing field `client_secret` at line {d} column {n}", "secret \"{app}-tls\" not found", "Error from server (NotFound): secrets \"{app}\" not found", "MountVolume.SetUp failed for volume \"{app}\" : secret \"{app}\" not found", "couldn't find key password in Secret default/{app}", "password: <redacted>", "token: ***", "password = (sensitive value)", "api_key: \"\"", "secret: null",
        "max_tokens must be less than {n}", "prompt_tokens: {n}, completion_tokens: {n}", "context length exceeded: {n} tokens", "tokens used: {n}", "password reset e-mail sent", "Signature verification failed", "gpg: Can't check signature: No public key", "signature: does not match", "keyring: no secret service available", "credentials: helper exited with status {d}", "cookie: jar is empty", "The cookie has no Secure attribute",
        "auth: pam_unix: authentication failure", "Authorization header is missing", "authorization: required", "session: opened for user {user}", "unable to load private key: bad decrypt", "pass: {n}, fail: {d}, skip: {d}", "passed={n} failed={d}", "bypass={d}", "key: value pairs expected", "primary key: id", "foreign key: user_id", "hash: sha256", "pin: no such label", "secret sharing needs {d} parts"],
    "compiler": [
        "src/{word}.c:{n}:{d}: error: '{word}' undeclared (first use in this function)", "{word}.cpp:{n}:{d}: error: no matching function for call to 'std::vector<std::pair<int, std::string>>::push_back(int)'", "error[E0382]: borrow of moved value: `{word}`", " --> src/{word}/mod.rs:{n}:{d}", "./{word}.go:{n}:{d}: undefined: {word}Handler", "src/{word}.ts({n},{d}): error TS2345: Argument of type 'string' is not assignable to parameter of type 'number'.",
        "error: cannot find symbol class {word}Factory location: package com.example.{app}", "warning: initializer for situation never used; consider replacing with '_'", "undefined reference to `{word}_get_handle_for_descriptor'", "/usr/bin/ld: {word}.o: relocation R_X86_64_32S against `.rodata' can not be used when making a PIE object; recompile with -fPIE", "collect2: error: ld returned 1 exit status", "make[{d}]: *** [Makefile:{n}: build/{word}.o] Error 1",
        "ninja: build stopped: subcommand failed.", "CMake Error at CMakeLists.txt:{n} (find_package): Could not find a package configuration file provided by \"{word}\"", "error: linking with `cc` failed: exit status: 1", "note: `-Wimplicit-function-declaration` enabled by default", "ld: symbol(s) not found for architecture arm64", "lib{word}.so.{d}: cannot open shared object file: No such file or directory", "version `GLIBC_2.34' not found (required by ./{app})",
        "In file included from /usr/include/x86_64-linux-gnu/bits/libc-header-start.h:33", "_ZNSt6vectorIiSaIiEE17_M_realloc_insertIJRKiEEEvN9__gnu_cxx17__normal_iteratorIPiS1_EEDpOT_", "instantiation of 'void process<T>(T) [with T = {word}]'", "#define {word}_MAX_BUFFER_SIZE_FOR_INTERNAL_USE 4096"],
    "package-manager": [
        "E: Unable to locate package {word}-dev", "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process {n} (apt-get)", "npm WARN deprecated {word}@{ver}: this package is no longer supported", "npm ERR! ERESOLVE unable to resolve dependency tree", "ERROR: No matching distribution found for {word}=={ver}", "error: failed to select a version for `{word}`.", "warning: unused manifest key: package.{word}", "Could not find artifact com.example:{word}:jar:{ver}-SNAPSHOT in central",
        "Could not resolve all files for configuration ':{app}:debugCompileClasspath'.", "go: {word}@v{ver}: reading example.com/{word}/go.mod at revision v{ver}: unknown revision", "go: example.com/{word}@v0.0.0-20260102030405-{sha}: invalid pseudo-version", "Bundler could not find compatible versions for gem \"{word}\"", "Downloading {word}-{ver}-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl ({d}.{d} MB)", "Unpacking lib{word}{d}:amd64 ({ver}-2+deb12u1) ...",
        "{word}-{ver}.tgz: checksum mismatch", "Requirement already satisfied: {word}>={ver} in ./venv/lib/python3.12/site-packages", "yarn install v{ver}", "pnpm: ERR_PNPM_OUTDATED_LOCKFILE", "brew: {word} {ver} is already installed", "dpkg-deb: building package '{word}' in '../{word}_{ver}_amd64.deb'."],
    "cluster": [
        "pod/{pod} is in CrashLoopBackOff", "Error from server (NotFound): pods \"{pod}\" not found", "Back-off restarting failed container {app} in pod {pod}_default({uuid})", "Successfully assigned default/{pod} to gke-prod-default-pool-{sha}-x2vq", "node ip-10-0-{d}-{n}.eu-west-1.compute.internal not ready", "deployment \"{app}\" exceeded its progress deadline", "Failed to pull image \"{host}/{app}:{ver}\": not found", "replicaset/{app}-6b8d7c5f9d created",
        "job {app}-28391040-7xk2p failed", "evicted {pod}: node was low on memory", "kubelet: {pod}: OOMKilled", "container {sha} exited with {d}", "Liveness probe failed: HTTP probe failed with statuscode: {n}", "endpoint {pod}:{n} removed", "logs of {pod} are empty", "service/{app} NodePort {ip} <none> 80:{n}/TCP", "statefulset {app}-db-{d} waits for pvc data-{app}-db-{d}", "{pod}   1/1   Running   {d}   {n}m", "Error response from daemon: No such container: {sha}",
        "docker: Error response from daemon: Conflict. The container name \"/{app}\" is already in use", "{app}-worker-us-east1-b-{sha} lost its lease", "vm {app}-prod-westeurope-00{d} deallocated", "task {uuid} stopped: essential container exited", "lambda /aws/lambda/{app}-{word}-handler timed out", "stack {app}-network-staging is in UPDATE_ROLLBACK_COMPLETE"],
    "trace": [
        "Traceback (most recent call last):\n  File \"/usr/lib/python3/dist-packages/{word}/core.py\", line {n}, in run", "    at Object.<anonymous> (/srv/{app}/node_modules/{word}/lib/index.js:{n}:{d})", "\tat com.example.{app}.{word}Controller$$EnhancerBySpringCGLIB$$1.handle({word}Controller.java:{n})", "java.lang.NullPointerException: Cannot invoke \"String.length()\" because \"<local1>\" is null", "goroutine {n} [running]:\nmain.main()\n\t/go/src/{app}/main.go:{n} +0x1b2",
        "panic: runtime error: index out of range [{d}] with length {d}", "   {d}: core::panicking::panic_fmt\n             at /rustc/{sha}/library/core/src/panicking.rs:72:14", "#{d}  {addr} in __GI_raise (sig=6) at ../sysdeps/unix/sysv/linux/raise.c:50", "Segmentation fault (core dumped)", "Unhandled exception. System.InvalidOperationException: Sequence contains no elements", "   at {app}.Program.Main(String[] args) in /src/Program.cs:line {n}", "RuntimeError: CUDA out of memory. Tried to allocate {n}.00 MiB",
        "AssertionError: expected {n} to equal {n}", "{word}_test.go:{n}: got {n}, want {n}", "FAILED tests/test_{word}.py::test_{word}_handles_empty_input - AssertionError", "caused by: java.net.SocketTimeoutException: Read timed out", "Exception in thread \"pool-{d}-thread-{d}\" java.lang.OutOfMemoryError: Java heap space", "libc++abi: terminating due to uncaught exception of type std::out_of_range: basic_string", "==ERROR: AddressSanitizer: heap-use-after-free on address {addr} at pc {addr}"],
    "network": [
        "curl: (6) Could not resolve host: {host}", "curl: (60) SSL certificate problem: unable to get local issuer certificate", "connect to {ip} port {n} failed: Connection refused", "ssh: connect to host {ip} port 22: Connection timed out", "SSL_ERROR_SYSCALL, errno 104", "x509: certificate signed by unknown authority", "tls: failed to verify certificate: x509: certificate is valid for {host}, not localhost", "read tcp {ip}:{n}->{ip}:443: i/o timeout", "HTTP/2 stream {d} was not closed cleanly: INTERNAL_ERROR (err 2)",
        "{ip} - - [12/May/2026:11:30:45 +0000] \"GET /index.html HTTP/1.1\" 200 {n}", "GET https://{host}/api/v{d}/items?page={d}&sort=name 500 in {n} ms", "upstream prematurely closed connection while reading response header", "ICMP host unreachable from {ip}", "eth0: link/ether {mac} brd ff:ff:ff:ff:ff:ff", "inet6 fe80::{sha}/64 scope link", "dig: couldn't get address for '{host}': not found", "Host key verification failed.", "429 Too Many Requests: retry after {n} seconds", "CORS policy: No 'Access-Control-Allow-Origin' header is present",
        "The server's certificate chain is incomplete: depth {d}", "ETag: \"{sha}\"", "Content-Security-Policy: default-src 'self'; img-src *", "accept-encoding: gzip, deflate, br"],
    "system": [
        "{app}.service: Main process exited, code=exited, status={d}/FAILURE", "Failed to start {app}.service: Unit {app}.service not found.", "systemd[1]: Reached target Multi-User System.", "bash: line {d}: {word}: command not found", "cp: cannot stat '{word}/{word}.txt': No such file or directory", "rm: cannot remove '{word}': Directory not empty", "No space left on device", "mount: /mnt/{word}: unknown filesystem type 'ext5'.", "kernel: [{n}.{n}] usb 1-{d}: new high-speed USB device number {d} using xhci_hcd",
        "Out of memory: Killed process {n} ({app}) total-vm:{n}kB", "crontab: installing new crontab", "0 {d} * * {d} /usr/local/bin/{app} --quiet", "tar: {word}: Cannot open: Permission denied", "/dev/sda{d}: clean, {n}/{n} files", "W: GPG error: InRelease: NO_PUBKEY 0E98404D386FA1D9", "fatal: not a git repository (or any of the parent directories): .git", "CONFLICT (content): Merge conflict in src/{word}.rs", "HEAD is now at {sha} Fix {word}", "[main {sha}] Add {word}\n {d} files changed, {n} insertions(+)",
        "error: pathspec '{word}' did not match any file(s) known to git", "Auto-merging {word}/package-lock.json", "hint: Updates were rejected because the remote contains work that you do not have locally.", "error: could not lock config file .git/config: File exists", "{time} INFO  [{app}] started in {n} ms (pid {n})", "level=info msg=\"listening\" addr=:{n} version={ver}", "{\"level\":\"info\",\"ts\":\"{time}\",\"caller\":\"{app}/server.go:{n}\",\"msg\":\"ready\"}"],
    "data": [
        "ERROR: duplicate key value violates unique constraint \"{word}_pkey\"", "ERROR: column \"{word}\" does not exist at character {n}", "ORA-00942: table or view does not exist", "SQLSTATE[42S02]: Base table or view not found: 1146 Table '{app}.{word}' doesn't exist", "Deadlock found when trying to get lock; try restarting transaction", "SELECT id, name FROM {word} WHERE created_at > '2026-01-01' LIMIT {n}", "INSERT INTO {word} (id, label) VALUES ({n}, '{word}')", "ObjectId('{word}') is not a valid ObjectId",
        "json: cannot unmarshal string into Go struct field {word}.count of type int", "yaml: line {n}: mapping values are not allowed in this context", "toml: expected '=' after key at line {d}", "ParserError: Error tokenizing data. C error: Expected {d} fields in line {n}, saw {d}", "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xe4 in position {n}: invalid continuation byte", "schema {word} version {ver} is not compatible", "migration 20260102030405_create_{word}_table failed", "row {n}: '{word}' is not in ['{word}', '{word}']", "redis: WRONGTYPE Operation against a key holding the wrong kind of value",
        "key {app}:{word}:{n} has no expiry", "cache key=user:{n} miss", "partition key={n} offset={n}", "dict key=value expected", "bucket {app}-assets-eu-central-1 does not exist", "request {uuid} was rejected", "trace {uuid} span {n} not sampled", "order {uuid}: payment pending"],
    "help": [
        "  -p, --{secret} <value>   {secret} of the account", "      --{secret}-file path   read it from a file", "See '{app} login --help'.", "Usage: {app} [OPTIONS] COMMAND [ARGS]...", "try '{app} --help' for more information", "  --no-{secret}   do not ask for one", "The --{secret} flag is only valid together with --user", "Options:\n  --{secret} TEXT  [required]", "Did you mean --{secret}?", "cannot combine --{secret} with --{secret}-file", "option --{secret}: value missing",
        "Error: --{secret}: this option may be given once", "{app}: ambiguous option: --pass could be --password or --passphrase", "Warning: --{secret} was ignored", "environment variable for --{secret} is not set", "Use --{secret} to log in without a prompt", "--{secret} is not supported on this platform", "Passing --{secret} on the command line shows it to other users", "unknown shorthand flag: 'p' in -p"],
    "login": [
        "Login incorrect", "Too many authentication failures for {user}", "{user} is not in the sudoers file.", "error: invalid username or token", "401 Unauthorized: missing bearer token", "Your session has expired. Please log in again.", "The token has {d} minutes left", "could not refresh credentials: network is down", "account locked after {d} wrong passwords", "Wrong passphrase, try again ({d} left)", "password hash uses an old scheme", "passwords must match", "New password:", "Retype new password:",
        "Password updated successfully", "secret rotated {d} days ago", "Token endpoint returned {n}", "no matching credential for {host}", "credential cache is empty", "api key quota exceeded: {n} calls a day", "invalid_client: client authentication failed", "keychain: item could not be found", "ssh_askpass: exec(/usr/bin/ssh-askpass): No such file or directory", "two-factor code required", "Kerberos ticket expired at {time}", "user {user} has no password set", "privilege: token lacks the scope read:org", "password policy: at least one digit",
        "fatal: Authentication failed", "error: cannot read token from standard input", "unexpected token: ')' at {n}:{d}", "expected identifier but found token 'else'", "tokenizer stopped at offset {n}", "signature mismatch for {word}-{ver}.tar.gz", "session: closed by peer", "cookies: disabled", "auth: no mechanism available", "pass: all {n} checks", "secrets: {n} found", "key: not in map"],
    "toolchain": [
        "error: no such module '{word}'", "{word}.swift:{n}:{d}: error: value of type '{word}' has no member 'count'", "{word}.kt: ({n}, {d}): Unresolved reference: {word}", "{word}.java:{n}: error: incompatible types: int cannot be converted to String", "Module not found: Error: Can't resolve './{word}' in '/app/src'", "TS2339: Property '{word}' does not exist on type 'never'.", "elixir: ** (UndefinedFunctionError) function {word}.run/{d} is undefined", "ghc: Variable not in scope: {word} :: Int -> Int",
        "zig: error: use of undeclared identifier '{word}'", "{word}.py:{n}: DeprecationWarning: datetime.utcnow() is deprecated", "mypy: {word}.py:{n}: error: Incompatible return value type (got \"int\", expected \"str\")", "eslint: {n}:{d}  error  '{word}' is defined but never used  no-unused-vars", "clippy: this `if` has identical blocks", "FAILURE: Build failed with an exception.", "BUILD SUCCESSFUL in {d}s", "Execution failed for task ':{app}:compileReleaseKotlin'.", "warning: LF will be replaced by CRLF in {word}.txt",
        "dyld: Library not loaded: @rpath/lib{word}.dylib", "error: externally-managed-environment", "gpg: signature from key id {sha}", "_$s4main{d}ABCVMa referenced from {word}.o", "std::__1::basic_string<char, std::__1::char_traits<char>, std::__1::allocator<char>>::append", "Cannot find module '@{word}/{app}-core/dist/cjs/index.production.min.js'", "test_{word}_returns_404_when_user_is_missing ... FAILED", "it should render {word} without crashing ({n} ms)"],
    "operations": [
        "{pod} 0/1 ImagePullBackOff {d} {n}m", "deleting pod {pod} on node worker-{d}", "kubectl logs -f {pod} -c {app}", "Warning  Unhealthy  pod/{pod}  Readiness probe failed", "network {app}_default declared as external, but could not be found", "Creating {app}_{word}_1 ... done", "droplet {app}-fra1-0{d} is off", "i-0{sha} is stopping", "vol-{sha} attached to /dev/sdf", "alarm {app}-cpu-high-eu-north-1 is in state ALARM", "host {app}-{sha}-{d}.{host} rebooted", "traefik: router {app}-web@docker has no service",
        "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)", "haproxy: backend {app} has no server available!", "etcd: request timed out after {n}ms", "raft: term {n} election lost", "lvm: {word}-vg/{word}-lv not active", "zfs: pool {word} is {d}{d}% full", "cert {host} expires in {d} days", "backup {app}-2026-05-12-{n}.tar.zst written", "restored snapshot {uuid}", "artifact {app}-{ver}-linux-amd64.tar.gz uploaded", "image {host}/{app}:{ver}-alpine3.20 pulled", "cron.daily/{word}: exited with {d}", "run {uuid} cancelled by {user}"],
    "runtime": [
        "Error: listen EADDRINUSE: address already in use :::{n}", "RangeError: Maximum call stack size exceeded", "IndexError: list index out of range", "ZeroDivisionError: division by zero", "undefined local variable or method `{word}' for main:Object", "PHP Warning:  Undefined array key \"{word}\" in /var/www/{app}/index.php on line {n}", "segfault at {n} ip {addr} sp {addr} error {d} in lib{word}.so", "fatal error: all goroutines are asleep - deadlock!", "thread '{word}' has overflowed its stack", "*** stack smashing detected ***: terminated",
        "java.util.concurrent.TimeoutException: Futures timed out after [{d} seconds]", "at async Promise.all (index {d})", "Process finished with exit code {d}", "GC pause (G1 Evacuation Pause) {n}M->{d}M", "ResourceExhausted: {n} of {n} connections in use", "retrying in {d}s (attempt {d} of 5)", "warning: {word} took {n} ms", "I0512 11:30:45.{n} {n} server.go:{n}] Serving on [::]:{n}", "[{n}:{n}:0512/113045.{n}:ERROR:gpu_init.cc({n})] Passthrough is not supported", "objc[{n}]: Class {word} is implemented in both {addr} and {addr}", "ModuleNotFoundError: No module named '{word}'"],
    "records": [
        "ERROR:  relation \"{word}\" already exists", "Cannot add foreign key constraint", "UNIQUE constraint failed: {word}.email", "E11000 duplicate key error collection: {app}.{word} index: _id_", "CSV line {n}: expected {d} columns but got {d}", "UPDATE {word} SET state = 'done' WHERE id = {n}", "explain: Seq Scan on {word}  (cost=0.00..{n}.00 rows={n} width={d})", "{\"id\": \"{uuid}\", \"state\": \"failed\", \"tries\": {d}}", "<error code=\"{n}\">{word} not found</error>", "schema: {word}.{app} has no field {word}", "key=value pairs at line {d} are not sorted",
        "checksum of block {n} differs", "sha256:{sha} is not in the index", "commit {sha} is not an ancestor of {sha}", "rows: {n}, skipped: {d}, failed: {d}", "sort key={word} order=desc", "lang=de&page={d}&key=title", "topic {app}.{word}.v{d} partition {d} offset {n}", "date {time} is out of range", "mac {mac} seen on port {d}", "user_id={uuid} was merged into {uuid}", "trace_id={uuid} took {n} ms"],
}


def rows(seed, secrets_by_kind, innocent_by_kind):
    """[kind, text, secret ...] with secrets, and [kind, text] without."""
    writer = Writer(seed)
    secrets, innocent = [], []
    for kind, templates in secrets_by_kind.items():
        for template in templates:
            for _ in range(8):
                text, hidden = writer.fill(template)
                secrets.append([kind, text, *hidden])
    for kind, templates in innocent_by_kind.items():
        for template in templates:
            innocent += [[kind, writer.fill(template)[0]] for _ in range(5 if "{" in template else 1)]
    return secrets, innocent
