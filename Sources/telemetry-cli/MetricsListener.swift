// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `metrics --listen`: the tool's file over HTTP, until a signal says that it is enough.
enum MetricsListener {
    static func run(_ invocation: Invocation, _ options: Options, delivery: Options?, _ text: String) throws(Failure)
        -> ExitCode
    {
        let address: ListenAddress
        do throws(ListenAddressError) { address = try ListenAddress.parse(invocation.path(text)) } catch {
            throw invocation.usage("--listen: " + error.text)
        }
        // Before there is another thread: a signal that comes early waits.
        let end = EndSignals()
        let server: MetricsFileServer
        do throws(SystemError) { server = try MetricsFileServer(options, delivery: delivery, address) } catch {
            throw Failure(code: .system, message: address.description + ": " + error.text)
        }
        guard server.start() else { throw Failure(code: .system, message: "no thread could be started") }
        defer { server.stop() }
        if invocation.wantsJSON {
            var object = JSONObject()
            object.add("tool", options.toolName)
            object.add("address", server.address.description)
            try invocation.answer(object.text)
        } else if !invocation.isQuiet {
            invocation.complain("listening on " + place(server.address) + " (Ctrl-C ends it)")
        }
        end.wait()
        return .ok
    }

    private static func place(_ address: ListenAddress) -> String {
        switch address {
        case .loopback: "http://" + address.description + "/metrics"
        case .socket: address.description
        }
    }
}
