import XCTest

@testable import TelemetryCore

/// Section G: e-mail, as RFC 6068 wants it. Expected values by Python's urllib.parse.quote.
final class MailtoURLTests: XCTestCase {
    func testGolden() {
        let table: [(address: String, subject: String, body: String, expected: String)] = [
            ("privacy@example.org", "Erase", "all", "mailto:privacy@example.org?subject=Erase&body=all"),
            (
                "a+b&c=d@example.org", "a&b=c?d#e%f", "x y+z",
                "mailto:a%2Bb%26c%3Dd@example.org?subject=a%26b%3Dc%3Fd%23e%25f&body=x%20y%2Bz"
            ),
            (
                "a@b", "Löschung für „x“", "Bitte löschen: ü",
                "mailto:a@b?subject=L%C3%B6schung%20f%C3%BCr%20%E2%80%9Ex%E2%80%9C&body=Bitte%20l%C3%B6schen%3A%20%C3%BC"
            ),
            ("a@b", "s", "one\ntwo\r\nthree\n", "mailto:a@b?subject=s&body=one%0D%0Atwo%0D%0Athree%0D%0A"),
            // No way to another header or receiver.
            ("a@b", "s\r\nBcc: c@d", "&bcc=c@d", "mailto:a@b?subject=s%20%20Bcc%3A%20c%40d&body=%26bcc%3Dc%40d"),
            ("a@b", "-._~", "'\"<>", "mailto:a@b?subject=-._~&body=%27%22%3C%3E"),
        ]
        for (address, subject, body, expected) in table {
            XCTAssertEqual(MailtoURL.text(to: address, subject: subject, body: body), expected)
        }
    }

    func testAddresses() {
        for good in [
            "a@b", "privacy@example.org", "first.last+tag@sub.example.org", "x_y-z@xn--bcher-kva.example",
            "o'neil@example.org",
        ] {
            XCTAssertTrue(EmailAddress.isValid(good), good)
        }
        let long = String(repeating: "a", count: 65)
        for bad in [
            "", "@", "a@", "@b", "a", "a@b@c", "a b@c", "a,b@c", "a@b,c@d", "a..b@c", ".a@b", "a@b.", "a@.b", "a@b c",
            "a@b?bcc=c",
            "a@[127.0.0.1]", "\"a\"@b", "a\n@b", "a@b\r\nBcc:c", "ü@b", "a@ü", "<a@b>", long + "@b",
            "a@" + String(repeating: "b.", count: 130) + "b",
        ] {
            XCTAssertFalse(EmailAddress.isValid(bad), bad)
        }
    }
}
