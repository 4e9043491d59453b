// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Every id under which this user's events of a tool may have been sent, to ask for their erasure. Only reads; creates
/// nothing. Includes ids of a kind that the author no longer uses, and ids of single processes that the audit log
/// shows.
package struct KnownIDs {
    /// Each id with the time since when it was in use.
    var present: [(id: String, from: Int64)] = []
    package private(set) var past: [PastID] = []
    /// The ids in the user's copies of what was sent.
    var audited: [String] = []
    /// The audit log does not have every event.
    private var isAuditCut = false
    /// Why the stored ids cannot be read.
    private var problem: String?

    package var all: [String] {
        var result: [String] = []
        for id in present.map({ $0.id }) + past.map({ $0.id }) + audited where !result.contains(where: { $0 == id }) {
            result.append(id)
        }
        return result
    }

    /// A text has the form of an id of any kind.
    package static func isForm(_ text: String) -> Bool {
        let bytes = Array(text.utf8)[...]
        let prefix = Array(EphemeralID.prefix.utf8)
        if bytes.starts(with: prefix) {
            return bytes.count == PastIDs.idLimit && bytes.dropFirst(prefix.count).allSatisfy(Hexadecimal.isDigit)
        }
        return bytes.count == 2 * HashedID.idBytes && bytes.allSatisfy(Hexadecimal.isDigit)
            || bytes.count == 2 * MachineIdentity.idBytes && bytes.allSatisfy(Hexadecimal.isDigit)
            || RandomID.id(bytes + [UInt8(ascii: "\n")]) != nil
    }

    /// `mayBeOn`: nothing shows that nothing was ever sent.
    package static func read(options: Options, mayBeOn: Bool) -> KnownIDs {
        var known = stored(options)
        // This kind of id is not stored. It is the same for all tools: a user of another tool is not named to this one.
        if mayBeOn, options.identity == TELEMETRY_IDENTITY_HASHED, !IdentityPolicy(options).isEphemeral {
            known.audited.append(HashedID.derive(.current()))
        }
        return known
    }

    private static func stored(_ options: Options) -> KnownIDs {
        guard let path = SpoolInspector.path(options: options) else { return KnownIDs() }
        do throws(SystemError) {
            guard let directory = try Directory.openExisting(path) else { return KnownIDs() }
            defer { directory.close() }
            var known = KnownIDs(tool: options.toolName, directory: directory)
            known.isAuditCut = options.ofEachSignal.contains { AuditTrail.read(options: $0).isCut }
            return known
        } catch {
            var none = KnownIDs()
            none.problem = path + " cannot be read (" + error.text + ")"
            return none
        }
    }

    private init() {}

    init(tool: String, directory: Descriptor) {
        for file in [IdentityFile.salt, .uuid] {
            guard let kept = file.read(in: directory), let id = file.id(kept.bytes, tool: tool) else { continue }
            present.append((id, kept.stamp.modified))
        }
        if let kept = HashedID.kept(in: directory) { present.append((kept.id, kept.stamp.modified)) }
        past = PastIDs.read(in: directory)
        audited = AuditTrail.read(in: directory).machineIDs
        guard let spans = try? Descriptor.open(at: directory, Options.spansDirectory, O_RDONLY | O_DIRECTORY) else {
            return
        }
        defer { spans.close() }
        audited += AuditTrail.read(in: spans).machineIDs.filter { !audited.contains($0) }
    }

    /// Why erasure cannot be asked for everything that may have been sent, as a clause; nil: it can. `mayBeOn`: it is
    /// not certain that nothing was sent.
    package func gap(_ options: Options, mayBeOn: Bool) -> String? {
        if let problem { return problem }
        let isEphemeral = IdentityPolicy(options).isEphemeral
        if isEphemeral && isAuditCut {
            return "the audit log does not have the identifiers of all runs" + Self.askAuthor(options)
        }
        guard all.isEmpty, mayBeOn else { return nil }
        if options.identity == TELEMETRY_IDENTITY_NONE {
            return "its events carry no identifier" + Self.askAuthor(options)
        }
        if isEphemeral { return "each run had another identifier, and no audit log has them" + Self.askAuthor(options) }
        return "no identifier is kept on this machine any more" + Self.askAuthor(options)
    }

    private static func askAuthor(_ options: Options) -> String { ": ask the author of " + options.toolName }

    /// Turns the present ids and those of the audit log into past ones: their sources are about to be removed, and
    /// erasure could not be asked for yet.
    func keepAsPast(in directory: Descriptor) throws(SystemError) {
        guard let lock = IdentityLock.take(directory, milliseconds: 100) else { throw SystemError(code: EAGAIN) }
        defer { lock.close() }
        let now = Clock.realtime()
        if all.count > PastIDs.limit { throw SystemError(code: EFBIG) }
        let others = audited.filter { id in !past.contains { $0.id == id } && !present.contains { $0.id == id } }
        let kept = others.map { ($0, Int64(0)) } + present
        if !kept.allSatisfy({ PastIDs.add($0.0, from: $0.1, until: now, in: directory) }) { throw SystemError.current }
    }
}
