import CSystem

/// Where execvp(3) finds a program.
enum ProgramSearch {
    static func path(of name: String) -> String? {
        if name.utf8.contains(UInt8(ascii: "/")) { return name }
        let directories = Process.environment("PATH") ?? "/bin:/usr/bin"
        for directory in directories.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
            let path = (directory.isEmpty ? "." : String(decoding: directory, as: UTF8.self)) + "/" + name
            if access(path, X_OK) == 0 { return path }
        }
        return nil
    }

    /// The part behind the last slash.
    static func fileName(_ path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.utf8.index(after: slash)...])
    }
}
