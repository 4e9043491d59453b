import XCTest

@testable import TelemetryCore

/// H10: `baggage`, with the cases of W3C's suite (w3c/baggage, test/).
final class BaggageTests: XCTestCase {
    private func parse(_ fields: String...) -> Baggage {
        var baggage = Baggage()
        for field in fields { Array(field.utf8).withUnsafeBytes { baggage.add($0) } }
        return baggage
    }

    private func text(_ baggage: Baggage) -> String { String(decoding: baggage.text, as: UTF8.self) }

    /// Key, value, properties of each member.
    private func content(_ baggage: Baggage) -> [[String]] {
        baggage.members.map {
            [String(decoding: $0.key, as: UTF8.self), $0.value, String(decoding: $0.properties, as: UTF8.self)]
        }
    }

    private static let quoted = "\t \"\';=asdf!@#$%^&*()"
    private static let encoded = "%09%20%22%27%3B%3Dasdf%21%40%23%24%25%5E%26%2A%28%29"

    func testSuite() {
        let table: [(test: String, given: String, expected: [[String]])] = [
            ("ctor_default", "", []),
            ("parse_simple", "SomeKey=SomeValue", [["SomeKey", "SomeValue", ""]]),
            (
                "parse_multiple", "SomeKey=SomeValue;SomeProp,SomeKey2=SomeValue2;ValueProp=PropVal",
                [["SomeKey", "SomeValue", "SomeProp"], ["SomeKey2", "SomeValue2", "ValueProp=PropVal"]]
            ),
            (
                "parse_multiple_ows",
                "SomeKey \t = \t SomeValue \t ; \t SomeProp \t , \t SomeKey2 \t = \t SomeValue2 \t ; \t ValueProp \t = \t PropVal",
                [["SomeKey", "SomeValue", "SomeProp"], ["SomeKey2", "SomeValue2", "ValueProp=PropVal"]]
            ),
            (
                "parse_multiple_kv_property",
                "SomeKey=SomeValue;SomePropKey=SomePropValue,SomeKey2=SomeValue2;SomePropKey2=SomePropValue2",
                [
                    ["SomeKey", "SomeValue", "SomePropKey=SomePropValue"],
                    ["SomeKey2", "SomeValue2", "SomePropKey2=SomePropValue2"],
                ]
            ),
            (
                "parse_multiple_kv_property_ows",
                "SomeKey \t = \t SomeValue \t ; \t SomePropKey=SomePropValue \t , \t SomeKey2 \t = \t SomeValue2 \t ; \t SomePropKey2 \t = \t SomePropValue2",
                [
                    ["SomeKey", "SomeValue", "SomePropKey=SomePropValue"],
                    ["SomeKey2", "SomeValue2", "SomePropKey2=SomePropValue2"],
                ]
            ),
            ("parse_multiple_equals", "SomeKey=SomeValue=equals", [["SomeKey", "SomeValue=equals", ""]]),
            ("parse_percent_encoded", "SomeKey=" + Self.encoded, [["SomeKey", Self.quoted, ""]]),
            ("parse_property", "SomeKey=SomeValue;SomeProp", [["SomeKey", "SomeValue", "SomeProp"]]),
            (
                "parse_multi_property", "SomeKey=SomeValue;SomeProp;SecondProp=PropValue",
                [["SomeKey", "SomeValue", "SomeProp;SecondProp=PropValue"]]
            ),
            ("parse_simple_ows", "SomeKey \t = \t SomeValue \t ", [["SomeKey", "SomeValue", ""]]),
            ("parse_percent_encoded_ows", "SomeKey \t = \t " + Self.encoded + " \t ", [["SomeKey", Self.quoted, ""]]),
            (
                "parse_property_ows", "SomeKey \t = \t SomeValue \t ; \t SomeProp",
                [["SomeKey", "SomeValue", "SomeProp"]]
            ),
            (
                "parse_multi_property_ows",
                "SomeKey \t = \t SomeValue \t ; \t SomeProp \t ; \t SecondProp \t = \t PropValue",
                [["SomeKey", "SomeValue", "SomeProp;SecondProp=PropValue"]]
            ),
        ]
        for (test, given, expected) in table { XCTAssertEqual(content(parse(given)), expected, test) }
    }

    func testSuiteWritten() {
        var baggage = Baggage()
        XCTAssertTrue(baggage.set("SomeKey", Self.quoted))
        XCTAssertEqual(text(baggage), "SomeKey=" + Self.encoded)
        XCTAssertEqual(text(parse("SomeKey=" + Self.encoded)), "SomeKey=" + Self.encoded)
    }

