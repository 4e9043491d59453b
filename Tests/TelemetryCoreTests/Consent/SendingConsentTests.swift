import Foundation
import XCTest

@testable import TelemetryCore

/// A2, A7, A13, A18: what a manifest says while a program runs, for what is recorded and for what is sent.
final class SendingConsentTests: XCTestCase {
    private let directory = TemporaryDirectory()

    private func read(_ text: String) throws -> Options {
        directory.write("t.yaml", text)
        let options = Options(toolName: "t", toolVersion: "1")
        try Manifest.load(path: directory.path + "/t.yaml", into: options)
        return options
    }

    private let on = "tool: {name: t}\nforce: true\n"

    /// `isLocal`: what is sent stays on this machine.
    private func answers(_ text: String?, isLocal: Bool = false) throws -> [Bool] {
        let consent = SendingConsent(try read(on), isLocal: isLocal)
        XCTAssertTrue(consent.isGiven)
        if let text {
            directory.write("t.yaml", text)
        } else {
            try FileManager.default.removeItem(atPath: directory.path + "/t.yaml")
        }
        return [consent.isGiven, consent.isKeptHere]
    }

    func testManifestThatChanges() throws {
        XCTAssertEqual(try answers(on), [true, false])
        XCTAssertEqual(try answers(on + "enabled: false\n"), [false, false])
        XCTAssertEqual(try answers(on + "local_only: true\n"), [false, true])
        XCTAssertEqual(try answers(on + "local_only: true\n", isLocal: true), [true, false])
        XCTAssertEqual(try answers("tool: {name: t}\n"), [false, false], "neither forced nor agreed")
        XCTAssertEqual(try answers(on + "nonsense: 1\n"), [false, false])
        XCTAssertEqual(try answers(nil), [true, false], "one that is gone says nothing")
    }

    /// What a program has set stays, whatever becomes of the manifest.
    func testWhatCodeHasSet() throws {
        let closed = try read("tool: {name: t}\nenabled: false\n")
        let options = try read(on)
        options.set(.force, 0)
        options.set(.consent, 1)
        options.set(.localOnly, 1)
        directory.write("t.yaml", on + "consent: opt-in\nlocal_only: false\n")
        XCTAssertFalse(closed.present.authorGate, "a no stays one")
        XCTAssertEqual([Setting.force, .consent, .localOnly].map { options.present[$0] }, [0, 1, 1])
        let own = options.own([])
        XCTAssertTrue(own.present === own, "it is not the author's to say")
    }

    func testUnchangedManifestIsNotRead() throws {
        let options = try read(on)
        XCTAssertTrue(options.present === options)
    }
}
