// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// `show --sent`: the user's copies of what was delivered, and whether they are all there.
enum SentLog {
    static func show(_ invocation: Invocation, _ options: Options) throws(Failure) -> ExitCode {
        let trail = AuditTrail.read(options: options)
        let metrics = AuditTrail.read(options: options, .metrics)
        if invocation.arguments.has(.verify) {
            var trails = [(place: "", of: trail, with: metrics)]
            // Without --signal it is about all that was sent.
            if invocation.arguments.value(.signal) == nil {
                let spans = options.ofSpans
                trails.append(
                    ("spans/", AuditTrail.read(options: spans), AuditTrail.read(options: spans, .metrics)))
            }
            return try verify(invocation, trails)
        }
        if let problem = trail.problem ?? metrics.problem { throw Failure(code: .document, message: problem) }
        let lines = SentEvents(trail.files).lines + SentEvents(metrics.files).lines
        try invocation.answer(invocation.wantsJSON ? lines : ShownText.json(PrettyJSON.array(ofLines: lines)))
        if trail.lost > 0 && !invocation.isQuiet {
            invocation.complain("\(trail.lost) more events were delivered, and no copy of them could be written")
        }
        return .ok
    }

    private static func verify(
        _ invocation: Invocation, _ trails: [(place: String, of: AuditTrail, with: AuditTrail)]
    ) throws(Failure) -> ExitCode {
        let lost = trails.reduce(0) { $0 &+ $1.of.lost }
        var whole = 0
        for trail in trails {
            switch trail.of.verify(with: trail.with) {
            case .unbroken(let entries): whole &+= entries
            case .broken(let name, let line, let reason):
                let file = trail.place + name
                if invocation.wantsJSON { try invocation.answer(object(nil, (file, line, reason), lost).text) }
                let place = line > 0 ? file + ", line \(line): " : file + ": "
                throw Failure(code: .document, message: "broken: " + place + reason)
            }
        }
        if invocation.wantsJSON {
            try invocation.answer(object(whole, nil, lost).text)
        } else {
            try invocation.answer("verified: " + counted(UInt64(clamping: whole), "entry", "entries") + ", unbroken\n")
        }
        return .ok
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
