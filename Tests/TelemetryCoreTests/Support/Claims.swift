@testable import TelemetryCore

extension Spool {
    /// Takes everything that processes that are gone have left, oldest first.
    func claimAll(_ shared: SpoolDirectory) -> [Segment] {
        shared.segmentsByAge(except: owns).compactMap { claim($0.name, shared) }
    }
}

extension ControlJournal {
    /// As if these segments were all that wait.
    convenience init(_ spool: SpoolDirectory, segments: [Segment]) {
        self.init(spool) { generation, offset in
            segments.contains { $0.description.generation == generation && $0.progress.offset == offset }
        }
    }
}
