// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Where the events of one segment go, as set in the collector that recorded them: docs/spool-format.md, "Destinations
/// of a segment". Stored inline, so that a look at a segment's header allocates nothing.
struct DestinationSet {
    enum Origin: UInt8 {
        /// No destination was chosen: the local log.
        case none = 0
        /// The tool's manifest, or the files and variables that ask for receivers of the user's own: the records go
        /// where these say at the time of delivery.
        case configuration = 1
        /// The program: the events go to these destinations only.
        case code = 2
    }

    var origin = Origin.none
    /// The author wants each event sent at most once.
    var isOnce = false
    /// The program that chose in code, identified by its path; 0: unknown. Of receivers of the user's own, who has asked
    /// for them: a bit each.
    var chooser: UInt16 = 0
    private(set) var count = 0
    private var fingerprints = SIMD8<UInt32>(repeating: 0)
    private var tags = SIMD8<UInt32>(repeating: 0)

    init() {}

    mutating func add(fingerprint: UInt32, tag: UInt32) {
        guard count < Destination.limit else { return }
        fingerprints[count] = fingerprint
        tags[count] = tag
        count &+= 1
    }

    /// Reads a segment's field. Nil: it is missing, as in segments of earlier versions, or this version does not
    /// understand it.
    init?(_ field: UnsafeRawBufferPointer) {
        guard let base = field.baseAddress, field.count >= DestinationSetLayout.members,
            let known = Origin(rawValue: DestinationSetLayout.origin.load(base))
        else { return nil }
        origin = known
        let flags = DestinationSetLayout.flags.load(base)
        isOnce = flags & DestinationSetLayout.isOnce != 0
        chooser = flags >> DestinationSetLayout.programShift
        let members = Int(DestinationSetLayout.count.load(base))
        guard members <= Destination.limit, field.count >= DestinationSetLayout.text(members) else { return nil }
        for index in 0..<members {
            add(
                fingerprint: DestinationSetLayout.fingerprint(index).load(base),
                tag: DestinationSetLayout.tag(index).load(base))
        }
    }

    /// The form kept in a segment. `text` is for people and is cut to the room there is.
    func encoded(_ text: String, limit: Int) -> [UInt8] {
        let length = DestinationSetLayout.text(count)
        var bytes = [UInt8](repeating: 0, count: length)
        bytes.withUnsafeMutableBytes { area in
            guard let base = area.baseAddress else { return }
            DestinationSetLayout.origin.store(origin.rawValue, base)
            DestinationSetLayout.count.store(UInt8(truncatingIfNeeded: count), base)
            DestinationSetLayout.flags.store(
                (isOnce ? DestinationSetLayout.isOnce : 0) | chooser << DestinationSetLayout.programShift, base)
            for index in 0..<count {
                DestinationSetLayout.fingerprint(index).store(fingerprints[index], base)
                DestinationSetLayout.tag(index).store(tags[index], base)
            }
        }
        return bytes + TextLimit.cut(Array(text.utf8), max(0, limit - length))
    }

    /// The text for people that `encoded` appended.
    static func text(_ field: UnsafeRawBufferPointer) -> String {
        guard let set = DestinationSet(field) else { return "" }
        return String(bytes: UnsafeRawBufferPointer(rebasing: field[DestinationSetLayout.text(set.count)...]))
    }

    /// Identifies this set of receivers, independently of the program that chose them: a receiver that fails fails for
    /// all programs. Bit 0: chosen by a file. Never 0.
    var owner: UInt32 {
        var sum: UInt32 = 2
        for index in 0..<count { sum = sum &* 31 &+ fingerprints[index] }
        return (sum | 2) & ~1 | (origin == .configuration ? 1 : 0)
    }

    /// One of them has this tag.
    func has(tag: UInt32) -> Bool {
        for index in 0..<count where tags[index] == tag { return true }
        return false
    }

    private func place(of fingerprint: UInt32) -> Int? {
        for index in 0..<count where fingerprints[index] == fingerprint { return index }
        return nil
    }

    /// The same have chosen, so what was recorded for one may be kept with what was recorded for the other.
    func isOfSameChooser(as other: DestinationSet) -> Bool { origin == other.origin && chooser == other.chooser }

    /// One bit for each destination of `recorded`, by its place in this set: where a process that has this set may send
    /// the events. Nil: nowhere, the events are for others.
    func places(of recorded: DestinationSet) -> UInt8? {
        // What the user's file asked for does not go to receivers of a variable because the file asks no more.
        if origin == .configuration && recorded.origin == .configuration && recorded.chooser & ~chooser == 0 {
            return .max
        }
        if origin == .code && recorded.origin == .code && chooser != 0 && chooser == recorded.chooser { return .max }
        var result: UInt8 = 0
        for index in 0..<recorded.count {
            guard let place = place(of: recorded.fingerprints[index]) else { return nil }
            result |= 1 << UInt8(place)
        }
        return result == 0 ? nil : result
    }
}

extension Destination {
    /// Identifies this receiver. A part that may be secret goes in as at most 32 bits of a checksum, from which it
    /// cannot be recovered.
    var fingerprint: UInt32 {
        var parts = [choice.kind]
        switch choice {
        case .noop, .stdout(.descriptor(1), _): break
        case .stdout(let target, _): parts.append(target.name)
        case .file(let path, _, _): parts.append(path ?? "")
        case .network(let network): parts = network.resolved.identity
        case .custom(_, let info): parts.append(info)
        }
        return parts.reduce(0) { $0 &* 31 &+ DestinationFile.tag(Array($1.utf8)) }
    }

    var tag: UInt32 { DestinationFile.tag(Array(name.utf8)) }
}

extension Options {
    /// Where the events that these options record go.
    var destinationSet: DestinationSet {
        var set = DestinationSet()
        set.origin = isDefault ? .none : isOfConfiguration ? .configuration : .code
        set.isOnce = guarantee == TELEMETRY_AT_MOST_ONCE
        set.chooser = set.origin == .code ? Self.programMark : askers
        for destination in destinations { set.add(fingerprint: destination.fingerprint, tag: destination.tag) }
        return set
    }

    /// Another process of the tool finds the same receivers, or those that are chosen meanwhile.
    private var isOfConfiguration: Bool {
        audience == .own
            ? askers & Asker.programOperator.rawValue == 0 : manifestMark?.hasDestinations(of: self) == true
    }

    /// 0: the tool's author.
    private var askers: UInt16 { destinations.reduce(0) { $0 | ($1.asker?.rawValue ?? 0) } }

    /// 15 bits of a checksum of the executable's path; never 0 if the path is known.
    private static var programMark: UInt16 {
        ProgramFile.withPath { UInt16(truncatingIfNeeded: csystem_crc32c(0, $0, $1) >> 17) | 1 } ?? 0
    }
}
