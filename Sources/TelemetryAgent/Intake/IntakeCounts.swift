// SPDX-License-Identifier: Apache-2.0

/// What has come in one way since the agent began.
package final class IntakeCounts {
    package private(set) var accepted: UInt64 = 0
    package private(set) var refused = RefusalTable()

    package init() {}

    func accept() { accepted &+= 1 }

    /// `tool`: one that is known here; nil: there is none.
    func refuse(_ why: IntakeRefusal, of tool: String?) {
        refused.add(why, refused.row(of: tool ?? RefusalTable.nobody))
    }

    /// Of one request.
    func add(_ tally: IntakeTally) {
        accepted &+= tally.accepted
        refused.add(tally.refused)
    }
}
