import CSystem
@testable import TelemetryCore

/// A manifest's text. All of it is taken, or nothing but the options' error (docs/manifest.md).
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzManifest(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let text = UnsafeRawBufferPointer(start: bytes, count: size)
    let options = Options(toolName: "fuzz", toolVersion: "")
    do throws(ManifestError) {
        try Manifest.parse(text, name: "fuzz.yaml", into: options)
        precondition(options.error == nil && options.toolName == "fuzz")
        if case .network = options.destinations.first?.choice { reached() }
        precondition(options.segmentBytes % 4096 == 0 && (8 << 10...16 << 20).contains(options.segmentBytes))
        precondition(options.spoolLimitBytes >= Int64(options.segmentBytes) && options.spoolLimitSegments >= 1)
    } catch {
        precondition(options.error == error.text && !error.text.isEmpty)
        precondition(options.toolVersion.isEmpty && options.metadata.isEmpty && options.segmentBytes == 256 << 10)
    }
    return 0
}
