// SPDX-License-Identifier: Apache-2.0

/// Where `stdout` prints.
package enum PrintTarget {
    /// One that the program has open, and keeps.
    case descriptor(Int32)
    /// An absolute path.
    case file(String)

    package static var standard: PrintTarget { .descriptor(1) }

    /// A program's own standard output and error have names, too, which lead through links.
    init(path: String) {
        switch path {
        case "/dev/stdout": self = .standard
        case "/dev/stderr": self = .descriptor(2)
        default: self = .file(path)
        }
    }

    /// For people.
    package var name: String {
        switch self {
        case .descriptor(1): "standard output"
        case .descriptor(2): "standard error"
        case .descriptor(let number): "descriptor " + number.description
        case .file(let path): path
        }
    }
}
