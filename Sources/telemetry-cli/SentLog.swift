// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// `show --sent`: the user's copies of what was delivered, and whether they are all there.
enum SentLog {
    static func show(_ invocation: Invocation, _ options: Options) throws(Failure) -> ExitCode {
        let trail = AuditTrail.read(options: options)
        let metrics = AuditTrail.read(options: options, .metrics)
        if invocation.arguments.has(.verify) { return try verify(invocation, trail, metrics) }
        if let problem = trail.problem ?? metrics.problem { throw Failure(code: .document, message: problem) }
        let lines = SentEvents(trail.files).lines + SentEvents(metrics.files).lines
        try invocation.answer(invocation.wantsJSON ? lines : ShownText.json(PrettyJSON.array(ofLines: lines)))
        if trail.lost > 0 && !invocation.isQuiet {
            invocation.complain("\(trail.lost) more events were delivered, and no copy of them could be written")
        }
        return .ok
    }

    private static func verify(_ invocation: Invocation, _ trail: AuditTrail, _ metrics: AuditTrail) throws(Failure)
        -> ExitCode
    {
        switch trail.verify(with: metrics) {
        case .unbroken(let entries):
            if invocation.wantsJSON {
                try invocation.answer(object(entries, nil, trail.lost).text)
            } else {
                try invocation.answer(
                    "verified: " + counted(UInt64(clamping: entries), "entry", "entries") + ", unbroken\n")
            }
            return .ok
        case .broken(let file, let line, let reason):
            if invocation.wantsJSON { try invocation.answer(object(nil, (file, line, reason), trail.lost).text) }
            let place = line > 0 ? file + ", line \(line): " : file + ": "
            throw Failure(code: .document, message: "broken: " + place + reason)
        }
    }

    private static func object(_ entries: Int?, _ broken: (file: String, line: Int, reason: String)?, _ lost: UInt64)
        -> JSONObject
    {
        var object = JSONObject()
        object.add("unbroken", broken == nil)
        object.add("entries", optional: entries.map { UInt64(clamping: $0) })
        object.add("file", optional: broken?.file)
        object.add("line", optional: broken.map { UInt64(clamping: $0.line) })
        object.add("reason", optional: broken?.reason)
        object.add("lost", lost)
        return object
    }
}
