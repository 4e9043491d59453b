# shellcheck shell=bash disable=SC2154 # the variables are those of run
# examples/shell: run as a reader would.

for example in "01-track.sh World" "02-wrap.sh" "03-prompt.sh" "04-manifest.sh Tests/examples" "06-same-tool.sh hello" demo.sh; do
    read -r name arguments <<<"$example"
    # shellcheck disable=SC2086 # several words
    check "examples/shell/$name without consent exits with 0 (A1)" exits 0 in_home "$scratch/shell-off" examples/shell/$name $arguments
    check "examples/shell/$name without consent leaves no file (A1)" no_file_in "$scratch/shell-off"
    [ "$name" != demo.sh ] || continue # it is made of the helper
    # shellcheck disable=SC2086
    check "examples/shell/$name without the helper exits with 0" exits 0 in_home "$scratch/shell-off" PATH=/usr/bin:/bin examples/shell/$name $arguments
done

home=$scratch/greeter
check "examples/shell/01-track.sh exits with 0" exits 0 in_home "$home" GREETER_TELEMETRY_ENABLED=1 examples/shell/01-track.sh World
check "it says what it always says" grep -qx 'Hello, World!' "$scratch/stdout"
check "it records one event" events "$home" greeter 'len(e) == 1 and e[0]["name"] == "greet" and e[0]["metadata"] == {"name_length": 5, "named": True}'
check "who was greeted is not in it" nowhere World "$home"

# As a package puts it: far from the binding, which is where it is looked for then. Needs a mount namespace.
# shellcheck disable=SC2016 # for the sh there
installed() {
    cp -r examples/shell "$scratch/doc" && in_home "$scratch/doc-home" GREETER_TELEMETRY_ENABLED=1 unshare -m sh -euc '
        mount -t tmpfs none /usr/share
        mkdir /usr/share/telemetry
        cp "$1" /usr/share/telemetry
        exec "$2"' sh bindings/shell/telemetry.sh "$scratch/doc/01-track.sh"
}
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
    check "an example works with the binding installed" installed
    check "and records" events "$scratch/doc-home" greeter 'len(e) == 1'
fi

home=$scratch/builder
check "examples/shell/02-wrap.sh exits with 0" exits 0 in_home "$home" BUILDER_TELEMETRY_ENABLED=1 examples/shell/02-wrap.sh
check "it prints what it always prints" test "$(tr '\n' ' ' <"$scratch/stdout")" = "b a check failed with 1 "
check "it records three commands" events "$home" builder '[(x["name"], x["exit_code"]) for x in e] == [("sort", 0), ("check", 1), ("configure", 0)]'

home=$scratch/almanac
check "examples/shell/03-prompt.sh at a terminal exits with 0 (A13)" exits 0 in_home "$home" Tests/examples/at-terminal "$home" yes examples/shell/03-prompt.sh
check "it asks" grep -q '^screen: .*Allow almanac to collect this?' "$scratch/stdout"
check "it records after the yes" events "$home" almanac '[x["name"] for x in e] == ["day"]'
check "the second time it exits with 0" exits 0 in_home "$home" Tests/examples/at-terminal "$home" "" examples/shell/03-prompt.sh
check "and does not ask" grep -qx 'screen:' "$scratch/stdout"
check "its switch: disable" exits 0 in_home "$home" examples/shell/03-prompt.sh telemetry disable
check "its switch: status" exits 0 in_home "$home" examples/shell/03-prompt.sh telemetry status
check "it is off" grep -qi 'off' "$scratch/stdout"
check "a no at the terminal" exits 0 in_home "$home-no" Tests/examples/at-terminal "$home-no" n examples/shell/03-prompt.sh
check "records nothing" test ! -e "$home-no/.local"

