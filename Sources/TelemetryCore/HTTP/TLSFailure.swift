// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What is wrong with a receiver's TLS, for people: each of the usual reasons needs a different action. libcurl has one
/// code for most of them. Its detailed text comes from OpenSSL or GnuTLS.
enum TLSFailure {
    /// `X509_V_ERR_` UNSPECIFIED, CERT_NOT_YET_VALID, CERT_HAS_EXPIRED and HOSTNAME_MISMATCH of OpenSSL.
    private static let openSSL = (unspecified: 1, notYet: 9, expired: 10, name: 62)
    /// `GNUTLS_CERT_NOT_ACTIVATED` and `GNUTLS_CERT_EXPIRED`, bits of a status; its other bits are above OpenSSL's
    /// codes.
    private static let gnuTLS = (notYet: 1 << 9, expired: 1 << 10)

    /// `verification`: CURLINFO_SSL_VERIFYRESULT. `detail`: libcurl's own sentence. `isFresh`: TLS was set up for this
    /// request. Nil: it is another failure.
    @inline(never)
    static func text(_ code: CURLcode, verification: Int, _ detail: UnsafePointer<CChar>, isFresh: Bool = false)
        -> String?
    {
        if code == CURLE_PEER_FAILED_VERIFICATION { return certificate(verification) }
        // OpenSSL's and GnuTLS's words for the alert. In TLS 1.3 the alert comes after the handshake, with the next
        // read.
        let words = Array(String(cString: detail).utf8)
        if ["ertificate required", "ertificate is required", "bad certificate", "Bad certificate"].contains(where: {
            ByteSearch.contains(words, $0)
        }) {
            return "the receiver wants a client certificate, and there is none to give"
        }
        // GnuTLS does not say which alert it was.
        if ByteSearch.contains(words, "andshake fail") || ByteSearch.contains(words, "fatal alert") {
            return "the receiver broke TLS off: it may want a client certificate, or another version of TLS"
        }
        // In TLS 1.3 a server reports a missing certificate after the handshake, and closes the connection. Its reset
        // may arrive before its message.
        let isBrokenOff = code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING
        return isFresh && isBrokenOff
            ? "the receiver broke off after the TLS handshake: it may want a client certificate" : nil
    }

    private static func certificate(_ verification: Int) -> String {
        if verification == openSSL.expired || verification & gnuTLS.expired != 0 {
            return "the receiver's certificate has expired"
        }
        if verification == openSSL.notYet || verification & gnuTLS.notYet != 0 {
            return "the receiver's certificate is not valid yet: is the clock right?"
        }
        // With a correct chain, the name was wrong. libcurl leaves OpenSSL's result at X509_V_ERR_UNSPECIFIED then.
        let isName = verification == 0 || verification == openSSL.unspecified || verification == openSSL.name
        return isName
            ? "the receiver's certificate is for another host"
            : "the receiver's certificate is from an authority that is not trusted here"
    }
}
