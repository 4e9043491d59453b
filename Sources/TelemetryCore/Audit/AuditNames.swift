// SPDX-License-Identifier: Apache-2.0

/// The files of one chain of copies.
package struct AuditNames {
    let current: String
    let older: String
    let head: String

    package static var events: AuditNames {
        AuditNames(current: AuditLog.fileName, older: AuditLog.olderName, head: AuditHead.fileName)
    }

    /// Metrics have separate files, so that copies of events are not given up for them.
    package static var metrics: AuditNames {
        AuditNames(current: "sent.metrics.jsonl", older: "sent.metrics.jsonl.1", head: "sent.metrics.head")
    }

    var areOfEvents: Bool { current == AuditLog.fileName }
}
