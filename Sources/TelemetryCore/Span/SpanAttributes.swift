// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The attributes among the items of a record that is being written. A span may be given the same key any number of times;
/// only the last value counts, and only keys count for the limit.
struct SpanAttributes {
    /// Where the items lie, and their bytes.
    let base: UnsafeMutableRawPointer
    let count: Int

    /// Some type that no item has.
    private static let dropped: UInt8 = 255
    private static var keyLength: Field<UInt8> { Field(1) }
    private static var valueLength: Field<UInt16> { Field(2) }

    /// How many keys there are.
    var keyCount: Int {
        var (at, keys) = (0, 0)
        while let size = size(at) {
            if isAttribute(at), !isGivenAgain(at, at &+ size, count) { keys &+= 1 }
            at &+= size
        }
        return keys
    }

    /// Removes what was given again later, and of the keys that are new from `start` on those beyond `limit`. `keepingOld`:
    /// what lies before `start` is not touched. `isOldCompact`: no key is there twice. `kept`: the keys that are left; `end`:
    /// bytes that are left.
    func compact(
        newFrom start: Int, limit: Int, keepingOld: Bool = false, isOldCompact: Bool = false
    ) -> (end: Int, kept: Int, dropped: Int) {
        let (kept, dropped) = markExcess(
            newFrom: start, limit: limit, keepingOld: keepingOld, isOldCompact: isOldCompact)
        var (from, to) = (0, 0)
        while let size = size(from) {
            let next = isOldCompact ? max(start, from &+ size) : from &+ size
            if keepingOld && from < start || !isAttribute(from)
                || type(from) != Self.dropped && !isGivenAgain(from, next, count)
            {
                if from != to { memmove(base + to, base + from, size) }
                to &+= size
            }
            from &+= size
        }
        return (to, kept, dropped)
    }

    private func markExcess(
        newFrom start: Int, limit: Int, keepingOld: Bool, isOldCompact: Bool
    ) -> (kept: Int, dropped: Int) {
        var (at, room, dropped) = (0, limit, 0)
        while let size = size(at) {
            let next = at &+ size
            let isOnce = isOldCompact && at < start
            if isAttribute(at) && (isOnce || !isGivenAgain(at, next, at < start ? start : count))
                && !(at >= start && isGivenAgain(at, 0, start))
            {
                if room > 0 {
                    room &-= 1
                } else if !keepingOld || at >= start {
                    SpanItemLayout.type.store(Self.dropped, base + at)
                    dropped &+= 1
                }
            }
            at = next
        }
        return (limit &- room, dropped)
    }

    private func isAttribute(_ at: Int) -> Bool { type(at) < SpanItemLayout.isEvent || type(at) == Self.dropped }

    private func type(_ at: Int) -> UInt8 { SpanItemLayout.type.load(base + at) }

    private func isGivenAgain(_ at: Int, _ from: Int, _ end: Int) -> Bool {
        let key = base + at
        var other = from
        while other < end, let size = size(other) {
            if isAttribute(other),
                Self.keyLength.load(base + other) == Self.keyLength.load(key),
                memcmp(
                    base + other + AttributeView.headerSize, key + AttributeView.headerSize,
                    Int(Self.keyLength.load(key))) == 0
            {
                return true
            }
            other &+= size
        }
        return false
    }

    /// Of the item there, which this process has written. Nil: there is none.
    private func size(_ at: Int) -> Int? {
        if at >= count { return nil }
        let item = base + at
        if isAttribute(at) {
            return AttributeView.headerSize &+ Int(Self.keyLength.load(item))
                &+ Int(Self.valueLength.load(item))
        }
        return SpanItemLayout.fixedSize(type(at)) &+ Int(SpanItemLayout.textLength.load(item))
            &+ Int(SpanItemLayout.attributesLength.load(item))
    }
}
