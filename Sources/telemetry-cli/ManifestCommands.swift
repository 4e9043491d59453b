// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// `manifest check` and `manifest docs`: for the tool's author. They look at a file and nothing else.
enum ManifestCommands {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let words = invocation.arguments.words
        guard let action = words.first else { throw invocation.usage("needs an action: check or docs") }
        if ArgumentParser.same(action, "docs") {
            return try docs(invocation, words.dropFirst().first.map(invocation.path))
        }
        guard words.count > 1 else { throw invocation.usage("missing FILE") }
        return try check(invocation, invocation.path(words[1]))
    }

    private static func check(_ invocation: Invocation, _ path: String) throws(Failure) -> ExitCode {
        let options = try load(path)
        let declarations = options.events?.declarations ?? []
        let spans = options.declaredSpans?.declarations
        let attributes = (declarations + (spans ?? [])).reduce(0) { $0 + $1.attributes.count }
        let warnings = warnings(options)
        if invocation.wantsJSON {
            var object = JSONObject()
            object.add("file", path)
            object.add("tool", options.toolName)
            object.add("events", UInt64(clamping: declarations.count))
            object.add("attributes", UInt64(clamping: attributes))
            object.add("metrics", UInt64(clamping: options.metrics.count))
            object.add("spans", UInt64(clamping: spans?.count ?? 0))
            object.add("warnings", warnings)
            try invocation.answer(object.text)
        } else {
            if !invocation.isQuiet { for warning in warnings { invocation.complain(path + ": warning: " + warning) } }
            try invocation.confirm(
                path + ": ok: tool " + options.toolName + ", " + counted(UInt64(declarations.count), "event") + ", "
                    + counted(UInt64(attributes), "attribute")
                    + (options.metrics.isEmpty ? "" : ", " + counted(UInt64(options.metrics.count), "metric"))
                    + (spans.map { ", " + counted(UInt64($0.count), "span") } ?? ""))
        }
        return .ok
    }

    /// Settings that are allowed but hardly meant.
    private static func warnings(_ options: Options) -> [String] {
        eventWarnings(options) + metricWarnings(options) + registryWarnings("span", options.declaredSpans)
            + EndpointWarnings.all(options) + storageWarnings(options)
    }

    private static func storageWarnings(_ options: Options) -> [String] {
        options.isInMemory && options.isDefault
            ? ["storage is memory, and no backend takes events: what is recorded goes nowhere"] : []
    }

    /// Of a list of events, or of spans.
    private static func registryWarnings(_ record: String, _ registry: EventRegistry?) -> [String] {
        guard let registry else { return [] }
        let key = record + "s"
        var warnings = registry.declarations.isEmpty ? [key + " is empty: no " + record + " may be recorded"] : []
        for declaration in registry.declarations {
            guard let expires = declaration.expires, expires.isPast else { continue }
            warnings.append(key + "." + declaration.name + " has expired on " + expires.text + ": it is refused")
        }
        return warnings
    }

    private static func metricWarnings(_ options: Options) -> [String] {
        var warnings: [String] = []
        for metric in options.metrics where PlainNumber.double(metric.unit) != nil {
            warnings.append(
                "metrics." + metric.name + ".unit is the number " + metric.unit
                    + ": expected a unit such as s, By or '{request}'")
        }
        for (name, other) in PrometheusClash.all(options.metrics) {
            warnings.append(
                "metrics." + name + " has the name of metrics." + other
                    + " in Prometheus' text: only the one that is made first is written there")
        }
        return warnings
    }

    private static func eventWarnings(_ options: Options) -> [String] {
        guard let registry = options.events else { return ["no events: any event may be recorded"] }
        var warnings: [String] = []
        for declaration in registry.declarations {
            for type in declaration.types {
                guard let meant = EventSchema.nearMiss(type) else { continue }
                warnings.append("events." + declaration.name + ".type is '" + type + "': is '" + meant + "' meant?")
            }
        }
        return warnings + registryWarnings("event", registry)
    }

    private static func docs(_ invocation: Invocation, _ path: String?) throws(Failure) -> ExitCode {
        let options = if let path { try load(path) } else { try invocation.options() }
        try invocation.answer(ManifestPage.text(options))
        return .ok
    }

    private static func load(_ path: String) throws(Failure) -> Options {
        do throws(ManifestError) {
            let options = Options(toolName: try Manifest.read(path: path).toolName, toolVersion: "")
            try Manifest.load(path: path, into: options)
            return options
        } catch {
            throw Failure(code: .options, message: error.text)
        }
    }
}
