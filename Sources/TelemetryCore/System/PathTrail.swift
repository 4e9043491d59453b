// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What leads to a file: the directories and the links on the way. If one of them is moved away and back, neither the file nor
/// its directory has changed.
package struct PathTrail {
    /// Directories and links that are there, from the top. The root is not among them: nobody moves it.
    package private(set) var places: [String] = []
    /// Where a change of the file shows: its directory and its name there. The same of a link in its place. Of a file that is
    /// missing: the last directory that is there, and what is missing in it.
    package private(set) var entries: [Entry] = []
    /// False: the path is relative, or leads through too many links.
    package private(set) var isWhole = false

    package struct Entry {
        package let directory: String
        package let name: String
        /// It is the file or a link in its place. False: a directory, which can come with what has long been in it.
        let isFile: Bool
    }

    private var at = ""
    private var rest: [[UInt8]] = []
    /// As path_resolution(7) has it.
    private static let mostLinks = 40
    private static let slash = UInt8(ascii: "/")

    package init(_ path: String) {
        guard path.utf8.first == Self.slash else { return }
        var links = 0
        add(Array(path.utf8))
        while let name = rest.popLast() {
            if name.elementsEqual([UInt8(ascii: ".")]) { continue }
            if name.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")]) {
                rise()
                continue
            }
            switch step(name) {
            case .further: break
            case .end:
                isWhole = true
                return
            case .link(let target):
                links &+= 1
                guard links <= Self.mostLinks, !target.isEmpty else { return }
                if target.first == Self.slash { at = "" }
                add(target)
            }
        }
        isWhole = true
    }

    private enum Step {
        case further
        case end
        /// Empty: it cannot be read.
        case link(to: [UInt8])
    }

    private mutating func step(_ name: [UInt8]) -> Step {
        let name = String(bytes: name)
        let path = at + "/" + name
        let kind = (try? Descriptor.currentDirectory.entryStatus(path)).map { $0.st_mode & mode_t(S_IFMT) }
        if kind == mode_t(S_IFLNK) {
            places.append(path)
            if rest.isEmpty { entries.append(Entry(directory: directory, name: name, isFile: true)) }
            return .link(to: Self.target(of: path))
        }
        if kind == mode_t(S_IFDIR) && !rest.isEmpty {
            places.append(path)
            at = path
            return .further
        }
        entries.append(Entry(directory: directory, name: name, isFile: rest.isEmpty))
        return .end
    }

    private var directory: String { at.utf8.isEmpty ? "/" : at }

    private mutating func rise() {
        let bytes = Array(at.utf8)
        guard let slash = bytes.lastIndex(of: Self.slash) else { return }
        at = String(bytes: bytes[..<slash])
    }

    private mutating func add(_ path: [UInt8]) {
        for name in path.split(separator: Self.slash).reversed() { rest.append(Array(name)) }
    }

    private static func target(of link: String) -> [UInt8] {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        return bytes.withUnsafeMutableBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return [] }
            let length = PathText.call(link) { Int32(readlink($0, base, bytes.count - 1)) }
            return length > 0 ? Array(PathText.string(base).utf8) : []
        }
    }
}
