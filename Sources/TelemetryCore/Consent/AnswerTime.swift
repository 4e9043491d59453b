// SPDX-License-Identifier: Apache-2.0

/// When the user last said something of a tool.
package enum AnswerTime {
    /// Nanoseconds since 1970-01-01 UTC; 0: never.
    package static func newest(tool: String) -> Int64 {
        var newest: Int64 = 0
        for stamp in PreferenceStore.stamps(tool: tool) { if let stamp { newest = max(newest, stamp.modified) } }
        if let directory = PreferenceStore.directory(tool: tool),
            let shown = FileStamp(in: .currentDirectory, directory + "/" + NoticeStore.fileName)
        {
            newest = max(newest, shown.modified)
        }
        return newest
    }
}
