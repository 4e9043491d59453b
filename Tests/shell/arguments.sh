# shellcheck shell=bash
# The command line: each mistake, the exact line that is said about it, and the exit code.

# usage_error EXPECTED ARGUMENT...
usage_error() {
    local expected=$1
    shift
    capture telemetry "$@"
    expect_code 2
    expect_silent out
    expect_text err "$expected"
    [ -z "$(home_tree)" ] || fail "created: $(home_tree)"
}

mistake() {
    local expected=$1
    shift
    test_case "B usage error: telemetry $*" usage_error "$expected" "$@"
}

mistake "telemetry: which command? (see 'telemetry --help')"
mistake "telemetry: unknown command 'trakc', did you mean 'track'? (see 'telemetry --help')" trakc
mistake "telemetry: unknown command 'xyzzy' (see 'telemetry --help')" xyzzy
mistake "telemetry: unknown command '' (see 'telemetry --help')" ''
mistake "telemetry: unknown option '-x' (see 'telemetry --help')" -x
mistake "telemetry: unknown option '--property' (see 'telemetry --help')" --property a=b track x
mistake "telemetry: unknown option '--toool', did you mean '--tool'? (see 'telemetry --help')" --toool t status
mistake "telemetry: --tool needs a value: --tool NAME (see 'telemetry --help')" --tool
mistake "telemetry: track: unknown option '--propety', did you mean '--property'? (see 'telemetry track --help')" track --propety a=b x
mistake "telemetry: track: --type needs a value: --type TYPE (see 'telemetry track --help')" track x --type
mistake "telemetry: track: --quiet takes no value (see 'telemetry track --help')" track x --quiet=1
mistake "telemetry: track: missing NAME (see 'telemetry track --help')" track --tool t
mistake "telemetry: track: unexpected argument 'y' (see 'telemetry track --help')" track x y --tool t
mistake "telemetry: track: unexpected argument '--tool' (see 'telemetry track --help')" track -- x --tool t
mistake "telemetry: track: which tool? Give --tool NAME or set TELEMETRY_TOOL (see 'telemetry track --help')" track x
mistake "telemetry: track: --property needs k=v, got 'x' (see 'telemetry track --help')" track x --tool t --property x
mistake "telemetry: track: --property needs a key before '=', got '=x' (see 'telemetry track --help')" track x --tool t --property =x
mistake "telemetry: track: --property needs a whole number of 64 bits after ':int=', got 'k:int=9223372036854775808' (see 'telemetry track --help')" track x --tool t --property k:int=9223372036854775808
mistake "telemetry: track: --property needs a number after ':double=', got 'k:double=nan' (see 'telemetry track --help')" track x --tool t --property k:double=nan
mistake "telemetry: track: --property needs a number after ':double=', got 'k:double=1e999' (see 'telemetry track --help')" track x --tool t --property k:double=1e999
mistake "telemetry: track: --property needs true or false after ':bool=', got 'k:bool=yes' (see 'telemetry track --help')" track x --tool t --property k:bool=yes
mistake "telemetry: track: --property has an unknown type after ':', expected string, int, double or bool, got 'k:real=1' (see 'telemetry track --help')" track x --tool t --property k:real=1
mistake "telemetry: track: --properties reads standard input only: --properties - (see 'telemetry track --help')" track x --tool t --properties file
mistake "telemetry: command: missing NAME (see 'telemetry command --help')" command --tool t
mistake "telemetry: command: needs --duration-ms and --exit-code, or '-- PROGRAM' to run one (see 'telemetry command --help')" command build --tool t --exit-code 0
mistake "telemetry: command: --exit-code needs a whole number from -2147483648 to 2147483647, got 'x' (see 'telemetry command --help')" command build --tool t --duration-ms 1 --exit-code x
mistake "telemetry: command: --duration-ms needs a whole number from 0 to 9223372036854775807, got '-1' (see 'telemetry command --help')" command build --tool t --duration-ms -1 --exit-code 0
mistake "telemetry: command: unexpected argument 'all', put '--' before the program to run (see 'telemetry command --help')" command make all --tool t
mistake "telemetry: command: nothing to run after '--' (see 'telemetry command --help')" command --tool t --
mistake "telemetry: command: which tool? Give --tool NAME or set TELEMETRY_TOOL (see 'telemetry command --help')" command -- true
mistake "telemetry: command: --properties - would read the standard input of the program to run (see 'telemetry command --help')" command --tool t --properties - -- true
mistake "telemetry: flush: --timeout-ms needs a whole number from 0 to 4294967295, got '4294967296' (see 'telemetry flush --help')" flush --tool t --timeout-ms 4294967296
mistake "telemetry: deliver: --time-limit-ms needs a whole number from 0 to 4294967295, got '1s' (see 'telemetry deliver --help')" deliver --tool t --time-limit-ms 1s
mistake "telemetry: status: unexpected argument 'now' (see 'telemetry status --help')" status now --tool t
mistake "telemetry: help: no command 'foo' (see 'telemetry help --help')" help foo

for command in flush deliver show export status enable disable machine-id request-deletion reset; do
    mistake "telemetry: $command: which tool? Give --tool NAME or set TELEMETRY_TOOL (see 'telemetry $command --help')" $command
done

# options_error CODE PART ARGUMENT...
options_error() {
    local part=$1
    shift
    capture telemetry "$@"
    expect_code 3
    expect_silent out
    expect_part err "$part"
    expect_equal "$(wc -l <err)" 1
}
test_case "B exit code 3: a tool name that is none" \
    options_error "tool name 'a b'" track x --tool 'a b'
test_case "B exit code 3: a manifest that is not there" \
    options_error "/nonexistent.yaml" track x --tool t --manifest /nonexistent.yaml
test_case "B exit code 3: --manifest without a tool, not there" \
    options_error "/nonexistent.yaml" status --manifest /nonexistent.yaml

same_wherever_options_stand() {
    enable t
    telemetry --tool t --tool-version=2 track a
    telemetry track --tool=t a --tool-version 2
    TELEMETRY_TOOL=other telemetry track a --tool other --tool t --tool-version 2
    TELEMETRY_TOOL=t telemetry --tool-version 2 track -- a
    expect_equal "$(grep -c '"name":"a".*"version":"2"' "$(events t)")" 4
}
test_case "B options before and after the command, --o v and --o=v, from TELEMETRY_TOOL" same_wherever_options_stand

tool_from_manifest() {
    printf 'tool:\n  name: frommanifest\n  version: "7"\n' >m.yaml
    enable frommanifest
    telemetry track a --manifest m.yaml
    TELEMETRY_MANIFEST=$PWD/m.yaml telemetry track a
    telemetry track a --manifest m.yaml --tool frommanifest
    expect_equal "$(grep -c '"tool_name":"frommanifest","version":"7"' "$(events frommanifest)")" 3
}
test_case "B the manifest names the tool when nothing else does" tool_from_manifest
