// SPDX-License-Identifier: Apache-2.0

/// A number for each setting: 0 or 1 of a boolean, the place of a word in its list. At first the defaults.
package struct SettingValues {
    private var values = Setting.table.indices.map { Setting.table[$0].initial }

    package subscript(_ setting: Setting) -> Int64 {
        @inline(never) get { values[setting.rawValue] }
        @inline(never) set { values[setting.rawValue] = newValue }
    }
}

extension SettingValues {
    /// What a number may be, beside the other values.
    @inline(never)
    func range(_ setting: Setting) -> NumberRange {
        var range = setting.range
        // A spool that cannot hold one segment would hold nothing.
        if setting == .segmentBytes { range.high = min(range.high, max(range.low, self[.spoolBytes])) }
        if setting == .spoolBytes {
            range.low = self[.segmentBytes]
            range.high = max(range.high, range.low)
        }
        return range
    }
}
