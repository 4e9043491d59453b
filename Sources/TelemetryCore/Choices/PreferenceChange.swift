// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A8, A18: what `enable`, `disable`, telemetry_set_preference() and an answered prompt do.
///
/// Two files change, and a crash may come between them, so the one that can only lower goes first. A
/// yes: the notice's version, then the answer; alone, the version changes no answer. A no: the answer,
/// then the version; a version first would for a moment renew an older yes.
package enum PreferenceChange {
    /// `sawNotice`: the user was shown the present one, or the generic one, just now.
    package static func enable(_ options: Options, sawNotice: Bool = false) throws(SystemError) {
        try eraseRefused(options)
        if sawNotice || !options.noticeVersion.utf8.isEmpty { try markShown(options) }
        try PreferenceStore.write(true, tool: options.toolName)
    }

    /// A refusal may have been stored where what waited could not be erased: it is erased before anything is
    /// sent again.
    private static func eraseRefused(_ options: Options) throws(SystemError) {
        guard PreferenceStore.read(tool: options.toolName) == .off else { return }
        let (statistics, problem) = SpoolInspector.examine(options: options)
        if let problem, !problem.isNoDirectory { throw problem }
        guard let waiting = statistics?.pending, waiting > 0 else { return }
        if case .impossible(let error) = SpoolInspector.erase(options: options) { throw error }
    }

    /// The answer first: from then on nothing new is recorded. What waits is erased even if the answer
    /// could not be stored, and the room that this gives may be what was missing. Whatever is wrong with the
    /// options or the manifest, a tool's name is enough.
    package static func disable(_ options: Options) -> (notStored: SystemError?, erasure: Erasure) {
        let isStored = (try? PreferenceStore.refuse(tool: options.toolName)) != nil
        var erasure = SpoolInspector.erase(options: options)
        if isStored {
            if !SpoolInspector.waitForSenders(options.toolName), erasure == .complete {
                erasure = .unanswered(process: 0)
            }
            return (nil, erasure)
        }
        do throws(SystemError) { try PreferenceStore.refuse(tool: options.toolName) } catch { return (error, erasure) }
        return (nil, erasure)
    }

    /// Either of them, with what a program wants to know of it.
    package static func store(_ enabled: Bool, _ options: Options) -> telemetry_status {
        if !ToolName.isValid(options.toolName) || enabled && options.error != nil { return TELEMETRY_ERROR_ARGUMENT }
        if enabled {
            do throws(SystemError) { try enable(options) } catch { return TELEMETRY_ERROR_SYSTEM }
        } else {
            let done = disable(options)
            if done.notStored != nil { return TELEMETRY_ERROR_SYSTEM }
            if done.erasure != .complete { return TELEMETRY_ERROR_TIMEOUT }
        }
        let decision = ConsentResolver.resolve(ConsentInputs.gather(options: options))
        return decision.isEnabled == enabled ? TELEMETRY_OK : TELEMETRY_OVERRULED
    }

    /// The user has been shown the present notice, or the generic one.
    static func markShown(_ options: Options) throws(SystemError) {
        let version = options.noticeVersion
        try NoticeStore.store(
            tool: options.toolName, version: version.utf8.isEmpty ? Notice.genericVersion : version)
    }
}
