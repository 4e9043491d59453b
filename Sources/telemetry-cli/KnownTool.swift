// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// Whether anything on this machine has to do with a tool. A name that is mistyped is that of a tool that nobody knows.
enum KnownTool {
    static func isKnown(_ options: Options) -> Bool {
        if options.manifestPath != nil || NoticeState(options).state != .notShown { return true }
        if let path = SpoolInspector.path(options: options), PathStatus(path) != nil { return true }
        if case .absent = PreferenceStore.read(tool: options.toolName) { return false }
        return true
    }

    static func unknown(_ options: Options) -> String {
        "nothing is known here of a tool '" + options.toolName
            + "': no manifest, no answer and no record; is the name right?"
    }

    /// To be looked at before something is stored for it. Nil: it is known.
    static func doubt(_ options: Options) -> String? { isKnown(options) ? nil : "note: " + unknown(options) }

    static func noMetrics(_ options: Options) -> String {
        isKnown(options) ? "no metrics of '" + options.toolName + "' are kept here" : unknown(options)
    }
}
