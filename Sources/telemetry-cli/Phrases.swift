// SPDX-License-Identifier: Apache-2.0

/// Parts of sentences for people.
func joined(_ parts: [String], _ separator: String) -> String {
    var text = ""
    for (index, part) in parts.enumerated() { text += (index == 0 ? "" : separator) + part }
    return text
}

/// "1 event", "2 events".
func counted(_ number: UInt64, _ one: String, _ many: String? = nil) -> String {
    "\(number) " + (number == 1 ? one : many ?? one + "s")
}
