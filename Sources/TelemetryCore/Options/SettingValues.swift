// SPDX-License-Identifier: Apache-2.0

/// A number for each setting: 0 or 1 of a boolean, the place of a word in its list. At first the defaults.
package struct SettingValues {
    private var values = Setting.table.map { $0.initial }

    package subscript(_ setting: Setting) -> Int64 {
        @inline(never) get { values[setting.rawValue] }
        @inline(never) set { values[setting.rawValue] = newValue }
    }
}

extension SettingValues {
    /// What a number may be, beside the other values.
    @inline(never)
    func range(_ setting: Setting) -> NumberRange {
        var range: NumberRange
        switch setting.row.kind {
        case .boolean: range = NumberRange(values: 0...1)
        case .choice(let words, _): range = NumberRange(values: 0...Int64(words.count &- 1))
        case .number(let numbers), .period(let numbers): range = numbers
        case .section: range = NumberRange(values: 0...1)
        }
        let (low, high) = (range.values.lowerBound, range.values.upperBound)
        // A spool that cannot hold one segment would hold nothing.
        if setting == .segmentBytes { range.values = low...min(high, max(low, self[.spoolBytes])) }
        if setting == .spoolBytes { range.values = self[.segmentBytes]...max(high, self[.segmentBytes]) }
        return range
    }
}
