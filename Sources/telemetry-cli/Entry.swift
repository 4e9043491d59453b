// SPDX-License-Identifier: Apache-2.0
import CSystem

/// `main`. The package manager names an executable's entry point after its module. It is written out because Embedded
/// Swift has no `CommandLine`.
@_cdecl("telemetry_cli_main")
public func telemetryMain(_ count: Int32, _ vector: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
    // Only code of the library and of the helper runs in this process.
    _ = csystem_undisturbed_begin()
    var arguments: [String] = []
    for index in 0..<max(0, Int(count)) {
        guard let argument = vector[index] else { break }
        arguments.append(String(cString: argument))
    }
    return Program.run(arguments, vector)
}
