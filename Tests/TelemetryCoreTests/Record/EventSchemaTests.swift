import CSystem
import XCTest

@testable import TelemetryCore

private func bytes<R>(_ text: String, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    Array(text.utf8).withUnsafeBytes(body)
}

/// C1, C2, C8: types and reserved names.
final class EventSchemaTests: XCTestCase {
    func testKnownTypesAreValid() {
        let known = [
            TELEMETRY_COMMAND_INVOCATION, TELEMETRY_COMMAND_ERROR, TELEMETRY_FEATURE_USED,
            TELEMETRY_UPDATE_CHECK, TELEMETRY_UPDATE_APPLIED, TELEMETRY_DATA_DELETION_REQUEST,
        ]
        let expected = [
            "command.invocation", "command.error", "feature.used", "update.check", "update.applied",
            "data.deletion_request",
        ]
        XCTAssertEqual(known, expected)
        for type in expected { XCTAssertTrue(bytes(type, EventSchema.isValidType), type) }
    }

    /// Every byte there is, at every place of types of several lengths.
    func testBytesOfTypes() {
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-".utf8)
        for byte in UInt8.min...UInt8.max {
            for count in [1, 2, 7, 8, 9, 15, 16, 17, 18, 24, 63, 64] {
                for place in 0..<count {
                    var type = [UInt8](repeating: UInt8(ascii: "z"), count: count)
                    type[place] = byte
                    let isValid = type.withUnsafeBytes { EventSchema.isValidType($0) }
                    XCTAssertEqual(isValid, allowed.contains(byte), "byte \(byte) at \(place) of \(count)")
                }
            }
        }
    }

    func testLengthOfTypes() {
        XCTAssertFalse(EventSchema.isValidType(UnsafeRawBufferPointer(start: nil, count: 0)))
        XCTAssertFalse(bytes("", EventSchema.isValidType))
        XCTAssertTrue(bytes(String(repeating: "a", count: 64), EventSchema.isValidType))
        XCTAssertFalse(bytes(String(repeating: "a", count: 65), EventSchema.isValidType))
    }

    /// The fields as requirement C2 lists them.
    func testReservedNames() {
        let fields = """
            schema_version event_id timestamp type name machine_id tool_name version os arch os_version runtime \
            duration_ms exit_code error_category args error metadata
            """.split(separator: " ").map(String.init)
        XCTAssertEqual(fields.count, 18)
        for field in fields {
            XCTAssertTrue(bytes(field, ReservedNames.contains), field)
            let others = [
                field + "x", "x" + field, String(field.dropLast()), field.uppercased(), "x" + field.dropFirst(),
            ]
            for other in others { XCTAssertFalse(bytes(other, ReservedNames.contains), other) }
        }
        XCTAssertFalse(ReservedNames.contains(UnsafeRawBufferPointer(start: nil, count: 0)))
        for other in ["", "tool_version", "id", "user", "count"] {
            XCTAssertFalse(bytes(other, ReservedNames.contains), other)
        }
    }
}
