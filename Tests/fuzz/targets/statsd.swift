// sources: Sources/TelemetryAgent/StatsD/StatsDLine.swift Sources/TelemetryAgent/HTTP/HTTPRequest.swift Sources/TelemetryAgent/HTTP/Peer.swift
import TelemetryCore

/// A line of StatsD. What is taken out of it lies in it, and its numbers are finite.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzStatsD(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let line = UnsafeRawBufferPointer(start: bytes, count: size)
    StatsDLine.read(line) { outcome in
        guard case .part(let part) = outcome else { return }
        precondition(!part.name.isEmpty && part.rate.isFinite && part.rate > 0)
        touch(part.name)
        var count = 0
        part.eachValue {
            precondition($0.value.isFinite)
            count += 1
        }
        precondition(count > 0 && count <= size)
        part.eachTag { key, value in
            precondition(!key.isEmpty)
            touch(key)
            if let value { touch(value) }
        }
        reached()
    }
    return 0
}