home=$scratch/pack
check "examples/shell/04-manifest.sh exits with 0" exits 0 in_home "$home" PACK_TELEMETRY_ENABLED=1 examples/shell/04-manifest.sh Tests/examples
check "it records what the manifest lists (C10)" events "$home" pack \
    "[(x['name'], x['version'], x['metadata']) for x in e] == [('pack', '0.4.0', {'files': $(find Tests/examples -type f | wc -l), 'kind': 'tar'})]"
check "and nothing else (C10)" nowhere Tests/examples "$home"

nightly() { in_home "$home" NIGHTLY_TELEMETRY_ENABLED=1 "$@"; }
home=$scratch/nightly
check "examples/shell/05-signals.sh exits with 0" exits 0 nightly STEP_SECONDS=0 examples/shell/05-signals.sh
check "it stops by Ctrl-C's signal" exits 0 nightly Tests/examples/stop-after compress SIGINT -- examples/shell/05-signals.sh
check "it dies of it" grep -qx 'status -2' "$scratch/stdout"
check "it stops by SIGTERM" exits 0 nightly Tests/examples/stop-after compress SIGTERM -- examples/shell/05-signals.sh
check "it dies of it" grep -qx 'status -15' "$scratch/stdout"
# shellcheck disable=SC2016 # for the sh there
check "it fails without its tools" exits 127 nightly STEP_SECONDS=0 sh -c 'sleep() { return 127; }; . "$0"' examples/shell/05-signals.sh
check "each end is recorded" events "$home" nightly '[(x["name"], x["exit_code"]) for x in e] == [("backup", 0), ("backup", 130), ("backup", 143), ("backup", 127)]'

home=$scratch/archive
check "examples/shell/07-metrics.sh without consent exits with 0" exits 0 in_home "$home" examples/shell/07-metrics.sh README.md CHANGELOG.md
check "and leaves no file (A1)" no_file_in "$home"
check "examples/shell/07-metrics.sh exits with 0" exits 0 in_home "$home" ARCHIVE_TELEMETRY_ENABLED=1 examples/shell/07-metrics.sh README.md CHANGELOG.md
check "its metrics" exits 0 in_home "$home" telemetry metrics --tool archive
check "it counts the files by their kind (H1)" grep -qx 'files_total{kind="md"} 2' "$scratch/stdout"
check "it has the size and one duration (H1)" test "$(grep -c -e '^size 2$' -e '^duration_seconds_count 1$' "$scratch/stdout")" = 2

home=$scratch/release
check "examples/shell/08-spans.sh without consent exits with 0" exits 0 in_home "$home" examples/shell/08-spans.sh
cp "$scratch/stdout" "$scratch/spans-off"
check "and leaves no file (A1)" no_file_in "$home"
check "examples/shell/08-spans.sh exits with 0" exits 0 in_home "$home" RELEASE_TELEMETRY_ENABLED=1 examples/shell/08-spans.sh
check "and prints the same" cmp "$scratch/stdout" "$scratch/spans-off"
# shellcheck disable=SC2016 # for the Python there
check "its spans (H13)" python3 -c 'import json, sys
e = [json.loads(line) for line in open(sys.argv[1] + "/.local/state/telemetry/release/spans/spans.jsonl")]
sort, pack, upload, release = e
assert [x["name"] for x in e] == ["sort", "pack", "upload", "release"], e
assert [x["status"] for x in e] == ["unset", "unset", "error", "unset"], e
assert sort["parent_span_id"] == pack["span_id"] and "parent_span_id" not in release, e
assert pack["parent_span_id"] == upload["parent_span_id"] == release["span_id"], e
assert pack["events"][0]["attributes"] == {"files": 2}, e' "$home"

home=$scratch/shell-demo
check "examples/shell/demo.sh exits with 0" exits 0 in_home "$home" examples/shell/demo.sh
cp "$scratch/stdout" "$scratch/demo-off"
check "with consent, too" exits 0 in_home "$home" DEMO_TELEMETRY_ENABLED=1 examples/shell/demo.sh
check "and prints the same" cmp "$scratch/stdout" "$scratch/demo-off"
check "it records five events" events "$home" demo 'len(e) == 5'
