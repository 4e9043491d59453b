// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// `POST /agent/wake`: a program of a tool has left something. The body is the tool's name and, on a second line, the
/// absolute path of its manifest, if it is not where manifests are installed. A third line `ahead`: it is about to.
struct WakeRequest {
    let tool: String
    var manifest: String?
    var isAhead = false

    static func answer(_ body: [UInt8], _ wake: (WakeRequest) -> Bool) -> HTTPAnswer {
        let lines = body.split(separator: 0x0A)
        guard let tool = lines.first else { return HTTPAnswer(400, "The name of a tool is missing.") }
        var request = WakeRequest(tool: String(bytes: tool))
        if lines.count > 1 {
            request.isAhead = lines.count == 3 && lines[2].elementsEqual("ahead".utf8)
            guard lines.count == 2 || request.isAhead, lines[1].first == UInt8(ascii: "/"), !lines[1].contains(0) else {
                return HTTPAnswer(400, "The second line is not the path of a manifest.")
            }
            request.manifest = (Array(lines[1]) + [0]).withUnsafeBytes { area in
                area.baseAddress.map { PathText.string($0.assumingMemoryBound(to: CChar.self)) }
            }
        }
        return wake(request)
            ? HTTPAnswer(204) : HTTPAnswer(400, "This is not the name of a tool, or there are too many.")
    }
}
