import TelemetryCore

/// The bytes of requests, as an answer: as they are, one after the other, or as a JSON array.
enum WireAnswer {
    static func print(_ invocation: Invocation, _ preview: WirePreview) throws(Failure) -> ExitCode {
        if preview.isIncomplete { throw Failure(code: .system, message: "nothing can be sent, " + preview.backend) }
        if invocation.wantsJSON {
            try invocation.answer(JSONObject.array(preview.requests.map { object($0, preview.backend) }))
            return .ok
        }
        for request in preview.requests {
            try invocation.answer(request)
            if let last = request.last, last != UInt8(ascii: "\n") { try invocation.answer("\n") }
        }
        return .ok
    }

    private static func object(_ request: [UInt8], _ backend: String) -> JSONObject {
        var object = JSONObject()
        object.add("backend", backend)
        object.add("request", String(decoding: request, as: UTF8.self))
        return object
    }
}
