// sources: Sources/telemetry-cli/ArgumentParser.swift Sources/telemetry-cli/Property.swift Sources/telemetry-cli/PropertyReader.swift Sources/telemetry-cli/FlatJSON.swift
import TelemetryCore

/// The helper's standard input under `--properties -`: lines, or a JSON object.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzProperties(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    do throws(Property.Mistake) {
        for property in try PropertyReader.parse(Array(UnsafeRawBufferPointer(start: bytes, count: size))) {
            precondition(!property.key.isEmpty)
            if case .double(let number) = property.value {
                precondition(number.isFinite)
                reached()
            }
        }
    } catch {
        precondition(!error.message.isEmpty)
    }
    return 0
}
