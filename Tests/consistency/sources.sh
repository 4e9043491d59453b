# shellcheck shell=bash disable=SC2154 # the variables are those of run
# The sources: layers, format, licence lines, and the files that documents name.

layers=Tests/consistency/layers.py

# The same tree with one reference from the lowest layers to the highest, one folder that is in no layer, and one system call
# outside System/.
upward=$scratch/layers
mkdir -p "$upward/Sources"
cp ARCHITECTURE.md "$upward/"
cp -r Sources/TelemetryCore "$upward/Sources/"
printf '/// Collector is only named here.\nstruct Upward { let text = "Collector"; let collector: Collector }\n' \
    >"$upward/Sources/TelemetryCore/System/Upward.swift"
mkdir "$upward/Sources/TelemetryCore/Elsewhere"
printf '/// munmap(2)\nenum Call { static func call() { _ = fsync(1) } }\n' >"$upward/Sources/TelemetryCore/Spool/Call.swift"

only_upward() { [ "$(python3 "$layers" "$upward" | wc -l)" -eq 3 ]; }
named_files_exist() {
    local file missing=0
    while read -r file; do [ -e "$file" ] || { echo "$file"; missing=1; }; done < <(grep -o '`Sources/[^`]*`' ARCHITECTURE.md CONTRIBUTING.md -h | tr -d '`' | grep -v '[A-Z]\{4\}')
    return $missing
}

check "the folders of the core are layers without cycles" python3 "$layers" .
check "a reference to a higher layer is found" finds "System/Upward.swift: Collector is in Collector/, which is not below System/" python3 "$layers" "$upward"
check "a folder in no layer is found" finds "Elsewhere: not in the table" python3 "$layers" "$upward"
check "a system call outside System/ is found" finds "Spool/Call.swift: fsync() is called outside System/" python3 "$layers" "$upward"
check "and nothing else is" only_upward
check "files that ARCHITECTURE.md and CONTRIBUTING.md name exist" named_files_exist

check "the constants of exponential histograms are what their script proves and writes" \
    diff Sources/TelemetryCore/Metric/ExponentialTables.swift <(python3 scripts/exponential-tables)

without_licence() { ! grep -rL 'SPDX-License-Identifier: Apache-2.0' Sources linker bindings --include='*.swift' --include='*.[ch]' --include='*.hpp' --include='*.sh' --include='*.py' | grep .; }
check "every source file that ships has its licence line" without_licence

# A copy of the configuration, and a file that is not as it says.
mkdir "$upward/format"
cp .swift-format "$upward/format/"
printf 'struct Wide {\n  let indented = 2\n}\n' >"$upward/format/Wide.swift"
format_of() { swift format lint --strict --recursive "$@" 2>&1; }
check "Swift sources are formatted as .swift-format says" format_of Package.swift Sources Tests/TelemetryCoreTests \
    Tests/TelemetryAgentTests Tests/otlp/driver
check "a file that is not is found" finds '[Indentation]' format_of "$upward/format"
