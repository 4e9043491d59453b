// SPDX-License-Identifier: Apache-2.0

/// One destination of the tool: its name, and the backend that sends there.
final class Outlet {
    let name: String
    let backend: any Backend
    /// Nil: the only destination of the tool.
    var slot: DestinationSlot?
    /// The delivery state if there is no spool.
    var heapState = DeliveryState()

    init(name: String, _ backend: any Backend) {
        self.name = name
        self.backend = backend
    }

    static func makeBackend(_ choice: BackendChoice, _ options: Options) -> any Backend {
        // Nobody has chosen that log: what nobody takes is forgotten.
        if options.isInMemory, case .file(nil, _, _) = choice { return NoopBackend() }
        let directory = SpoolDirectory.path(options)
        return TelemetryCore.makeBackend(
            choice, toolName: options.toolName, stateDirectory: directory, signal: options.signal)
    }
}

extension [Outlet] {
    init(_ options: Options) {
        self.init()
        for destination in options.destinations {
            append(Outlet(name: destination.name, Outlet.makeBackend(destination.choice, options)))
        }
    }

    /// A7: if any would leave the machine although nothing may, all goes to the local log instead. Nil: it does not.
    func log(insteadFor decision: ConsentDecision, _ options: Options) -> [Outlet]? {
        guard decision.isLocalOnly, !isLocal else { return nil }
        return [Outlet(name: "file", Outlet.makeBackend(.defaultFile, options))]
    }

    /// For people, without a secret.
    var info: String { reduce("") { $0 + ($0.utf8.isEmpty ? "" : "; ") + $1.backend.info } }

    /// Delivery needs no network and ends at once.
    var isLocal: Bool {
        for outlet in self where !outlet.backend.isLocal { return false }
        return true
    }

    /// Several destinations: each has its own progress and state. The only one that is left of a file's several keeps
    /// them; no place is made for another.
    func tellApart(_ shared: SpoolDirectory?, _ destinations: DestinationSet) {
        guard count > 1 else {
            if destinations.origin == .configuration, let only = first {
                only.slot = shared?.destinations?.slot(of: only.name)
            }
            return
        }
        let slots = shared?.assignDestinations(map { $0.name })
        for (index, outlet) in enumerated() {
            outlet.slot =
                slots?[index] ?? DestinationSlot(index: index, tag: DestinationFile.tag(Array<UInt8>(outlet.name.utf8)))
        }
    }
}
