@testable import TelemetryCore

extension SegmentDelivery {
    /// To the only destination of its tool.
    func run(only segment: Segment) -> Result {
        let result = run(Cursor.make(segment, [nil])[0])
        guard result == .void else { return result }
        segment.void()
        return .consumed
    }
}

extension ControlJournal {
    func prepare(_ segment: Segment) { prepare(Cursor.make(segment, [nil])[0]) }
}
