// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A16: the user on whose behalf this process runs as root, as sudo, pkexec and doas tell it. In a set-user-id program,
/// root's or not, it is the user whom the real user id names.
package struct InvokingUser {
    /// Nil: only the login name is known, or nothing could be understood.
    private var id: uid_t?
    /// What doas tells.
    private var login = ""
    /// What sudo tells.
    private var home: String?

    /// This process is root's, or another user's by set-user-id, and someone else called it: nothing is written into
    /// the caller's home, and nothing is asked.
    package static var isElevated: Bool { current() != nil }

    static func current() -> InvokingUser? {
        if getuid() != csystem_user() && (csystem_user() == 0 || Environment.isUntrusted) {
            return InvokingUser(id: getuid())
        }
        guard csystem_user() == 0 else { return nil }
        if let user = named(by: "SUDO_UID", home: Environment.absolute("SUDO_HOME")) { return user }
        if let user = named(by: "PKEXEC_UID", home: nil) { return user }
        if let login = Environment.refusing("DOAS_USER"), !login.utf8.isEmpty, login != "root" {
            return InvokingUser(login: login)
        }
        return homeOwner
    }

    /// Nothing else shows a call, but HOME is another user's: `su -m`, or a service or a container with that setting.
    private static var homeOwner: InvokingUser? {
        guard let home = Environment.absolute("HOME"), let owner = Environment.owner(home), owner != 0 else {
            return nil
        }
        return InvokingUser(id: owner, home: home)
    }

    private static func named(by variable: String, home: String?) -> InvokingUser? {
        guard let value = Environment.refusing(variable, { !$0.utf8.isEmpty && $0 != "0" }), !value.utf8.isEmpty else {
            return nil
        }
        guard let id = number(value) else { return InvokingUser() }
        return id == 0 ? nil : InvokingUser(id: id, home: home)
    }

    /// Digits and nothing else.
    private static func number(_ text: String) -> uid_t? {
        var number: uid_t = 0
        for byte in text.utf8 {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), number < 400_000_000 else { return nil }
            number = number &* 10 &+ uid_t(byte &- UInt8(ascii: "0"))
        }
        return text.utf8.isEmpty ? nil : number
    }

    /// From sudo and from /etc/passwd. A name service is not asked: it may be slow or would have to be loaded.
    var account: (id: uid_t, home: String)? {
        if let id, let home { return (id, home) }
        return PasswordFile.account { entry in
            if let id { return entry.pw_uid == id }
            return login.withCString { strcmp(entry.pw_name, $0) == 0 }
        }
    }
}
