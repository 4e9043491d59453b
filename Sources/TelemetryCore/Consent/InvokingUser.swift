import CSystem

/// A16: the user on whose behalf this process runs as root, as sudo, pkexec and doas tell it, or as
/// whoever the real user id of a set-user-id program says, root's or not.
package struct InvokingUser {
    /// Nil: only the login name is known, or nothing that can be understood.
    private var id: uid_t?
    /// What doas tells.
    private var login = ""
    /// What sudo tells.
    private var home: String?

    /// This process is root's, or another user's by set-user-id, and was called by someone else: nothing is written into their home,
    /// and nothing is asked.
    package static var isElevated: Bool { current() != nil }

    static func current() -> InvokingUser? {
        if getuid() != csystem_user() && (csystem_user() == 0 || Environment.isUntrusted) { return InvokingUser(id: getuid()) }
        guard csystem_user() == 0 else { return nil }
        if let user = named(by: "SUDO_UID", home: Environment.absolute("SUDO_HOME")) { return user }
        if let user = named(by: "PKEXEC_UID", home: nil) { return user }
        if let login = Environment.refusing("DOAS_USER"), !login.utf8.isEmpty, login != "root" { return InvokingUser(login: login) }
        return homeOwner
    }

    /// Nothing tells of a call, but HOME is another user's: `su -m`, or a service or a container with that setting.
    private static var homeOwner: InvokingUser? {
        guard let home = Environment.absolute("HOME"), let owner = Environment.owner(home), owner != 0 else { return nil }
        return InvokingUser(id: owner, home: home)
    }

    private static func named(by variable: String, home: String?) -> InvokingUser? {
        guard let value = Environment.refusing(variable, { !$0.utf8.isEmpty && $0 != "0" }), !value.utf8.isEmpty else { return nil }
        guard YAMLNumber.isInteger(value), let number = YAMLNumber.integer(value), let id = uid_t(exactly: number) else {
            return InvokingUser()
        }
        return id == 0 ? nil : InvokingUser(id: id, home: home)
    }

    /// What this user has answered, for all tools or for this one: a refusal if either is one.
    func answer(tool: String) -> FileAnswer {
        var result = FileAnswer(onlyLowers: true)
        guard let (id, home) = account else {
            result.answer = .unusable(path: "", reason: "the home of the user who has called this process as root is not known")
            return result
        }
        result = Self.answer(tool: PreferenceStore.everyTool, id, home)
        if result.answer == .absent || result.answer == .on { result = Self.answer(tool: tool, id, home) }
        return result
    }

    /// Where the answers are.
    func files(tool: String) -> [String] {
        guard let (_, home) = account else { return [] }
        return [Self.path(home, PreferenceStore.everyTool), Self.path(home, tool)]
    }

    private static func path(_ home: String, _ tool: String) -> String {
        home + "/.config/telemetry/" + tool + "/" + PreferenceStore.fileName
    }

    private static func answer(tool: String, _ id: uid_t, _ home: String) -> FileAnswer {
        let path = path(home, tool)
        return FileAnswer(path: path, answer: PreferenceStore.read(path: path, trust: FileTrust(owner: id)), onlyLowers: true)
    }

    /// Not asked of a name service, which may be slow or would have to be loaded: of sudo and of /etc/passwd.
    private var account: (id: uid_t, home: String)? {
        if let id, let home { return (id, home) }
        return PasswordFile.account { entry in
            if let id { return entry.pw_uid == id }
            return login.withCString { strcmp(entry.pw_name, $0) == 0 }
        }
    }
}
