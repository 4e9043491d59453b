// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A8, A18: what `enable`, `disable`, telemetry_set_preference() and an answered prompt do.
///
/// Two files change, and a crash may come between the two writes, so the write that can only reduce consent comes
/// first. A yes: the notice's version, then the answer; the version alone changes no answer. A no: the answer, then the
/// version; the version first would renew an older yes for a moment.
package enum PreferenceChange {
    /// `sawNotice`: the user was just shown the present notice, or the generic one.
    package static func enable(_ options: Options, sawNotice: Bool = false) throws(SystemError) {
        try eraseRefused(options)
        if sawNotice || !options.noticeVersion.utf8.isEmpty { try markShown(options) }
        try PreferenceStore.write(true, tool: options.toolName)
    }

    /// A refusal may have been stored, or a yes removed, although the waiting events could not be erased: they are erased
    /// before anything is sent again. Where silence or a variable is a yes, they were recorded with it.
    private static func eraseRefused(_ options: Options) throws(SystemError) {
        switch PreferenceStore.read(tool: options.toolName) {
        case .off: break
        case .absent where options.consent == TELEMETRY_OPT_IN && !ConsentResolver.decide(options).isEnabled: break
        default: return
        }
        var isAnythingThere = false
        for options in options.ofEachSignal {
            let (statistics, problem) = SpoolInspector.examine(options: options)
            if let problem, !problem.isNoDirectory { throw problem }
            let spans = SpoolInspector.countSpans(options: options)
            if (statistics?.pending ?? 0) > 0 || spans.open > 0 || spans.ended > 0 { isAnythingThere = true }
        }
        guard isAnythingThere else { return }
        if case .impossible(let error) = SpoolInspector.erase(options: options) { throw error }
    }

    /// The answer is stored first: from then on nothing new is recorded. Waiting events are erased even if the answer
    /// could not be stored, and the room that this frees may be what was missing. Only the tool's name is needed, even
    /// if the options or the manifest are invalid.
    package static func disable(_ options: Options) -> (notStored: SystemError?, erasure: Erasure) {
        let isStored = (try? PreferenceStore.refuse(tool: options.toolName)) != nil
        var erasure = SpoolInspector.erase(options: options)
        if isStored {
            if !SpoolInspector.waitForSenders(options.toolName), erasure == .complete {
                erasure = .unanswered(process: 0, directory: SpoolInspector.path(options: options) ?? "")
            }
            return (nil, erasure)
        }
        do throws(SystemError) { try PreferenceStore.refuse(tool: options.toolName) } catch { return (error, erasure) }
        return (nil, erasure)
    }

    /// Enables or disables, and returns what a program needs to know about the result.
    package static func store(_ enabled: Bool, _ options: Options) -> telemetry_status {
        if !ToolName.isValid(options.toolName) || enabled && options.error != nil { return TELEMETRY_ERROR_ARGUMENT }
        if enabled {
            do throws(SystemError) { try enable(options) } catch { return TELEMETRY_ERROR_SYSTEM }
        } else {
            let done = disable(options)
            if done.notStored != nil { return TELEMETRY_ERROR_SYSTEM }
            if done.erasure != .complete { return TELEMETRY_ERROR_TIMEOUT }
        }
        let decision = ConsentResolver.decide(options)
        return decision.isEnabled == enabled ? TELEMETRY_OK : TELEMETRY_OVERRULED
    }

    /// The user has been shown the present notice, or the generic one.
    static func markShown(_ options: Options) throws(SystemError) {
        let version = options.noticeVersion
        try NoticeStore.store(
            tool: options.toolName, version: version.utf8.isEmpty ? Notice.genericVersion : version)
    }
}
