// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `metrics --push`: the tool's metrics to a Pushgateway of the person who asks.
enum MetricsPushing {
    /// `author`: the tool's, whatever is pushed of it.
    static func run(
        _ invocation: Invocation, _ options: Options, of author: Options, delivery: Options?, _ url: String
    ) throws(Failure) -> ExitCode {
        let limit = try invocation.milliseconds(.timeoutMs, "--timeout-ms", default: 5_000)
        let target = try target(invocation, options, url)
        MetricsCommand.note(author, options, invocation)
        let bytes = try MetricsCommand.text(options, .prometheus, delivery: delivery)
        switch MetricsPush.run(bytes, to: target, timeoutMilliseconds: limit) {
        case .taken(let status):
            guard invocation.wantsJSON else { return .ok }
            var object = JSONObject()
            object.add("tool", options.toolName)
            object.add("url", target.description)
            object.add("status", UInt64(clamping: status))
            object.add("bytes", UInt64(clamping: bytes.count))
            try invocation.answer(object.text)
            return .ok
        case .refused(let reason):
            throw Failure(code: .notDelivered, message: "not pushed: " + target.description + ": " + reason)
        }
    }

    private static func target(_ invocation: Invocation, _ options: Options, _ url: String) throws(Failure)
        -> PushTarget
    {
        var grouping: [(name: String, value: String)] = []
        for option in invocation.arguments.options where option.id == .grouping {
            let text = option.value
            guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) else {
                throw invocation.usage("--grouping: expected K=V")
            }
            grouping.append((String(text[..<equals]), String(text[text.utf8.index(after: equals)...])))
        }
        do throws(PushTargetError) {
            return try PushTarget(
                url: url, job: invocation.arguments.value(.job) ?? options.toolName, grouping: grouping)
        } catch {
            throw invocation.usage("--push: " + error.text)
        }
    }
}
