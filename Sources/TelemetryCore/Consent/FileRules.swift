// SPDX-License-Identifier: Apache-2.0

/// What the files say: the administrator's, the users' and the tool's.
enum FileRules {
    /// A10: it can only switch off.
    @inline(never)
    static func adminPolicy(_ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        read(FileAnswer(path: AdminPolicy.path, answer: inputs.policy, onlyLowers: true), &statement)
    }

    /// A16: the user who has called sudo keeps the right to refuse.
    @inline(never)
    static func invokingUser(_ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        guard let found = inputs.invokingUser else {
            statement.remark = "no one else has called this process as root"
            return
        }
        read(found, &statement)
        // There is nothing to put right: a directory service knows the user, /etc/passwd does not.
        if found.path.utf8.isEmpty { statement.warns = false }
    }

    /// A8, for all tools at once: it can only switch off.
    @inline(never)
    static func everyToolPreference(_ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        read(FileAnswer(path: inputs.everyToolPath, answer: inputs.everyToolPreference, onlyLowers: true), &statement)
        if inputs.everyToolPreference == .off { say("the user disabled it for all tools", &statement) }
    }

    /// A8; and A13: a user who agreed has agreed to what the notice said then.
    @inline(never)
    static func preferenceFile(_ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        read(FileAnswer(path: inputs.preferencePath, answer: inputs.preference), &statement)
        switch inputs.preference {
        case .on where inputs.noticeOutdated:
            say("the user enabled it, but the notice has changed since; off until they are asked again", &statement)
            statement.says = .off
        case .on: say("the user enabled it", &statement)
        case .off: say("the user disabled it", &statement)
        case .unusable, .unreachable, .absent: break
        }
    }

    /// A9: the working directory belongs to the author of the project, so a yes there is not a user's. In continuous
    /// integration, a yes takes more than a file that is checked out with the rest (A11).
    @inline(never)
    static func config(_ found: FileAnswer?, _ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        guard let found else {
            statement.remark = "the tool names none"
            return
        }
        read(found, &statement)
        guard found.answer == .on else { return }
        if found.onlyLowers {
            statement.says = .on
            statement.isDisregarded = true
            statement.remark = " says true; a project can switch off, not on"
        } else if inputs.continuousIntegration?.isDetected == true {
            statement.isDisregarded = true
            statement.remark = " says true, which does not count in continuous integration"
        }
    }

    private static func say(_ remark: StaticString, _ statement: inout ConsentStatement) {
        statement.subject = ""
        statement.remark = remark
    }

    /// What any file's answer means. One that cannot be understood means off.
    @inline(never)
    static func read(_ found: FileAnswer, _ statement: inout ConsentStatement) {
        statement.subject = found.path
        switch found.answer {
        case .absent:
            statement.remark = found.path.utf8.isEmpty ? "no home directory" : " holds no answer"
        case .on:
            statement.value = "true"
            statement.remark = found.onlyLowers ? " says true, which refuses nothing" : " says true"
            if !found.onlyLowers { statement.says = .on }
        case .off:
            statement.value = "false"
            statement.remark = " says false"
            statement.says = .off
        case .unusable(let path, let reason):
            statement.subject = path
            statement.value = "unusable"
            statement.remark = path.utf8.isEmpty || reason.utf8.first == UInt8(ascii: ":") ? "" : ": "
            statement.detail = reason
            statement.says = .off
            statement.warns = true
        case .unreachable(let path):
            statement.subject = path
            statement.value = "unusable"
            statement.remark = ": its directory cannot be entered"
            statement.says = .off
        }
    }
}
