// SPDX-License-Identifier: Apache-2.0

// What logs, metrics and spans are from: resource.proto and common.proto.
extension OTLPMessage {
    /// The tool. `hasSDK`: and this library, as the specification asks of an SDK. `instance`: what tells series of the
    /// same name apart; empty: nothing does.
    mutating func resource(
        _ name: UnsafeRawBufferPointer, _ version: UnsafeRawBufferPointer, hasSDK: Bool = false, instance: [UInt8] = []
    ) {
        let resource = begin(0x0A, "resource")
        beginAttributes(0x0A)
        serviceAttributes(name, version)
        if !instance.isEmpty { instance.withUnsafeBytes { attribute("service.instance.id", $0) } }
        if hasSDK { sdk() }
        endList()
        end(resource)
    }

    /// The same for spans, with all that the spans of a segment share: a log has it in each record.
    mutating func resource(_ context: EventContext) {
        let resource = begin(0x0A, "resource")
        beginAttributes(0x0A)
        serviceAttributes(context.toolName, context.toolVersion)
        sdk()
        system(context)
        metadata(context)
        endList()
        end(resource)
    }

    /// What the tool runs on, and for whom.
    mutating func system(_ context: EventContext) {
        optional(ResourceField.arch.otlpName, context.arch)
        optional(ResourceField.os.otlpName, context.os)
        optional(ResourceField.osVersion.otlpName, context.osVersion)
        optional(ResourceField.runtime.otlpName, context.runtime)
        optional(ResourceField.machineID.otlpName, context.machineID)
    }

    /// An attribute, unless it would be empty.
    @inline(never)
    mutating func optional(_ name: StaticString, _ text: UnsafeRawBufferPointer) {
        if !text.isEmpty { attribute(name, text) }
    }

    private mutating func serviceAttributes(_ name: UnsafeRawBufferPointer, _ version: UnsafeRawBufferPointer) {
        serviceAttribute("service.name", service?.name, else: name)
        serviceAttribute("service.version", service?.version, else: version)
    }

    /// A command that has no manifest does not know its version.
    private mutating func serviceAttribute(
        _ key: StaticString, _ chosen: [UInt8]?, else usual: UnsafeRawBufferPointer
    ) {
        if let chosen, !chosen.isEmpty { return chosen.withUnsafeBytes { attribute(key, $0) } }
        optional(key, usual)
    }

    /// The tool's metadata, as attributes. The author chooses the keys, which may be those of any convention.
    mutating func metadata(_ context: EventContext) {
        var metadata = context.metadata
        while let each = AttributeView.next(&metadata) { attribute(Self.metadataPrefix, each.key, each.value) }
    }

    static var metadataPrefix: StaticString { "tool.metadata." }

    private static var language: StaticString { "c" }
    private static var library: StaticString { "libtelemetry" }

    private mutating func sdk() {
        attribute("telemetry.sdk.language", Self.language.rawBytes)
        attribute("telemetry.sdk.name", Self.library.rawBytes)
        attribute("telemetry.sdk.version", TelemetryVersion.staticText.rawBytes)
    }

    mutating func scope() {
        let scope = begin(0x0A, "scope")
        text(0x0A, "name", Self.library.rawBytes)
        text(0x12, "version", TelemetryVersion.staticText.rawBytes)
        end(scope)
    }
}
