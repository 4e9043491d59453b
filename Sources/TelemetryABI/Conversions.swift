// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// The thread is the caller's: errno stays as it was, and the thread is not cancelled in here.
@inline(__always)
func onCallersThread<R>(_ body: () -> R) -> R {
    let caller = csystem_enter()
    let result = body()
    csystem_leave(caller)
    return result
}

/// The same for a call that may have to allocate: where there is no memory for it, the answer is `exhausted`.
@inline(never)
func onCallersThread<R>(exhausted: R, _ body: () -> R) -> R {
    onCallersThread { Allocation.isAvailable ? body() : exhausted }
}

func object(_ options: UnsafePointer<telemetry_options>) -> Options {
    Unmanaged<Options>.fromOpaque(options.pointee.implementation).takeUnretainedValue()
}

/// Runs a setter; NULL options are TELEMETRY_ERROR_ARGUMENT.
func configure(_ options: UnsafeMutablePointer<telemetry_options>?, _ body: (Options) -> Bool) -> telemetry_status {
    guard let options else { return TELEMETRY_ERROR_ARGUMENT }
    return onCallersThread(exhausted: TELEMETRY_ERROR_MEMORY) {
        body(object(UnsafePointer(options))) ? TELEMETRY_OK : TELEMETRY_ERROR_ARGUMENT
    }
}

/// snprintf's contract: as much as fits, always terminated; returns the length of the whole.
func write(_ text: String, to buffer: UnsafeMutablePointer<CChar>?, _ size: Int) -> Int {
    let bytes = PathText.shown(text)
    guard let buffer, size > 0 else { return bytes.count }
    let count = min(bytes.count, size - 1)
    for index in 0..<count { buffer[index] = CChar(bitPattern: bytes[index]) }
    buffer[count] = 0
    return bytes.count
}

/// A caller's string; invalid UTF-8 is replaced.
func string(_ pointer: UnsafePointer<CChar>) -> String { String(cString: pointer) }
