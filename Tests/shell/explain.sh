# shellcheck shell=bash
# A7, A9 to A12 and A14 to A16 as the helper shows them.

# decides SOURCE ON [VARIABLE=VALUE...]: what explain says of tool t, and status with it.
decides() {
    local source=$1 on=$2
    shift 2
    env "$@" telemetry explain --tool t --json >out
    expect_json out 'j["source"], j["enabled"], [s["source"] for s in j["sources"] if s["counted"]]' "('$source', $on, ['$source'])"
    env "$@" telemetry explain --tool t >text
    # And one about receivers of the user's own.
    expect_equal "$(grep -c '^> ' text)" 2
    expect_part text "> $source "
    env "$@" telemetry status --tool t --json >out
    expect_json out 'j["source"], j["enabled"]' "('$source', $on)"
}

# manifest TEXT: of tool t, with more keys.
manifest() {
    mkdir -p "$HOME/.local/share/telemetry/tools"
    printf 'tool: {name: t}\n%s\n' "$1" >"$HOME/.local/share/telemetry/tools/t.yaml"
}
config() {
    mkdir -p "$HOME/.config/t"
    printf '%s' "$1" >"$HOME/.config/t/config"
}
with_config='config: {file: t/config, key: telemetry.enabled, local_only_key: telemetry.local, project_file: .t.yaml}'

explain_all() {
    telemetry explain --tool t >out
    expect_equal "$(grep -c '^[> ] ' out)" 28
    expect_line out "> default                     off      off until the user enables it"
    expect_line out "local only: no"
    decides default False A=b
    enable t
    decides "preference file" True A=b
    decides DO_NOT_TRACK False DO_NOT_TRACK=1
    decides "TELEMETRY_ENABLED variable" False T_TELEMETRY_ENABLED=maybe
    T_TELEMETRY_ENABLED=maybe telemetry explain --tool t --json >out
    expect_json out 'len(j["warnings"]), [s["note"] for s in j["sources"] if s["source"] == "preference file"]' \
        "(1, ['the user enabled it; overruled by TELEMETRY_ENABLED variable'])"
}
test_case "A14 explain: one line per source, and who won" explain_all

explain_makes_nothing() {
    manifest "$with_config"
    home_tree >before
    telemetry explain --tool t >out
    telemetry explain --tool t --json >out
    home_tree | cmp - before
}
test_case "A14 explain creates nothing" explain_makes_nothing

explain_a_mistake() {
    manifest 'consnet: opt-in'
    capture telemetry explain --tool t --json
    expect_code 0
    expect_json out 'j["source"], j["enabled"], "consnet" in j["reason"]' "('options', False, True)"
}
test_case "A14 a mistake in the manifest is explained" explain_a_mistake

config_yaml_and_json() {
    manifest "$with_config"
    decides default False A=b
    config 'telemetry: {enabled: true}'
    decides "tool config" True A=b
    telemetry track x --tool t
    expect_equal "$(event_count t)" 1
    decides CI False CI=1
    decides CI False GITHUB_ACTIONS=true
    decides "tool config" True CI=false GITHUB_ACTIONS=true
    config '{"telemetry": {"enabled": false}}'
    decides "tool config" False A=b
    config 'telemetry: {enabled: perhaps}'
    decides "tool config" False A=b
    capture telemetry track x --tool t
    expect_code 0
    expect_part err "telemetry.enabled is 'perhaps'; expected true or false"
    expect_equal "$(wc -l <err)" 1
    expect_equal "$(event_count t)" 1
}
test_case "A9 A11 the tool's config, YAML and JSON; a yes there does not count in CI" config_yaml_and_json

project_lowers() {
    manifest "$with_config"
    config 'telemetry: {enabled: true}'
    echo 'telemetry: {enabled: false}' >.t.yaml
    decides "project config" False A=b
    (cd "$HOME" && decides "tool config" True A=b)
    echo 'telemetry: {enabled: true}' >.t.yaml
    config ''
    decides default False A=b
    config 'telemetry: {enabled: false}'
    decides "tool config" False A=b
}
test_case "A9 the project's config can switch off, never on" project_lowers

contradiction() {
    manifest "$with_config"
    config 'telemetry: {enabled: false}'
    enable t
    capture telemetry track x --tool t
    expect_code 0
    expect_equal "$(cat err)" "telemetry: track: $HOME/.config/telemetry/t/enabled says on, $HOME/.config/t/config says off; the first one counts"
    expect_equal "$(event_count t)" 1
    capture telemetry track x --tool t --quiet
    expect_silent err
}
test_case "A15 a preference against the config: one warning that names both" contradiction

