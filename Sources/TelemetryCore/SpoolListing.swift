/// What the user may see of a spool: its place, and its events as they will be sent.
extension SpoolInspector {
    /// The tool's state directory, whether it exists or not. Nil: the user has no place for one.
    package static func path(options: Options) -> String? {
        Environment.stateDirectory.map { $0 + "/" + options.toolName }
    }

    /// The waiting events: JSON Lines as the file backend appends them, or, pretty, the array that the
    /// stdout backend prints. Nil: out of memory.
    package static func listing(options: Options, pretty: Bool) -> [UInt8]? {
        var json = EventJSON(pretty: pretty)
        if pretty { json.beginArray() }
        forEachPending(options: options) { event in
            if pretty {
                json.writeElement(event)
            } else {
                json.write(event)
                json.finishLine()
            }
        }
        if pretty {
            json.endArray()
            json.finishLine()
        }
        return json.bytes.map { Array($0) }
    }
}

extension Collector {
    /// The identifier that events of this collector carry; made if there is none yet. "": none.
    package var machineID: String {
        guard isEnabled, let path = SpoolInspector.path(options: options),
            let directory = try? Directory.openPrivate(path)
        else { return "" }
        defer { directory.close() }
        return MachineIdentity.machineID(tool: options.toolName, directory: directory)
    }
}
