// SPDX-License-Identifier: Apache-2.0

extension Options {
    /// With what their manifest says of consent now, if somebody has changed it since it was read; for nothing but a
    /// decision. What code has set stays. A manifest that was removed says nothing, and a mistake in it means off, as at
    /// the beginning.
    var present: Options {
        guard error == nil, authorGate, !noTelemetry, audience == .author, let path = manifestPath,
            let mark = manifestMark, FilesStamp.of(path) != settings.manifestStamp
        else { return self }
        let found = Options(toolName: toolName, toolVersion: "", role: role)
        try? Manifest.load(path: path, into: found)
        if found.error != nil { return FileStamp(in: .currentDirectory, path) == nil ? self : found }
        if !mark.isSame(.force, self) { found[.force] = self[.force] }
        if !mark.isSame(.consent, self) { found[.consent] = self[.consent] }
        found[.localOnly] |= self[.localOnly]
        if found.notice == nil { found.settings.notice = notice }
        found.settings.config = config
        found.settings.projectConfig = projectConfig
        return found
    }
}
