// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryAgent
import TelemetryCore

// The receiver of OTLP without its HTTP server, for tests: requests on standard input, answers on standard output.
//
//     logs|traces|metrics TAB CONTENT-TYPE TAB CONTENT-ENCODING TAB LENGTH LF BODY
//     STATUS TAB CONTENT-TYPE TAB RETRY-AFTER TAB LENGTH LF BODY
//
// An argument is the number of tools that are open at a time.

/// `main`. The package manager names an executable's entry point after its module.
@_cdecl("otlp_driver_main")
public func otlpDriverMain(_ count: Int32, _ vector: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
    let capacity = count > 1 ? vector[1].flatMap { Int(String(cString: $0)) } : nil
    let tools = ToolCollectors(capacity: capacity ?? 32)
    let receiver = OTLPReceiver(tools)
    while let line = Input.line() {
        let fields = split(line)
        guard fields.count == 4, let signal = OTLPSignal(path: "/v1/" + fields[0]), let length = Int(fields[3]),
            let body = Input.bytes(length)
        else { return 64 }
        let answer = body.withUnsafeBytes {
            receiver.receive(signal, contentType: fields[1], contentEncoding: fields[2], body: $0)
        }
        let pause = answer.retryAfter?.description ?? ""
        let head =
            answer.status.description + "\t" + answer.contentType.description + "\t" + pause + "\t"
            + answer.bytes.count.description + "\n"
        if !Output.write(Array(head.utf8) + answer.bytes) { break }
    }
    tools.close()
    return 0
}

private func split(_ line: [UInt8]) -> [String] {
    var fields: [String] = []
    var field: [UInt8] = []
    for byte in line + [0x09] {
        if byte == 0x09 {
            fields.append(String(decoding: field, as: UTF8.self))
            field = []
        } else {
            field.append(byte)
        }
    }
    return fields
}
