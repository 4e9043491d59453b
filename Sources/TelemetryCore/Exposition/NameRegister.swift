// SPDX-License-Identifier: Apache-2.0

/// The names that families of several texts and their samples have taken. A class, since another module cannot have
/// `TakenNames` in Embedded Swift, whose end it does not see.
package final class NameRegister {
    private var names = TakenNames()
    /// Memory ran out.
    package private(set) var isIncomplete: Bool

    package init() { isIncomplete = !names.begin(expecting: 64) }

    /// Takes the names of a family and of its samples, in both formats, for that number. False: one of them is taken, or
    /// there is no memory, and none is taken now.
    package func take(_ base: [UInt8], _ type: MetricType, for owner: Int) -> Bool {
        if isIncomplete { return false }
        defer { isIncomplete = names.isIncomplete }
        return names.take(base, type, for: owner)
    }

    /// The number that the name of a family or of a sample was taken for; nil: it is free.
    package func owner(of name: [UInt8]) -> Int? { names.owner(of: name) }
}
