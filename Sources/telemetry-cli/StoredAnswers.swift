// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// What the user has answered, as it is stored: for the tool, and for all tools. The decision says whether the answer
/// counts.
struct StoredAnswers {
    private let tool: PreferenceAnswer
    private let allTools: PreferenceAnswer

    init(_ options: Options) {
        tool = PreferenceStore.read(tool: options.toolName)
        allTools = PreferenceStore.readEveryTool()
    }

    var json: JSONObject {
        var object = JSONObject()
        object.add("tool", Self.name(tool))
        object.add("all_tools", Self.name(allTools))
        return object
    }

    /// The answer for all tools only where there is one.
    func rows(_ decision: ConsentDecision) -> [(String, String)] {
        var rows = [("answer", Self.name(tool) + (isOverruled(decision) ? ", overruled" : ""))]
        if allTools != .absent { rows.append(("for all tools", Self.name(allTools))) }
        return rows
    }

    private func isOverruled(_ decision: ConsentDecision) -> Bool {
        switch tool {
        case .on: !decision.isEnabled
        case .off: decision.isEnabled
        case .absent, .unusable, .unreachable: false
        }
    }

    private static func name(_ answer: PreferenceAnswer) -> String {
        switch answer {
        case .on: "on"
        case .off: "off"
        case .absent: "none"
        case .unusable, .unreachable: "unusable"
        }
    }
}

/// A13: which notice the tool has, and which one this user was shown.
struct NoticeState {
    enum State {
        case notShown, shown, changed
    }

    private let present: String
    private let shown: String?

    init(_ options: Options) {
        present = options.noticeVersion
        shown = NoticeStore.shownVersion(tool: options.toolName)
    }

    var state: State {
        guard let shown else { return .notShown }
        return present.utf8.isEmpty || ArgumentParser.same(shown, present) ? .shown : .changed
    }

    private var name: String {
        switch state {
        case .notShown: "not shown"
        case .shown: "shown"
        case .changed: "changed"
        }
    }

    /// Null: the tool has no notice; none was shown.
    var json: JSONObject {
        var object = JSONObject()
        object.add("state", name)
        object.add("version", optional: present.utf8.isEmpty ? nil : present)
        object.add("shown_version", optional: shown)
        return object
    }

    var text: String {
        let which = present.utf8.isEmpty ? "the generic one" : "version " + present
        guard let shown else { return which + ", not shown" }
        return which + (ArgumentParser.same(shown, present) ? ", shown" : "; version " + shown + " was shown")
    }
}
