import CSystem
import XCTest

@testable import TelemetryCore

final class TLSFailureTests: XCTestCase {
    func testTable() {
        let table: [(code: CURLcode, verification: Int, detail: String, sentence: String?)] = [
            (CURLE_PEER_FAILED_VERIFICATION, 10, "SSL certificate problem: certificate has expired", "has expired"),
            (CURLE_PEER_FAILED_VERIFICATION, 1 << 10 | 2, "server certificate verification failed", "has expired"),
            (CURLE_PEER_FAILED_VERIFICATION, 9, "", "is not valid yet"),
            (CURLE_PEER_FAILED_VERIFICATION, 1 << 9 | 2, "", "is not valid yet"),
            (CURLE_PEER_FAILED_VERIFICATION, 18, "", "authority"),
            (CURLE_PEER_FAILED_VERIFICATION, 20, "", "authority"),
            (CURLE_PEER_FAILED_VERIFICATION, 66, "", "authority"),
            (CURLE_PEER_FAILED_VERIFICATION, 0, "", "another host"),
            (CURLE_PEER_FAILED_VERIFICATION, 1, "", "another host"),
            (CURLE_PEER_FAILED_VERIFICATION, 62, "", "another host"),
            (
                CURLE_RECV_ERROR, 0, "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required",
                "wants a client certificate"
            ),
            (
                CURLE_RECV_ERROR, 0, "GnuTLS recv error (-12): A TLS fatal alert has been received.",
                "may want a client certificate"
            ),
            (
                CURLE_SSL_CONNECT_ERROR, 0, "gnutls_handshake() failed: Handshake failed",
                "may want a client certificate"
            ),
            (
                CURLE_SSL_CONNECT_ERROR, 0, "error:0A000410:SSL routines::sslv3 alert handshake failure",
                "may want a client certificate"
            ),
            (CURLE_COULDNT_CONNECT, 0, "Failed to connect to certificate.example port 443", nil),
            (CURLE_OPERATION_TIMEDOUT, 1, "", nil),
        ]
        for code in [CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING] {
            XCTAssertTrue(
                TLSFailure.text(code, verification: 0, "", isFresh: true)?.contains("broke off after the TLS handshake")
                    == true)
            XCTAssertNil(TLSFailure.text(code, verification: 0, ""))
        }
        for (code, verification, detail, sentence) in table {
            let text = TLSFailure.text(code, verification: verification, detail)
            if let sentence {
                XCTAssertTrue(text?.contains(sentence) == true, "\(detail): \(text ?? "")")
            } else {
                XCTAssertNil(text)
            }
        }
    }
}
