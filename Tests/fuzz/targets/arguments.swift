// sources: Sources/telemetry-cli/ArgumentParser.swift Sources/telemetry-cli/CommandTable.swift Sources/telemetry-cli/SpanWords.swift
/// The helper's command line: the input's parts between NUL bytes are its arguments.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzArguments(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let parts = UnsafeRawBufferPointer(start: bytes, count: size).split(separator: 0, omittingEmptySubsequences: false)
    let arguments = ["telemetry"] + parts.map { String(decoding: $0, as: UTF8.self) }
    do throws(UsageError) {
        let parsed = try ArgumentParser.parse(arguments, CommandTable.syntax)
        if let index = parsed.programIndex {
            precondition(index > 0 && index < arguments.count)
            reached()
        }
        precondition(parsed.words.count <= parsed.command?.words ?? 0)
        precondition(parsed.options.count + parsed.words.count < arguments.count)
    } catch {
        precondition(!error.message.isEmpty)
    }
    return 0
}
