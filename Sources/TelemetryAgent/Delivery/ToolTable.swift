// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// The tools of this user: those that have a directory in the state directory. New ones, and what is left in their spools,
/// are told by the system.
final class ToolTable {
    private(set) var tools: [WatchedTool] = []
    /// Not every directory is watched.
    private(set) var isIncomplete = false
    private var watch: DirectoryWatch
    /// The state directory, or the nearest one above it that there is.
    private var base: (watch: Int32, isState: Bool)?
    private var mustScan = true
    private var isReady = false
    /// When everything is looked at again; `Int64.max`: the system tells.
    private(set) var nextLook = Int64.max

    /// More tools than anybody has: so that what fills the directory does not fill the memory.
    static let limit = 4096
    /// Where the system does not tell.
    private static let lookNanoseconds: Int64 = 10_000_000_000
    private static let subdirectories = ["", "/spans", "/own", "/own/spans"]

    /// The directory that the agent's own sockets are in.
    private let place: String
    private var placeWatch: Int32?
    /// Something may have gone from there.
    private var hasPlaceChanged = true

    init(_ loop: Loop, place: String, now: Int64) {
        let flag = ReadyFlag()
        watch = DirectoryWatch { flag.isReady = true }
        self.place = place
        ready = flag
        loop.add(watch)
    }

    private let ready: ReadyFlag

    /// At the end of each turn.
    func proceed(now: Int64) {
        if ready.isReady { takeEvents(now: now) }
        if nextLook <= now {
            (mustScan, hasPlaceChanged) = (true, true)
            for tool in tools { tool.change(now: now) }
        }
        if mustScan { scan(now) }
    }

    func lookAgain(now: Int64) { nextLook = min(nextLook, now &+ Self.lookNanoseconds) }

    /// Once for each change.
    func takePlaceChange() -> Bool {
        defer { hasPlaceChanged = false }
        return hasPlaceChanged
    }

    func wake(_ request: WakeRequest, now: Int64) -> Bool {
        let name = request.tool
        guard ToolName.isValid(name), let tool = find(name) ?? add(name, now) else { return false }
        if let manifest = request.manifest { tool.name(manifest, isAhead: request.isAhead) }
        if !request.isAhead { tool.ask(now: now) }
        return true
    }

    /// Something was added to the tool's metrics. A pass that is planned already finds it. So does the look after one that is at
    /// work, if that has not begun.
    func noteMetrics(_ name: String, now: Int64) {
        let tool = find(name)
        if let tool, tool.isAtWork { return tool.change(now: now) }
        if tool == nil || tool?.due == .max { _ = wake(WakeRequest(tool: name), now: now) }
    }

    /// Everything that the system has told so far.
    func takeEvents(now: Int64) {
        ready.isReady = false
        watch.drain { event in
            if event.watch < 0 {
                // Some of it is lost.
                mustScan = true
                hasPlaceChanged = true
                for tool in tools { tool.change(now: now) }
            } else if placeWatch == event.watch {
                hasPlaceChanged = true
                if event.isGone { forgetPlace() }
            } else if let base, base.watch == event.watch {
                mustScan = true
                if event.isGone { forgetWatches(now) }
            } else if let tool = tool(of: event.watch) {
                take(event, tool, now)
            }
        }
    }

    /// The state directory was taken away, perhaps with everything in it: what will be there is watched anew.
    private func forgetWatches(_ now: Int64) {
        if let base { watch.remove(base.watch) }
        base = nil
        for tool in tools {
            for each in tool.watches { watch.remove(each) }
            tool.watches = []
            tool.change(now: now)
        }
    }

    private func take(_ event: DirectoryWatch.Event, _ tool: WatchedTool, _ now: Int64) {
        if event.isGone {
            tool.watches.removeAll { $0 == event.watch }
            mustScan = true
        } else if let name = event.name {
            if Self.isSpool(name) {
                if !event.isMade { tool.change(now: now) }
            } else if ("spans" as StaticString).isName(name) || ("own" as StaticString).isName(name) {
                // What was in it before it was watched is not told.
                watchDirectories(tool)
                tool.change(now: now)
            }
        }
    }

    /// A segment, spans that a process has left open, or the metrics. What a delivery itself writes is none of these.
    private static func isSpool(_ name: UnsafePointer<CChar>) -> Bool {
        let length = strlen(name)
        for suffix in [".seg" as StaticString, ".open"] where length > suffix.utf8CodeUnitCount {
            if strcmp(name + length - suffix.utf8CodeUnitCount, suffix.cString) == 0 { return true }
        }
        return ("metrics" as StaticString).isName(name)
    }

    // MARK: looking for tools

    private func scan(_ now: Int64) {
        mustScan = false
        isIncomplete = false
        watch.open()
        watchPlace()
        defer { nextLook = isIncomplete ? now &+ Self.lookNanoseconds : .max }
        guard let state = Environment.stateDirectory else { return }
        watchBase(state)
        let names = (try? EveryTool.withState(besideHomes: false)) ?? []
        for name in names where find(name) == nil { _ = add(name, now) }
        tools.removeAll { tool in
            if tool.isAtWork || names.contains(tool.name) { return false }
            for each in tool.watches { watch.remove(each) }
            return true
        }
        for tool in tools where tool.watches.isEmpty { watchDirectories(tool) }
    }

    private func forgetPlace() {
        if let placeWatch { watch.remove(placeWatch) }
        placeWatch = nil
        mustScan = true
    }

    private func watchPlace() {
        if placeWatch != nil { return }
        placeWatch = watch.addLosses(place)
        // What went before it was watched is not told.
        hasPlaceChanged = true
        if placeWatch == nil { isIncomplete = true }
    }

    /// If the state directory is not there: one above it, where it will be made.
    private func watchBase(_ state: String) {
        var path = Array(state.utf8)
        var isState = true
        if base?.isState == true { return }
        while !path.isEmpty {
            if let made = watch.add(String(bytes: path)) {
                if let base, base.watch != made { watch.remove(base.watch) }
                base = (made, isState)
                return
            }
            isState = false
            path = Array(path[..<(path.lastIndex(of: UInt8(ascii: "/")) ?? 0)])
        }
        isIncomplete = true
    }

    private func add(_ name: String, _ now: Int64) -> WatchedTool? {
        guard tools.count < Self.limit else {
            isIncomplete = true
            return nil
        }
        let tool = WatchedTool(name: name, due: now)
        tools.append(tool)
        watchDirectories(tool)
        return tool
    }

    private func watchDirectories(_ tool: WatchedTool) {
        guard let state = Environment.stateDirectory else { return }
        for name in Self.subdirectories {
            if let made = watch.add(state + "/" + tool.name + name) {
                if !tool.watches.contains(made) { tool.watches.append(made) }
            } else if csystem_errno() != ENOENT && csystem_errno() != ENOTDIR {
                isIncomplete = true
            }
        }
    }

    private func find(_ name: String) -> WatchedTool? {
        for tool in tools where tool.name == name { return tool }
        return nil
    }

    private func tool(of watch: Int32) -> WatchedTool? {
        for tool in tools where tool.watches.contains(watch) { return tool }
        return nil
    }
}

/// The system has something to tell.
private final class ReadyFlag {
    var isReady = false
}

extension StaticString {
    fileprivate func isName(_ name: UnsafePointer<CChar>) -> Bool { strcmp(name, cString) == 0 }
}
