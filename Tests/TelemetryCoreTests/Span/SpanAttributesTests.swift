import XCTest

@testable import TelemetryCore

/// H12: a key counts once, however often it is set.
final class SpanAttributesTests: XCTestCase {
    /// An attribute with one byte as its value, or an event with attributes of its own.
    private enum Item {
        case attribute(String, UInt8)
        case event([String])

        var bytes: [UInt8] {
            switch self {
            case .attribute(let key, let value): return [3, UInt8(key.utf8.count), 1, 0] + Array(key.utf8) + [value]
            case .event(let keys):
                let list = keys.flatMap { Item.attribute($0, 9).bytes }
                return [SpanItemLayout.isEvent, 0, 1, 0, UInt8(list.count), 0, 0, 0, 0, 0, 0, 0]
                    + [UInt8](repeating: 7, count: 8)
                    + [UInt8(ascii: "e")] + list
            }
        }
    }

    private func bytes(_ items: [Item]) -> [UInt8] { items.flatMap { $0.bytes } }

    private func compacted(_ old: [Item], _ new: [Item], limit: Int, keepingOld: Bool) -> (
        bytes: [UInt8], kept: Int, dropped: Int
    ) {
        var all = bytes(old) + bytes(new)
        let (count, start) = (all.count, bytes(old).count)
        let (end, kept, dropped) = all.withUnsafeMutableBytes {
            SpanAttributes(base: $0.baseAddress!, count: count).compact(
                newFrom: start, limit: limit, keepingOld: keepingOld)
        }
        return (Array(all[..<end]), kept, dropped)
    }

    private func check(
        _ old: [Item], _ new: [Item], limit: Int = 3, keepingOld: Bool = false, becomes expected: [Item],
        kept: Int, dropped: Int = 0, line: UInt = #line
    ) {
        let result = compacted(old, new, limit: limit, keepingOld: keepingOld)
        XCTAssertEqual(result.bytes, bytes(expected), line: line)
        XCTAssertEqual([result.kept, result.dropped], [kept, dropped], line: line)
    }

    func testLastOfAKeyStays() {
        check([.attribute("a", 1)], [.attribute("a", 2)], becomes: [.attribute("a", 2)], kept: 1)
        check(
            [.attribute("a", 1), .attribute("b", 1), .attribute("a", 2)], [],
            becomes: [.attribute("b", 1), .attribute("a", 2)], kept: 2)
        check([], [], becomes: [], kept: 0)
        check([.attribute("a", 1)], [.attribute("ab", 2)], becomes: [.attribute("a", 1), .attribute("ab", 2)], kept: 2)
    }

    func testOnlyNewKeysAreBeyondTheLimit() {
        let full: [Item] = [.attribute("a", 1), .attribute("b", 1), .attribute("c", 1)]
        check(full, [.attribute("d", 1)], becomes: full, kept: 3, dropped: 1)
        check(
            full, [.attribute("d", 1), .attribute("a", 2)],
            becomes: [.attribute("b", 1), .attribute("c", 1), .attribute("a", 2)], kept: 3, dropped: 1)
        check(
            full, [.attribute("d", 1), .attribute("d", 2), .attribute("b", 2), .attribute("b", 3)],
            becomes: [.attribute("a", 1), .attribute("c", 1), .attribute("b", 3)], kept: 3, dropped: 1)
        check(
            [.attribute("a", 1)], [.attribute("b", 1), .attribute("c", 1), .attribute("d", 1), .attribute("b", 2)],
            becomes: [.attribute("a", 1), .attribute("c", 1), .attribute("d", 1)], kept: 3, dropped: 1)
    }

    func testWhatIsOldIsNotMoved() {
        let old: [Item] = [
            .attribute("a", 1), .event(["a"]), .attribute("b", 1), .attribute("a", 2), .attribute("c", 1),
        ]
        check(
            old, [.attribute("d", 1), .attribute("a", 3), .attribute("d", 2), .attribute("a", 4)], keepingOld: true,
            becomes: old + [.attribute("a", 4)], kept: 3, dropped: 1)
        check(old, [.attribute("d", 1)], limit: 4, keepingOld: true, becomes: old + [.attribute("d", 1)], kept: 4)
        check(old, [.attribute("d", 1)], limit: 2, keepingOld: true, becomes: old, kept: 2, dropped: 1)
    }

    func testOtherItemsStayWithTheirOwnAttributes() {
        check(
            [.attribute("a", 1), .event(["a", "b"]), .attribute("b", 1)], [.attribute("a", 2), .event([])],
            becomes: [.event(["a", "b"]), .attribute("b", 1), .attribute("a", 2), .event([])], kept: 2)
        check([.event(["a"])], [.event(["a"])], limit: 0, becomes: [.event(["a"]), .event(["a"])], kept: 0)
    }
}
