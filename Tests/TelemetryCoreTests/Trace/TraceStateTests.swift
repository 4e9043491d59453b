import XCTest

@testable import TelemetryCore

/// H10: `tracestate`: grammar, limits, and what goes first when there is too much.
final class TraceStateTests: XCTestCase {
    /// What is written for these fields, with guards around the place.
    private func written(_ fields: [[UInt8]]) -> String {
        var place = [UInt8](repeating: 0xEE, count: TraceState.limit + 2)
        // As one block, so that all fields stay where they are.
        let whole = fields.flatMap { $0 }
        let length = whole.withUnsafeBytes { whole in
            var state = TraceState()
            var start = 0
            for field in fields {
                state.add(UnsafeRawBufferPointer(rebasing: whole[start..<start + field.count]))
                start += field.count
            }
            return place.withUnsafeMutableBufferPointer { state.write(to: $0.baseAddress! + 1) }
        }
        XCTAssertLessThanOrEqual(length, TraceState.limit)
        XCTAssertEqual(place[0], 0xEE)
        XCTAssertTrue(place[(length + 1)...].allSatisfy { $0 == 0xEE })
        return String(decoding: place[1..<(length + 1)], as: UTF8.self)
    }

    private func written(_ fields: String...) -> String { written(fields.map { Array($0.utf8) }) }

    /// `key` with a value that makes the member `count` bytes.
    private func member(_ key: String, _ count: Int) -> String {
        key + "=" + String(repeating: "v", count: count - key.utf8.count - 1)
    }

    func testGrammar() {
        let table = [
            ("a=1", "a=1"), ("0=1", "0=1"), ("a= 1", "a= 1"), ("a=  x y ", "a=  x y"), ("a= ", ""), ("a", ""),
            ("=", ""), ("a=1;b", "a=1;b"), ("a=1;b=2", ""), ("a=\u{E4}", ""), ("a=\u{7F}", ""), ("a=1\t2", ""),
            ("a=1,b", ""),
            ("_a=1", ""), ("-a=1", ""), ("*a=1", ""), ("/a=1", ""), ("a\t=1", ""), ("\ta=1", "a=1"), (",,a=1,,", "a=1"),
            (" , \t,a=1", "a=1"), ("a=1\n", ""), ("a=1\r\n", ""),
            ("a=~!\"#$%&'()*+-./:;<>?@[\\]^_`{|}", "a=~!\"#$%&'()*+-./:;<>?@[\\]^_`{|}"),
            // A key that begins another one is another key.
            ("a=1,ab=2,b=3,a=4,ab=5", "a=1,ab=2,b=3"), ("ab=1,a=2", "ab=1,a=2"),
        ]
        for (given, expected) in table { XCTAssertEqual(written(given), expected, given) }
    }

    /// An entry that is added first is at the left, and replaces the one of the same key.
    func testOwnEntryGoesToTheLeft() {
        XCTAssertEqual(written("rojo=new", "congo=1,rojo=old,other=2"), "rojo=new,congo=1,other=2")
    }

    func testMembers() {
        let many = (0..<32).map { "k\($0)=v" }
        XCTAssertEqual(written(many.joined(separator: ",")), many.joined(separator: ","))
        XCTAssertEqual(written(many.joined(separator: ",") + ",k32=v"), "")
        // Empty members and repeated keys take no place.
        XCTAssertEqual(written(many.joined(separator: ", ,") + ",k0=w"), many.joined(separator: ","))
    }

    func testWhatDoesNotFit() {
        let (a, b, c, d) = (member("a", 100), member("b", 128), member("c", 129), member("d", 200))
        XCTAssertEqual(written([a, b, c].joined(separator: ",")), [a, b, c].joined(separator: ","))
        // 560 bytes: the right-most of more than 128 goes, and that is enough.
        XCTAssertEqual(written([a, d, b, c].joined(separator: ",")), [a, d, b].joined(separator: ","))
        // Then the next one of them.
        let e = member("e", 127)
        XCTAssertEqual(
            written([d, c, a, b, e, member("f", 120)].joined(separator: ",")),
            [a, b, e, member("f", 120)].joined(separator: ","))
        // Then the right-most.
        let short = ["p", "q", "r", "s", "t"].map { member($0, 120) }
        XCTAssertEqual(written((short + [d]).joined(separator: ",")), short[..<4].joined(separator: ","))
        // To the byte.
        XCTAssertEqual(written(member("a", 256) + "," + member("b", 255)).utf8.count, 512)
        XCTAssertEqual(written(member("a", 256) + "," + member("b", 256)), member("a", 256))
        let widest = String(repeating: "k", count: 256) + "=" + String(repeating: "v", count: 256)
        XCTAssertEqual(written(widest), "")
        XCTAssertEqual(written("a=1," + widest + ",b=2"), "a=1,b=2")
        // White space does not count.
        let spaced = (0..<32).map { "k\($0)=v" }
        XCTAssertEqual(
            written(spaced.joined(separator: String(repeating: " ", count: 900) + ",")), spaced.joined(separator: ","))
    }

    func testNothing() {
        XCTAssertEqual(written([[UInt8]]()), "")
        XCTAssertEqual(written([[]]), "")
        var state = TraceState()
        state.add(UnsafeRawBufferPointer(start: nil, count: 0))
        XCTAssertEqual(state.write(to: UnsafeMutablePointer(bitPattern: 8)!), 0)
    }

    func testRandomBytes() {
        let alphabet = Array("ab01_@=, \t;~".utf8) + [0x00, 0x7F, 0x80]
        for _ in 0..<4000 {
            let fields = (0..<Int.random(in: 1...3)).map { _ in
                (0..<Int.random(in: 0...40)).map { _ in alphabet.randomElement()! }
            }
            let text = written(fields)
            // What is written means itself.
            XCTAssertEqual(written(text), text)
        }
        for _ in 0..<500 {
            let members = (0..<Int.random(in: 1...32)).map { member("k\($0)", Int.random(in: 6...260)) }
            let text = written(members.joined(separator: ","))
            XCTAssertEqual(written(text), text)
            let kept = text.split(separator: ",").map(String.init)
            XCTAssertEqual(kept, members.filter { kept.contains($0) })
        }
    }
}
