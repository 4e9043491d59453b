// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// This process's environment with another context of a trace in it (H10). This process's own is not changed.
final class ChildEnvironment {
    /// `NAME=value`, with NULL at the end.
    let entries: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let strings: [UnsafeMutablePointer<CChar>?]

    init(_ context: PropagatedContext) {
        strings = EnvironmentCarrier.entries(context).map { entry in entry.withCString { strdup($0) } }
        var kept: [UnsafeMutablePointer<CChar>?] = []
        var next = environ
        while let entry = next?.pointee {
            if !EnvironmentCarrier.isCarried(entry) { kept.append(entry) }
            next = next?.advanced(by: 1)
        }
        kept += strings
        entries = .allocate(capacity: kept.count + 1)
        for (index, entry) in kept.enumerated() { (entries + index).initialize(to: entry) }
        (entries + kept.count).initialize(to: nil)
    }

    deinit {
        entries.deallocate()
        for string in strings { free(string) }
    }
}
