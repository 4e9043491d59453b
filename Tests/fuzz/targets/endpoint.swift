@testable import TelemetryCore

/// An endpoint as a manifest or a caller gives it; what is accepted can do no harm in a request or in
/// a message to a person.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzEndpoint(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let text = String(decoding: UnsafeRawBufferPointer(start: bytes, count: size), as: UTF8.self)
    guard let endpoint = try? Endpoint.parse(text) else { return 0 }
    precondition(text.utf8.count <= Endpoint.maxLength && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F })
    precondition(!endpoint.host.isEmpty && !endpoint.host.utf8.contains(UInt8(ascii: "@")) && (1...65535).contains(endpoint.port))
    reached()
    // The query may hold a secret.
    precondition(!endpoint.description.utf8.contains(UInt8(ascii: "?")))
    return 0
}
