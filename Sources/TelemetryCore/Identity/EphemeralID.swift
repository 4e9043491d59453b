/// D4: an id that ends with this process and the children it forks, marked as such; the same for all
/// its collectors of a tool. Nothing of the machine goes into it, and nothing is stored.
enum EphemeralID {
    static let prefix = "ephemeral-"

    nonisolated(unsafe) private static var known: [(tool: String, id: String)] = []
    private static let mutex = Mutex()

    static func id(tool: String) -> String {
        mutex.withLock {
            for entry in known where entry.tool == tool { return entry.id }
            let made = prefix + Hexadecimal.text(Random.word()) + Hexadecimal.text(Random.word())
            known.append((tool, made))
            return made
        }
    }
}
