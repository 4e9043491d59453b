// SPDX-License-Identifier: Apache-2.0

/// Whether what waits may leave this machine: asked before each request, and now and then while it is under way. For one
/// pass at a time, and its thread.
final class SendingConsent {
    private let options: Options
    /// A7: what is sent stays on this machine.
    private let isLocal: Bool
    private var watch = AnswerWatch()
    private var nextLook: Int64 = 0
    private var isOver = false
    /// A7: nothing may leave any more. It is not the user's no: what waits is kept.
    private(set) var isKeptHere = false

    /// As often as a collector looks.
    private static let lookNanoseconds: Int64 = 500_000_000

    init(_ options: Options, isLocal: Bool) {
        self.options = options
        self.isLocal = isLocal
    }

    /// A request may begin. All files are read.
    var isGiven: Bool {
        nextLook = Clock.monotonic() &+ Self.lookNanoseconds
        take(ConsentResolver.decide(options))
        return !isOver
    }

    /// The request that has begun must end. The files are read when one of them has changed. A no that comes and goes
    /// counts.
    var isGone: Bool {
        let now = Clock.monotonic()
        if !isOver && now >= nextLook {
            nextLook = now &+ Self.lookNanoseconds
            if let changed = watch.changed(options) { take(changed) }
        }
        return isOver
    }

    /// A request that has failed was cut off, or must not be sent again.
    var isRefused: Bool {
        @inline(never) get { isGone || !isGiven }
    }

    private func take(_ decision: ConsentDecision) {
        isKeptHere = decision.isEnabled && decision.isLocalOnly && !isLocal
        isOver = !decision.isEnabled || isKeptHere
    }

    /// Why nothing was sent although telemetry is on.
    static let keptHere: StaticString = "local only: nothing may leave this machine"
}
