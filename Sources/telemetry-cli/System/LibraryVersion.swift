// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Whether a library can be loaded, and which version it reports.
enum LibraryVersion {
    case missing(String)
    case loaded(version: String?)

    /// `function`: takes nothing and returns a text.
    static func of(_ file: String, _ function: StaticString?) -> LibraryVersion {
        guard let library = dlopen(file, RTLD_NOW | RTLD_LOCAL) else {
            return .missing(dlerror().map { String(cString: $0) } ?? "unknown error")
        }
        guard let function,
            let symbol = dlsym(library, UnsafeRawPointer(function.utf8Start).assumingMemoryBound(to: CChar.self))
        else {
            return .loaded(version: nil)
        }
        typealias VersionFunction = @convention(c) () -> UnsafePointer<CChar>?
        return .loaded(version: unsafeBitCast(symbol, to: VersionFunction.self)().map { String(cString: $0) })
    }
}

/// uname(2)
enum SystemRelease {
    static var text: String {
        var names = utsname()
        guard uname(&names) == 0 else { return "unknown" }
        return field(&names.sysname) + " " + field(&names.release) + " " + field(&names.machine)
    }

    private static func field<T>(_ field: inout T) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
