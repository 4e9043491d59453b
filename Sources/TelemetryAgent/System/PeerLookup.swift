// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Which user has connected. A Unix socket says it (SO_PEERCRED). For a port of this machine, which all its users share,
/// the system is asked for the client's side. Where it does not answer that, its list of connections has a line for it.
enum PeerLookup {
    static func find(_ client: Int32) -> Peer? {
        var (user, process): (UInt32, Int32) = (0, 0)
        if csystem_peer(client, &user, &process) { return Peer(isLocal: true, user: user, process: process) }
        var (own, others): (UInt16, UInt16) = (0, 0)
        var isV6 = false
        guard csystem_ports(client, &own, &others, &isV6) else { return nil }
        let answer = csystem_other_end(client, &user)
        if answer < 0 {
            let list: StaticString = isV6 ? "/proc/net/tcp6" : "/proc/net/tcp"
            guard let found = owner(of: others, connectedTo: own, in: list) else { return nil }
            user = found
        } else if answer == 0 {
            return nil
        }
        return Peer(isLocal: false, user: user, process: 0)
    }

    enum Sender {
        case user(UInt32)
        /// Its socket is gone.
        case unknown
    }

    /// The user whose socket sends datagrams from that address and port. Several sockets may share them, and all of them count.
    /// Nil: they belong to different users.
    static func sender(_ sender: csystem_sender, isV6: Bool) -> Sender? {
        var result = Sender.unknown
        var isShared = false
        eachLine(of: isV6 ? "/proc/net/udp6" : "/proc/net/udp") { words in
            guard words.count > 7, portOf(words[1]) == sender.port, isAddress(words[1], of: sender, isV6),
                let user = number(words[7])
            else { return true }
            if case .user(let other) = result, other != user { isShared = true }
            result = .user(user)
            return true
        }
        return isShared ? nil : result
    }

    /// A line: number, own address:port, the other's, state, queues, timer, retransmissions, user, timeout, inode. Of a socket
    /// that was closed, 0 may be no user at all.
    private static func owner(of port: UInt16, connectedTo other: UInt16, in list: StaticString) -> UInt32? {
        var result: UInt32?
        eachLine(of: list) { words in
            guard words.count > 9, portOf(words[1]) == port, portOf(words[2]) == other else { return true }
            result = number(words[7])
            if result == 0 && number(words[9]) == 0 { result = nil }
            return result == nil
        }
        return result
    }

    /// `body`: gets the words of a line. False: no more lines are needed.
    private static func eachLine(of list: StaticString, _ body: ([ArraySlice<UInt8>]) -> Bool) {
        let file = csystem_openat(AT_FDCWD, list.cString, O_RDONLY | O_CLOEXEC, 0)
        if file < 0 { return }
        defer { closeFile(file) }
        var line: [UInt8] = []
        var area: InlineArray<8192, UInt8> = .init(repeating: 0)
        while true {
            let got = withUnsafeMutableBytes(of: &area) { CSystem.read(file, $0.baseAddress, $0.count) }
            if got < 0 && csystem_errno() == EINTR { continue }
            if got <= 0 { return }
            for index in 0..<min(got, area.count) {
                if area[index] != 0x0A {
                    if line.count < 512 { line.append(area[index]) }
                    continue
                }
                if !body(line.split(separator: 0x20)) { return }
                line.removeAll(keepingCapacity: true)
            }
        }
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt32? {
        var result: UInt32 = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            result = result &* 10 &+ UInt32(digit &- 0x30)
        }
        return result
    }

    /// The word's address is that one, or any. The system writes each four bytes as a number.
    private static func isAddress(_ word: ArraySlice<UInt8>, of sender: csystem_sender, _ isV6: Bool) -> Bool {
        var text: [UInt8] = []
        for number in [sender.address.0, sender.address.1, sender.address.2, sender.address.3].prefix(isV6 ? 4 : 1) {
            text += Hexadecimal.text(UInt64(number)).utf8.suffix(8)
        }
        let found = word.prefix { $0 != 0x3A }
        return found.allSatisfy { $0 == 0x30 }
            || found.count == text.count
                && zip(found, text).allSatisfy { Hexadecimal.value(inAnyCase: $0) == Hexadecimal.value(inAnyCase: $1) }
    }

    private static func portOf(_ word: ArraySlice<UInt8>) -> UInt16? {
        guard let colon = word.lastIndex(of: 0x3A), word.endIndex &- colon == 5 else { return nil }
        var result: UInt16 = 0
        for byte in word[(colon + 1)...] {
            guard let digit = Hexadecimal.value(inAnyCase: byte) else { return nil }
            result = result << 4 | UInt16(digit)
        }
        return result
    }
}
