// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// Which versions are at work.
enum DoctorVersions {
    static func check() -> [DoctorFinding] {
        [
            DoctorFinding(check: "library", state: .ok, detail: "libtelemetry " + TelemetryVersion.text),
            library("libcurl.so.4", "curl_version", without: "nothing can be sent over the network"),
            library("libyaml-0.so.2", "yaml_get_version_string", without: "no manifest can be read"),
            DoctorFinding(check: "kernel", state: .ok, detail: SystemRelease.text),
        ]
    }

    private static func library(_ file: String, _ function: StaticString?, without loss: String) -> DoctorFinding {
        switch LibraryVersion.of(file, function) {
        case .missing(let reason):
            DoctorFinding(
                check: file, state: .warning, detail: "cannot be loaded: " + reason, advice: loss + " without it")
        case .loaded(let version):
            DoctorFinding(check: file, state: .ok, detail: version ?? "loads")
        }
    }
}