forced() {
    manifest 'force: true'
    decides force True A=b
    decides force True T_TELEMETRY_ENABLED=0 CI=1
    decides DO_NOT_TRACK False DO_NOT_TRACK=1
    decides "NO_TELEMETRY variable" False T_NO_TELEMETRY=1
    telemetry explain --tool t --no-telemetry --json >out
    expect_json out 'j["source"]' 'no-telemetry option'
    manifest "$(printf 'force: true\nenabled: false')"
    decides "author gate" False A=b
}
test_case "A12 force: above what the user has set, below what refuses" forced

all_tools() {
    enable t
    mkdir "$HOME/.config/telemetry/_all"
    echo false >"$HOME/.config/telemetry/_all/enabled"
    decides "all-tools preference" False A=b
    decides "TELEMETRY_ENABLED variable" True T_TELEMETRY_ENABLED=1
    echo true >"$HOME/.config/telemetry/_all/enabled"
    decides "preference file" True A=b
    echo x >"$HOME/.config/telemetry/_all/enabled"
    decides "all-tools preference" False A=b
}
test_case "A8 the answer for all tools can only refuse" all_tools

local_only() {
    manifest "$with_config"
    T_TELEMETRY_LOCAL=1 telemetry explain --tool t --json >out
    expect_json out 'j["local_only"], j["enabled"]' "(True, False)"
    T_TELEMETRY_LOCAL=0 telemetry explain --tool t --json >out
    expect_json out 'j["local_only"]' False
    config 'telemetry: {local: true}'
    telemetry explain --tool t >out
    expect_line out "local only: yes: $HOME/.config/t/config says so"
}
test_case "A7 local only, from the variable and the config" local_only

lazy() {
    manifest "$with_config"
    config 'telemetry: {enabled: true}'
    cat >consent.c <<'C'
#include <telemetry.h>
int main(void)
{
    telemetry_options *options = telemetry_options_new("t", "1");
    telemetry_options_set_config(options, "t/config", "telemetry.enabled");
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    bool on = telemetry_enabled(telemetry);
    telemetry_close(telemetry, 0);
    return on ? 0 : 1;
}
C
    cc -I"$build/include" consent.c -o consent -L"$build/lib" -ltelemetry -Wl,-rpath,"$build/lib"
    ./consent
    DO_NOT_TRACK=1 strace -f -qq -e trace=openat -o trace ./consent && fail "on"
    ! grep -E 'libyaml|/t/config|telemetry/(t|_all)/' trace || fail "more than was needed"
    strace -f -qq -e trace=openat -o trace ./consent
    grep -q libyaml trace
}
test_case "A9 a refusal in the environment opens no config and loads no library" lazy

# Both forms of the library's explanation are the helper's.
same_text() {
    manifest "$with_config"
    config 'telemetry: {enabled: true}'
    cat >explain.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <telemetry.h>
int main(int count, char **arguments)
{
    telemetry_format format = atoi(arguments[count - 1]) ? TELEMETRY_FORMAT_JSON : TELEMETRY_FORMAT_TEXT;
    telemetry_options *options = telemetry_options_new("t", NULL);
    telemetry_options_load_manifest(options, NULL);
    if (getenv("FORCE")) {
        telemetry_options_set_force(options, true);
        telemetry_options_set_local_only(options, true);
        telemetry_options_set_config(options, NULL, NULL);
        telemetry_options_set_project_config(options, "other", "a.b");
    }
    size_t size = telemetry_explain(options, format, NULL, 0) + 1;
    char *buffer = malloc(size);
    if (telemetry_explain(options, format, buffer, size) != size - 1) return 1;
    if (telemetry_explain(NULL, format, buffer, 0) || telemetry_explain(options, (telemetry_format)7, NULL, 0)) return 1;
    fputs(buffer, stdout);
    char cut[9];
    if (telemetry_explain(options, format, cut, sizeof cut) != size - 1 || cut[8]) return 1;
    free(buffer);
    telemetry_options_free(options);
    return 0;
}
C
    cc -I"$build/include" explain.c -o explain -L"$build/lib" -ltelemetry -Wl,-rpath,"$build/lib"
    for settings in A=b DO_NOT_TRACK=1 CI=1 T_TELEMETRY_ENABLED=x T_TELEMETRY_LOCAL=1; do
        env "$settings" telemetry explain --tool t >out
        env "$settings" ./explain 0 | cmp - out
        env "$settings" telemetry explain --tool t --json >out
        env "$settings" ./explain 1 | cmp - out
    done
    FORCE=1 ./explain 1 >out
    expect_json out 'j["source"], j["local_only"], [s["note"] for s in j["sources"] if "config" in s["source"]]' \
        "('force', True, ['other holds no answer', 'the tool names none'])"
}
test_case "A14 telemetry_explain() says what the helper says, byte for byte" same_text

# Shell text: /etc becomes a layer over itself, in the directory layer, that ends with the process.
own_etc='mount --make-rprivate /; mount -t tmpfs none layer; mkdir layer/upper layer/work
    mount -t overlay overlay -o lowerdir=/etc,upperdir=layer/upper,workdir=layer/work /etc'

