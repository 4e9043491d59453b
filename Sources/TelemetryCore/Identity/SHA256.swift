// SPDX-License-Identifier: Apache-2.0
import CSystem

/// SHA-256 (FIPS 180-4), by libmd or OpenSSL.
struct SHA256 {
    static let digestBytes = 32
    static let blockBytes = 64

    private var state = csystem_sha256()

    /// Hashing this much (50 µs with libmd) is worth a look for OpenSSL in this process (10 µs).
    private static let worthALook = 16 << 10
    /// Hashing this much (3 ms) is worth loading OpenSSL (1 ms): there is more to come.
    private static let worthLoading = 1 << 20

    /// For a caller that has hashed that many bytes and goes on: takes OpenSSL's hash, which the processor does.
    static func preferFast(hashed: Int) {
        if hashed >= worthALook { csystem_sha256_prefer_fast(hashed >= worthLoading) }
    }

    init() { csystem_sha256_begin(&state) }

    mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { csystem_sha256_update(&state, $0.baseAddress, $0.count) }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        csystem_sha256_update(&state, bytes.baseAddress, bytes.count)
    }

    /// Writes the 32 bytes of the digest; the hash must not be used afterwards.
    mutating func finish(into digest: UnsafeMutablePointer<UInt8>) { csystem_sha256_finish(&state, digest) }

    /// The digest; the hash must not be used afterwards.
    mutating func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Self.digestBytes)
        csystem_sha256_finish(&state, &digest)
        return digest
    }

    static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finish()
    }
}

/// HMAC-SHA-256: RFC 2104, section 2, with H = SHA-256 and B = 64.
enum HMACSHA256 {
    static func code(key: [UInt8], message: [UInt8]) -> [UInt8] {
        // "Applications that use keys longer than B bytes will first hash the key using H".
        var block = key.count > SHA256.blockBytes ? SHA256.digest(key) : key
        // (1) append zeros to the end of K to create a B byte string
        block.append(contentsOf: repeatElement(0, count: SHA256.blockBytes - block.count))
        // (2) to (4): H(K XOR ipad, text)
        let inner = SHA256.digest(block.map { $0 ^ 0x36 } + message)
        // (5) to (7): H(K XOR opad, the result)
        return SHA256.digest(block.map { $0 ^ 0x5C } + inner)
    }
}
