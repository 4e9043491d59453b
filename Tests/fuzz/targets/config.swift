@testable import TelemetryCore

/// A tool's own config file. A9: any bytes; a yes comes only from a document that spells a word for it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzConfig(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let text = UnsafeRawBufferPointer(start: bytes, count: size)
    for key in ["enabled", "telemetry.enabled", "a.b.c"] {
        switch ToolConfig.answer(text, key, "/config") {
        case .on, .off: reached()
        case .absent, .unusable, .unreachable: break
        }
    }
    return 0
}
