// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A thread of the library. It takes no signals.
enum LibraryThread {
    /// Enough for libcurl and TLS; only the used part takes memory.
    private static let stackBytes = 512 << 10

    private final class Body {
        let run: () -> Void

        init(_ run: @escaping () -> Void) { self.run = run }
    }

    /// Runs `body` on a new thread. False: there can be none.
    static func start(_ body: @escaping () -> Void) -> Bool {
        let context = Unmanaged.passRetained(Body(body))
        let error = csystem_start_thread(
            stackBytes,
            { context in
                guard let context else { return nil }
                csystem_thread_begins(false)
                Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                csystem_thread_ends(false)
                return nil
            }, context.toOpaque())
        if error != 0 { context.release() }
        return error == 0
    }
}
