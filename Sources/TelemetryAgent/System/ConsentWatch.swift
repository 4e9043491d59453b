// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Has the system tell when a file changes that speaks in a tool's consent. So the agent sees a no that comes and goes, or an
/// answer that is removed, while nothing else happens.
final class ConsentWatch {
    private let watch: DirectoryWatch
    private var directories: [(path: String, watch: Int32)] = []
    private var names: [String] = []

    /// `onChange`: something may have changed.
    init(_ loop: Loop, onChange: @escaping () -> Void) {
        let source = Source()
        watch = DirectoryWatch { if source.owner?.mayHaveChanged() == true { onChange() } }
        source.owner = self
        loop.add(watch)
    }

    /// It lives as long as the loop.
    private final class Source {
        var owner: ConsentWatch?
    }

    /// True: a directory is watched from now on that was not.
    func add(_ tool: ToolConsent) -> Bool {
        var isNew = false
        for evidence in [tool.author, tool.own] {
            for name in evidence.names where !names.contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
                names.append(name)
            }
            for path in evidence.directories
            where !directories.contains(where: { $0.path.utf8.elementsEqual(path.utf8) }) {
                guard let made = watch.add(path, andWhatGoes: true) else { continue }
                directories.append((path, made))
                isNew = true
            }
        }
        return isNew
    }

    private func mayHaveChanged() -> Bool {
        var mayHave = false
        watch.drain { event in
            guard event.watch >= 0 else {
                mayHave = true
                return
            }
            if event.isGone {
                // What will be there is watched anew.
                watch.remove(event.watch)
                directories.removeAll { $0.watch == event.watch }
            }
            guard let name = event.name else {
                mayHave = true
                return
            }
            if !mayHave { mayHave = names.contains { PathText.call($0) { strcmp($0, name) } == 0 } }
        }
        return mayHave
    }
}
