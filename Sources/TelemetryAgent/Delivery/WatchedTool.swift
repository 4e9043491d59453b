// SPDX-License-Identifier: Apache-2.0

/// A tool that has kept something in the state directory, and when the agent delivers for it next. Pure.
package final class WatchedTool {
    package let name: String
    /// As a program of the tool has named it, until all that it left is delivered; nil: where manifests are installed.
    private(set) var manifest: String?
    /// That program has still to leave what the manifest is for.
    private var isNamedAhead = false
    /// When the next pass begins, by the monotonic clock; `Int64.max`: when something changes.
    private(set) var due = Int64.max
    private(set) var isAtWork = false
    /// The last pass was not good, or took long: such a tool may not have the place of others.
    private(set) var isDoubtful = false
    package private(set) var passes: UInt64 = 0
    package private(set) var failures: UInt64 = 0
    /// Of the last pass; nil: there was none yet.
    private(set) var outcome: WorkerReport.Outcome?
    /// Directories of it that are watched.
    var watches: [Int32] = []

    private var hasChanged = false
    /// A program has asked since the pass began.
    private var isAsked = false
    private var mark: UInt64 = 0
    /// Passes in a row that changed nothing, though something is left.
    private var fruitless = 0

    /// A pass that takes longer is one of a receiver that does not answer.
    private static let longNanoseconds: Int64 = 500_000_000
    private static let second: Int64 = 1_000_000_000

    init(name: String, due: Int64) {
        self.name = name
        self.due = due
    }

    /// For people and programs.
    package enum State {
        case idle, delivering, waiting, disabled, options

        package var name: String {
            switch self {
            case .idle: "idle"
            case .delivering: "delivering"
            case .waiting: "waiting"
            case .disabled: "disabled"
            case .options: "options"
            }
        }
    }

    package var state: State {
        if isAtWork { return .delivering }
        switch outcome {
        case .disabled?: return .disabled
        case .options?: return .options
        default: return due == .max ? .idle : .waiting
        }
    }

    /// Seconds until the next attempt; nil: none is due.
    package func secondsUntilDue(now: Int64) -> UInt64? {
        due == .max || isAtWork ? nil : UInt64(max(0, due &- now) / Self.second)
    }

    /// Something was left in its directory.
    func change(now: Int64) {
        if isAtWork { hasChanged = true } else { due = min(due, now) }
    }

    func name(_ manifest: String, isAhead: Bool) {
        self.manifest = manifest
        isNamedAhead = isAhead
    }

    /// A program of the tool asks. What it names may be new to a pass that has begun.
    func ask(now: Int64) {
        change(now: now)
        isAsked = isAtWork
    }

    func begin() {
        isAtWork = true
        isAsked = false
        hasChanged = false
        passes &+= 1
    }

    /// The pass is over. What its own files have told until now does not count as a change.
    func passed(_ outcome: WorkerReport.Outcome, took: Int64) {
        self.outcome = outcome
        hasChanged = false
        if outcome == .failed { failures &+= 1 }
        isDoubtful = outcome == .failed || took > Self.longNanoseconds
    }

    /// What is left after it. `next`: when another attempt is due, by the monotonic clock.
    func looked(mark: UInt64, next: Int64, now: Int64) {
        isAtWork = false
        let isSame = mark != 0 && mark == self.mark
        self.mark = mark
        if outcome == .options || outcome == .disabled {
            // A manifest or an answer that has changed tells nothing here: a new event does.
            due = .max
        } else if next > now {
            fruitless = 0
            due = next
        } else {
            // Another process delivers, or what is left is of no use to this one: not at once again.
            fruitless = isSame || outcome == .interrupted ? min(fruitless &+ 1, 10) : 0
            due = fruitless == 0 ? now : now &+ Self.second << Int64(fruitless)
        }
        if hasChanged || isAsked { due = min(due, now) }
        hasChanged = false
        // What a program with another manifest has left is delivered: what comes next is of the installed one, until a
        // program says otherwise.
        if due == .max && !isNamedAhead { manifest = nil }
    }

    /// Something has been left several times in a row.
    var isOwed: Bool { fruitless >= 3 }

    /// Its worker is gone.
    func lost(now: Int64) {
        isAtWork = false
        isDoubtful = true
        failures &+= 1
        fruitless = min(fruitless &+ 1, 10)
        due = now &+ Self.second << Int64(fruitless)
    }
}
