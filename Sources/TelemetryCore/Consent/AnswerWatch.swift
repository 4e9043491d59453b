// SPDX-License-Identifier: Apache-2.0

/// A18: looks again, while a program runs, at the files that decided, and at the manifest. Their stamps tell whether anyone
/// has changed, replaced or removed one. No file is opened for that.
struct AnswerWatch {
    /// In the order in which they were read. A file that is missing is waited for.
    private var files: [String]
    /// 0: not looked at yet, and the files may have changed since they were read.
    private var stamp: UInt64 = 0

    init(_ files: [String] = []) { self.files = files }

    /// The present decision, if any of the files has changed since the last call.
    mutating func changed(_ options: Options) -> ConsentDecision? {
        // Taken before the files are read: a change meanwhile shows at the next look.
        var now = FilesStamp()
        for file in files { now.add(file) }
        if let manifest = options.manifestPath { now.add(manifest) }
        if now.value == stamp { return nil }
        stamp = now.value
        let inputs = ConsentInputs.gather(options: options)
        // If these are others, the next look finds another stamp.
        files = inputs.files
        return ConsentResolver.resolve(inputs)
    }

    /// The last decision was made without having read the files.
    mutating func lookAgain() { stamp = 0 }
}
