// SPDX-License-Identifier: Apache-2.0
import CSystem

/// D1: what singles out a machine and its user. A signal that cannot be read is empty. The signals go through a hash
/// and nowhere else.
struct MachineSignals: Equatable {
    /// machine-id(5); none in many containers.
    var machineID = ""
    /// Of the first network interface that has one, by index; `02:42:ac:11:00:02`.
    var hardwareAddress = ""
    var hostName = ""
    /// Nil when the user has no name: the hash is then over three parts.
    var userName: String?

    static func current() -> MachineSignals {
        MachineSignals(
            machineID: text("/etc/", "machine-id"),
            hardwareAddress: firstHardwareAddress(below: "/sys/class/net/"), hostName: SystemDescription.hostName,
            userName: PasswordFile.userName ?? Environment.value("USER"))
    }

    /// Joined as go-tool-base joins them, so that its ids stay what they were.
    var joined: String {
        var text = machineID + ":" + hardwareAddress + ":" + hostName
        if let userName { text += ":" + userName }
        return text
    }

    /// What a small file holds, without the white space around it; "" when it cannot be read.
    @inline(never)
    private static func text(_ directory: String, _ name: String) -> String {
        guard var rest = (try? SharedFile.read(directory + name, limit: 4096))?[...] else { return "" }
        while let last = rest.last, last <= 0x20 { rest.removeLast() }
        while let first = rest.first, first <= 0x20 { rest.removeFirst() }
        return String(bytes: rest)
    }

    /// From sysfs, so that no socket is opened. Loopback (IFF_LOOPBACK of netdevice(7)) and addresses of zeros alone do
    /// not count.
    /// `path` ends in a slash.
    static func firstHardwareAddress(below path: String) -> String {
        guard let directory = (try? Directory.openAny(path)) ?? nil else { return "" }
        defer { directory.close() }
        var lowest = Int64.max
        var found = ""
        Directory.forEachName(in: directory) { name in
            guard name.pointee != CChar(UInt8(ascii: ".")) else { return }
            let interface = path + String(cString: name)
            let number = text(interface, "/ifindex")
            let address = text(interface, "/address")
            guard YAMLNumber.isInteger(number), let index = YAMLNumber.integer(number), index < lowest,
                !isZero(address), !isLoopback(text(interface, "/flags"))
            else { return }
            (lowest, found) = (index, address)
        }
        return found
    }

    private static func isZero(_ address: String) -> Bool {
        Array(address.utf8).allSatisfy { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ":") }
    }

    /// `0x9`: IFF_LOOPBACK is bit 3.
    private static func isLoopback(_ flags: String) -> Bool {
        guard let word = Hexadecimal.word(Array(flags.utf8).dropFirst(2)) else { return false }
        return word & 8 != 0
    }
}