    /// serialize_at_least_64, serialize_long_entry, serialize_many_entries, and what is beyond.
    func testLimits() {
        let many = (0..<64).map { "key\($0)=value" }
        XCTAssertEqual(text(parse(many.joined(separator: ","))), many.joined(separator: ","))
        XCTAssertEqual(text(parse(many.joined(separator: ",") + ",more=1")), many.joined(separator: ","))
        let long = "a=" + String(repeating: "0123456789", count: 819)
        XCTAssertEqual(text(parse(long)).utf8.count, 8192)
        XCTAssertEqual(text(parse(long + "x")), "")
        XCTAssertEqual(text(parse(long, "b=1")), long)
        // A member for which there is no room is left out, and a later one may still fit.
        let half = "b=" + String(repeating: "x", count: 5000)
        XCTAssertEqual(text(parse(half, half, "c=1")), half + ",c=1")
        var full = parse(long)
        XCTAssertFalse(full.set("b", ""))
        XCTAssertEqual(text(full), long)
        XCTAssertTrue(full.set("a", "1"))
        XCTAssertEqual(text(full), "a=1")
        var crowded = parse(many.joined(separator: ","))
        XCTAssertFalse(crowded.set("more", "1"))
        XCTAssertTrue(crowded.set("key63", "1"))
    }

    func testGrammar() {
        let table = [
            ("a=", "a="), ("a=;p", "a=;p"), ("a=;p=", "a=;p="), ("=1", ""), ("a", ""), ("a;p=1", ""), ("a b=1", ""),
            ("a=b c", ""), ("a=\"b\"", ""), ("a=b\\", ""), ("a=\u{E4}", ""), ("\u{E4}=1", ""), ("a=1;", ""),
            ("a=1;=2", ""), ("a=1;p q", ""), ("a=1;p=\"", ""), ("a=1,,b=2, ,c=3,", "a=1,b=2,c=3"),
            ("a=1,b=\"2\",c=3", "a=1,c=3"), ("!#$%&'*+-.^_`|~09azAZ=1", "!#$%&'*+-.^_`|~09azAZ=1"), ("(=1", ""),
            ("a=1\n", ""), ("a=1,a=2,a=1", "a=1,a=2,a=1"), ("a=%zz%", "a=%zz%"),
            (
                "key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue",
                "key1=value1;property1;property2,key2=value2,key3=value3;propertyKey=propertyValue"
            ),
        ]
        for (given, expected) in table { XCTAssertEqual(text(parse(given)), expected, given) }
    }

    func testValues() {
        let table = [
            ("userId=alice", "userId", "alice"), ("a=DF%2028", "a", "DF 28"), ("a=%C3%A4%f0%9f%98%80", "a", "ä😀"),
            ("a=%ff", "a", "\u{FFFD}"), ("a=x%C3y", "a", "x\u{FFFD}y"), ("a=%E2%82", "a", "\u{FFFD}"),
            ("a=%zz", "a", "%zz"), ("a=1,a=2", "a", "2"), ("a=+", "a", "+"),
        ]
        for (given, key, expected) in table { XCTAssertEqual(parse(given).value(key), expected, given) }
        XCTAssertNil(parse("a=1").value("A"))
        XCTAssertNil(parse("").value(""))
    }

    func testChanges() {
        var baggage = parse("a=1;p,b=2;q=3,a=4", "c=5")
        XCTAssertTrue(baggage.set("a", "neu, ä"))
        XCTAssertEqual(text(baggage), "a=neu%2C%20%C3%A4,b=2;q=3,c=5")
        XCTAssertTrue(baggage.set("d", ""))
        baggage.remove("b")
        XCTAssertEqual(text(baggage), "a=neu%2C%20%C3%A4,c=5,d=")
        baggage.remove("B")
        for key in ["", "a b", "ä", "a=b", "a,b"] { XCTAssertFalse(baggage.set(key, "1"), key) }
        XCTAssertEqual(text(baggage), "a=neu%2C%20%C3%A4,c=5,d=")
        for key in ["a", "c", "d"] { baggage.remove(key) }
        XCTAssertTrue(baggage.isEmpty)
        XCTAssertEqual(text(baggage), "")
        XCTAssertTrue(baggage.set("a", "1"))
        XCTAssertEqual(text(baggage), "a=1")
    }

    func testRandomBytes() {
        let alphabet = Array("ab=;, \t%4\"\\".utf8) + [0x00, 0x80, 0xC3]
        for _ in 0..<4000 {
            var baggage = Baggage()
            let field = (0..<Int.random(in: 0...40)).map { _ in alphabet.randomElement()! }
            field.withUnsafeBytes { baggage.add($0) }
            let once = text(baggage)
            XCTAssertEqual(text(parse(once)), once)
            XCTAssertEqual(content(parse(once)), content(baggage))
        }
    }

    func testAnyValueIsReadBack() {
        for _ in 0..<2000 {
            let value = String(
                decoding: (0..<Int.random(in: 0...30)).map { _ in UInt8.random(in: 0...255) }, as: UTF8.self)
            var baggage = Baggage()
            XCTAssertTrue(baggage.set("key", value))
            XCTAssertEqual(parse(text(baggage)).value("key"), value)
        }
    }
}
