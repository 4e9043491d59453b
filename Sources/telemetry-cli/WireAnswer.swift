// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// The bytes of requests, as an answer: as they are, one after the other, or as a JSON array.
enum WireAnswer {
    static func print(_ invocation: Invocation, _ preview: WirePreview) throws(Failure) -> ExitCode {
        if let backend = preview.incomplete { throw Failure(code: .system, message: "nothing can be sent, " + backend) }
        if invocation.wantsJSON {
            try invocation.answer(JSONObject.array(preview.requests.map { object($0) }))
            return .ok
        }
        for request in preview.requests {
            try invocation.answer(request.bytes)
            if let last = request.bytes.last, last != UInt8(ascii: "\n") { try invocation.answer("\n") }
        }
        return .ok
    }

    private static func object(_ request: WirePreview.Request) -> JSONObject {
        var object = JSONObject()
        object.add("backend", request.backend)
        object.add("request", bytes: request.bytes)
        return object
    }
}
