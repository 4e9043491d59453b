@testable import TelemetryCore

/// The preference file's bytes. A8: nothing but the two words, with or without a newline, is an answer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPreference(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let text = UnsafeRawBufferPointer(start: bytes, count: size)
    let answer = PreferenceStore.parse(text)
    let word = Array(text)
    let isOn = word == Array("true".utf8) || word == Array("true\n".utf8)
    let isOff = word == Array("false".utf8) || word == Array("false\n".utf8)
    if answer == .on { reached() }
    precondition((answer == .on) == isOn && (answer == .off) == isOff && (answer == nil) == !(isOn || isOff))
    return 0
}
