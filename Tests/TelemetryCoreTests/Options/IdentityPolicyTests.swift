import CSystem
import XCTest

@testable import TelemetryCore

/// D3, D4: which identifier a process is to use, from values.
final class IdentityPolicyTests: XCTestCase {
    private static let day: Int64 = 86_400_000_000_000

    func testEphemeral() {
        let here = Surroundings(isContinuousIntegration: false, isContainer: false)
        let ci = Surroundings(isContinuousIntegration: true, isContainer: false)
        let container = Surroundings(isContinuousIntegration: false, isContainer: true)
        let table: [(telemetry_ephemeral, telemetry_identity, Surroundings, Bool)] = [
            (TELEMETRY_EPHEMERAL_AUTO, TELEMETRY_IDENTITY_SALTED, here, false),
            (TELEMETRY_EPHEMERAL_AUTO, TELEMETRY_IDENTITY_SALTED, ci, true),
            (TELEMETRY_EPHEMERAL_AUTO, TELEMETRY_IDENTITY_SALTED, container, true),
            (TELEMETRY_EPHEMERAL_AUTO, TELEMETRY_IDENTITY_RANDOM, ci, true),
            (TELEMETRY_EPHEMERAL_AUTO, TELEMETRY_IDENTITY_HASHED, container, true),
            (TELEMETRY_EPHEMERAL_AUTO, TELEMETRY_IDENTITY_NONE, container, false),
            (TELEMETRY_EPHEMERAL_NEVER, TELEMETRY_IDENTITY_SALTED, ci, false),
            (TELEMETRY_EPHEMERAL_NEVER, TELEMETRY_IDENTITY_HASHED, container, false),
            (TELEMETRY_EPHEMERAL_ALWAYS, TELEMETRY_IDENTITY_SALTED, here, true),
            (TELEMETRY_EPHEMERAL_ALWAYS, TELEMETRY_IDENTITY_RANDOM, here, true),
        ]
        for (mode, kind, surroundings, expected) in table {
            let options = Options(toolName: "mytool", toolVersion: "1")
            options[.ephemeral] = Int64(mode.rawValue)
            options[.identityKind] = Int64(kind.rawValue)
            XCTAssertEqual(
                IdentityPolicy(options) { surroundings }.isEphemeral, expected, "\(mode) \(kind) \(surroundings)")
        }
    }

    /// Of the kind `none`, `always` makes nothing either.
    func testNoneStaysNone() {
        let policy = IdentityPolicy(kind: TELEMETRY_IDENTITY_NONE, isEphemeral: true)
        let identity = MachineIdentity.obtain(policy, tool: "mytool", directory: nil)
        XCTAssertEqual(identity.id, "")
        XCTAssertFalse(identity.isEphemeral)
    }

    func testEphemeralIsMarkedAndOfOneTool() throws {
        let policy = IdentityPolicy(isEphemeral: true)
        let identity = MachineIdentity.obtain(policy, tool: "mytool", directory: nil)
        XCTAssertTrue(identity.isEphemeral)
        XCTAssertNotNil(identity.id.range(of: "^ephemeral-[0-9a-f]{32}$", options: .regularExpression), identity.id)
        XCTAssertEqual(MachineIdentity.obtain(policy, tool: "mytool", directory: nil).id, identity.id)
        XCTAssertNotEqual(MachineIdentity.obtain(policy, tool: "other", directory: nil).id, identity.id)
    }

    func testExpiry() {
        let table: [(days: UInt32, made: Int64, expected: Int64)] = [
            (0, 5, .max), (1, 5, 5 + Self.day), (3650, 0, 3650 * Self.day), (.max, 0, 3650 * Self.day),
            (1, .max - 1, .max), (1, -1, Self.day - 1),
        ]
        for (days, made, expected) in table {
            XCTAssertEqual(IdentityPolicy(rotationDays: days).expiry(of: made), expected, "\(days) \(made)")
        }
    }

    func testSetters() {
        let options = Options(toolName: "mytool", toolVersion: "1")
        XCTAssertTrue(options.setIdentity(TELEMETRY_IDENTITY_HASHED, rotationDays: 3650))
        XCTAssertTrue(options.setEphemeral(TELEMETRY_EPHEMERAL_ALWAYS))
        XCTAssertNil(options.error)
        XCTAssertFalse(options.setIdentity(TELEMETRY_IDENTITY_HASHED, rotationDays: 3651))
        XCTAssertEqual(options.error, "identity: expected a telemetry_identity, and rotation_days from 0 to 3650")
        let other = Options(toolName: "mytool", toolVersion: "1")
        XCTAssertFalse(other.setIdentity(telemetry_identity(rawValue: 4), rotationDays: 0))
        XCTAssertFalse(other.setEphemeral(telemetry_ephemeral(rawValue: 3)))
        XCTAssertEqual(other.identity, TELEMETRY_IDENTITY_SALTED)
        let copy = Options(options.settings)
        XCTAssertEqual(copy.identity, TELEMETRY_IDENTITY_HASHED)
        XCTAssertEqual(copy.rotationDays, 3650)
        XCTAssertEqual(copy.ephemeral, TELEMETRY_EPHEMERAL_ALWAYS)
    }
}
