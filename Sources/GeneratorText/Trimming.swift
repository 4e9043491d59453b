// SPDX-License-Identifier: Apache-2.0

extension StringProtocol {
    /// Without white space at either end.
    public var trimmed: String {
        let kept = drop { $0.isWhitespace }
        guard let last = kept.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(kept[...last])
    }

    /// Without the characters at its end, as long as `predicate` is true of them.
    public func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
        lastIndex { !predicate($0) }.map { String(self[...$0]) } ?? ""
    }
}
