// SPDX-License-Identifier: Apache-2.0

/// Makes the backend that the tool's author chose. Opens nothing: that is left to the first send.
/// A choice that cannot work gives a backend that keeps every event and says why.
///
/// `stateDirectory`: that of the spool, nil when there is none. `signal`: what the spool holds.
func makeBackend(
    _ choice: BackendChoice, toolName: String, stateDirectory: String?, signal: RecordedSignal = .events
) -> any Backend {
    switch choice {
    case .noop: return NoopBackend()
    case .stdout(let target, let form): return StdoutBackend(target, form)
    case .custom(let callbacks, let info): return CustomBackend(callbacks, info: info)
    case .file(let path, let maxBytes, let maxFiles):
        return makeFileBackend(
            path ?? stateDirectory.map { $0 + "/" + FileBackend.defaultName(signal) }, maxBytes, maxFiles, toolName)
    case .network(let choice):
        return makeNetworkBackend(choice.resolved)
    }
}

private func makeNetworkBackend(_ choice: NetworkChoice) -> any Backend {
    if let problem = choice.problem() {
        let isOfEnvironment = !choice.environmentProblem.utf8.isEmpty
        return UnavailableBackend(
            kind: choice.kind.name,
            reason: isOfEnvironment ? choice.environmentProblem : problem.key + ": " + problem.text)
    }
    switch choice.kind.transport {
    case .datagrams(let make):
        guard let receiver = choice.datagramReceiver else {
            return UnavailableBackend(kind: choice.kind.name, reason: "no address")
        }
        return make(receiver, choice)
    case .posted(let makeFormat):
        do throws(EndpointError) {
            let endpoint = try Endpoint.parse(choice.url, allowingHTTP: choice.allowsHTTP)
            return PostingBackend(choice, endpoint: endpoint, format: makeFormat(choice))
        } catch {
            return UnavailableBackend(kind: choice.kind.name, reason: error.text)
        }
    }
}

private func makeFileBackend(
    _ path: String?, _ maxBytes: Int64, _ maxFiles: Int, _ toolName: String
) -> any Backend {
    guard let chosen = path else {
        return UnavailableBackend(
            kind: "file",
            reason: "no state directory for " + toolName + ": neither XDG_STATE_HOME nor HOME is an absolute path")
    }
    guard let last = Array(chosen.utf8).last, last != UInt8(ascii: "/"), let absolute = Environment.absolutePath(chosen)
    else {
        return UnavailableBackend(kind: "file", reason: "the log's path is not the path of a file")
    }
    return FileBackend(path: absolute, maxBytes: maxBytes, maxFiles: maxFiles)
}
