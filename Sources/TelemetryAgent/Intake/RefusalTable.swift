// SPDX-License-Identifier: Apache-2.0

/// What was refused, by tool and reason. Only a tool that is known on this machine has its own row: a client may send anything
/// in place of a name, and that is neither kept nor shown. The table stays small.
package struct RefusalTable {
    package struct Row {
        /// A tool's name, `others` or `nobody`.
        package let tool: String
        /// By reason.
        fileprivate(set) package var counts = [UInt64](repeating: 0, count: IntakeRefusal.allCases.count)
    }

    /// Tools together for which there is no row. No tool can have this name.
    package static let others = "_other"
    /// No tool, or one that is not known here.
    package static let nobody = ""
    package static let mostTools = 32

    package private(set) var rows: [Row] = []

    package init() {}

    func has(_ tool: String) -> Bool { Self.isTool(tool) && index(of: tool) != nil }

    private func index(of tool: String) -> Int? { rows.firstIndex { $0.tool.utf8.elementsEqual(tool.utf8) } }

    private var tools: Int { rows.reduce(0) { $0 &+ (Self.isTool($1.tool) ? 1 : 0) } }

    static func isTool(_ name: String) -> Bool {
        !name.utf8.elementsEqual(others.utf8) && !name.utf8.elementsEqual(nobody.utf8)
    }

    /// Where refusals of it are added.
    mutating func row(of tool: String) -> Int {
        if let found = index(of: tool) { return found }
        if Self.isTool(tool) && tools >= Self.mostTools { return row(of: Self.others) }
        rows.append(Row(tool: tool))
        return rows.count &- 1
    }

    mutating func add(_ why: IntakeRefusal, _ row: Int, _ count: UInt64 = 1) {
        rows[row].counts[why.rawValue] &+= count
    }

    mutating func add(_ other: RefusalTable) {
        for each in other.rows {
            let row = row(of: each.tool)
            for why in IntakeRefusal.allCases { add(why, row, each.counts[why.rawValue]) }
        }
    }

    package var total: UInt64 { rows.reduce(0) { $0 &+ $1.counts.reduce(0, &+) } }

    func total(of why: IntakeRefusal) -> UInt64 { rows.reduce(0) { $0 &+ $1.counts[why.rawValue] } }
}