# in_namespace FUNCTION: with an /etc/telemetry and an /etc/passwd that are not the machine's.
in_namespace() {
    printf 'root:x:0:0::%s:/bin/sh\nuser:x:1000:1000::%s:/bin/sh\n' "$HOME/root" "$HOME/user" >"$PWD/passwd"
    export -f policy_rules sudo_rules decides fail expect_json expect_equal expect_part json
    export -f enable event_count events home_tree manifest
    mkdir layer
    unshare -m bash -euc "$own_etc"'; mount --bind passwd /etc/passwd; mkdir -p /etc/telemetry; "$1"' - "$1"
}

policy_rules() {
    local policy=/etc/telemetry/policy.yaml
    enable t
    decides "preference file" True A=b
    echo 'telemetry: off' >$policy
    decides "admin policy" False A=b
    decides "admin policy" False T_TELEMETRY_ENABLED=1
    telemetry track x --tool t
    expect_equal "$(event_count t)" 0
    echo 'tools: {t: off}' >$policy
    decides "admin policy" False T_TELEMETRY_ENABLED=1
    echo 'tools: {other: off}' >$policy
    decides "preference file" True A=b
    echo 'telemetry: on' >$policy
    decides "preference file" True A=b
    for text in 'telemetry: maybe' 'unknown: on' '' '{'; do
        echo "$text" >$policy
        decides "admin policy" False T_TELEMETRY_ENABLED=1
        expect_json out 'len(j["warnings"]), "/etc/telemetry/policy.yaml" in j["warnings"][0]' "(1, True)"
    done
    echo 'telemetry: on' >$policy
    chmod 666 $policy
    decides "admin policy" False T_TELEMETRY_ENABLED=1
    chmod 644 $policy
    chown 1000 $policy
    decides "admin policy" False T_TELEMETRY_ENABLED=1
    manifest 'force: true'
    decides "admin policy" False A=b
}

sudo_rules() {
    mkdir -p "$HOME/root" "$HOME/user/.config/telemetry/t"
    echo true >"$HOME/user/.config/telemetry/t/enabled"
    chown -R 1000:1000 "$HOME/user"
    enable t
    decides "preference file" True SUDO_UID=1000
    telemetry track x --tool t
    expect_equal "$(event_count t)" 1
    echo false >"$HOME/user/.config/telemetry/t/enabled"
    for variable in SUDO_UID=1000 PKEXEC_UID=1000 DOAS_USER=user; do decides "invoking user" False "$variable"; done
    echo garbage >"$HOME/user/.config/telemetry/t/enabled"
    decides "invoking user" False SUDO_UID=1000
    # Nothing of theirs is touched, even if HOME is theirs; root's own home is used.
    echo true >"$HOME/user/.config/telemetry/t/enabled"
    (cd "$HOME/user" && find . | sort) >before
    SUDO_UID=1000 HOME=$HOME/user telemetry enable --tool t --quiet
    SUDO_UID=1000 HOME=$HOME/user telemetry track x --tool t
    (cd "$HOME/user" && find . | sort) | cmp - before
    expect_equal "$(cat "$HOME/root/.config/telemetry/t/enabled")" true
    expect_equal "$(wc -l <"$HOME/root/.local/state/telemetry/t/events.jsonl")" 1
}

can_layer() (cd "$(mktemp -d)" && mkdir layer && unshare -m bash -euc "$own_etc" 2>/dev/null)
if [ "$(id -u)" -eq 0 ] && can_layer; then
    test_case "A10 the administrator's policy" in_namespace policy_rules
    test_case "A16 sudo: the invoking user's refusal counts, and nothing is written into their home" in_namespace sudo_rules
else
    echo "# A10 and A16 are not tested here: they take root, a mount namespace and overlayfs"
fi

own_receivers() {
    telemetry explain --tool t >out
    expect_line out "what is kept for you of t is off: no one has asked for it"
    mkdir -p "$HOME/.config/telemetry"
    echo 'own: on' >"$HOME/.config/telemetry/own.yaml"
    DO_NOT_TRACK=1 telemetry explain --tool t >out
    expect_line out "what is kept for you of t is on: $HOME/.config/telemetry/own.yaml asks for it"
    capture telemetry disable --tool t
    expect_code 0
    expect_part err "metrics are still kept for you"
    telemetry doctor --offline --tool t --json >out || :
    expect_json out '[c["state"] for c in j if c["check"] == "own receivers"]' "['ok']"
    echo 'own: perhaps' >"$HOME/.config/telemetry/own.yaml"
    telemetry doctor --offline --tool t --json >out || :
    expect_json out '[c["state"] for c in j if c["check"] == "own receivers"]' "['problem']"
    capture telemetry disable --tool t
    expect_silent err
}
test_case "H14 explain, disable and doctor say what is kept for the user" own_receivers
