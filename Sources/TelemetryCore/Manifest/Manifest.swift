// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A tool, described by data (docs/manifest.md).
/// A class: where a key is wrong, only one release is left to do.
package final class Manifest {
    package var toolName = ""
    var toolNamePosition = TextPosition(line: 1, column: 1)
    /// What a program's options become if nothing in the manifest is wrong.
    let options: Options
    /// What the manifest alone says. The range of a number follows from these values, not from the program's.
    private(set) var values = SettingValues()
    private var config: ConfigLocation?
    private(set) var destinations: [Destination]?

    private init(_ options: Options) { self.options = options }

    /// Reads the manifest and puts what it says into `options`: all of it, or, when anything is wrong with it, only the
    /// options' error.
    package static func load(path: String, into options: Options) throws(ManifestError) {
        try keepingError(options) { () throws(ManifestError) in
            let manifest = Manifest(Options(options.settings))
            try manifest.read(path: path)
            try manifest.apply(to: options, file: path)
            options.settings.manifestPath = Environment.absolutePath(path) ?? path
        }
    }

    /// As `load`, with the file's content; `name` is what error texts call it. Takes any bytes.
    static func parse(_ bytes: UnsafeRawBufferPointer, name: String, into options: Options) throws(ManifestError) {
        try keepingError(options) { () throws(ManifestError) in
            let manifest = Manifest(Options(options.settings))
            try manifest.parse(bytes, name: name)
            try manifest.apply(to: options, file: name)
        }
    }

    /// The manifest alone, for a caller that does not know its tool yet.
    package static func read(path: String) throws(ManifestError) -> Manifest {
        let manifest = Manifest(Options(toolName: "", toolVersion: ""))
        try manifest.read(path: path)
        return manifest
    }

    static func parse(_ bytes: UnsafeRawBufferPointer, name: String) throws(ManifestError) -> Manifest {
        let manifest = Manifest(Options(toolName: "", toolVersion: ""))
        try manifest.parse(bytes, name: name)
        return manifest
    }

    @inline(never)
    private func read(path: String) throws(ManifestError) {
        options.settings.manifestStamp = FilesStamp.of(path)
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try SharedFile.read(path, limit: YAMLReader.limitBytes)
        } catch {
            throw ManifestError(
                file: path,
                "cannot be read (" + error.text + "); expected a file of at most " + YAMLReader.limitBytes.description
                    + " bytes")
        }
        try bytes.withUnsafeBufferPointer { area throws(ManifestError) in
            try parse(UnsafeRawBufferPointer(area), name: path)
        }
    }

    private func parse(_ bytes: UnsafeRawBufferPointer, name: String) throws(ManifestError) {
        try ManifestReader.read(try YAMLReader.read(bytes, file: name), file: name, self)
    }

    private static func keepingError(
        _ options: Options, _ body: () throws(ManifestError) -> Void
    ) throws(ManifestError) {
        do throws(ManifestError) {
            try body()
        } catch {
            options.fail(error.text)
            throw error
        }
    }

    private func apply(to options: Options, file: String) throws(ManifestError) {
        if !options.toolName.isEmpty && options.toolName != toolName {
            throw ManifestError(
                file: file, toolNamePosition, key: "tool.name",
                "'" + toolName + "' is another tool; expected '" + Excerpt.of(options.toolName) + "'")
        }
        self.options.settings.toolName = toolName
        self.options.settings.manifestMark = ManifestMark(destinations: destinations, values: values, config: config)
        swap(&options.settings, &self.options.settings)
    }
}

// What the reader has found.
extension Manifest {
    @inline(never)
    func set(_ setting: Setting, _ value: Int64) {
        values[setting] = value
        let rule = setting.row.rule
        if rule == .staysFalse && options[setting] == 0 || rule == .staysTrue && options[setting] == 1 { return }
        options[setting] = value
    }

    func set(config location: ConfigLocation) {
        config = location
        options.settings.config = location
    }

    func set(destinations chosen: [Destination]) {
        destinations = chosen
        options.setDestinations(chosen)
    }
}
