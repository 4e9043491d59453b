// SPDX-License-Identifier: Apache-2.0

// What logs and metrics are from: resource.proto and common.proto.
extension OTLPMessage {
    /// The tool. `hasSDK`: and this library, as the specification asks of an SDK. `instance`: what tells series of the
    /// same name apart; empty: nothing does.
    mutating func resource(
        _ name: UnsafeRawBufferPointer, _ version: UnsafeRawBufferPointer, hasSDK: Bool = false, instance: [UInt8] = []
    ) {
        let resource = begin(0x0A, "resource")
        beginAttributes(0x0A)
        attribute("service.name", name)
        // A command that has no manifest does not know it.
        if !version.isEmpty { attribute("service.version", version) }
        if !instance.isEmpty { instance.withUnsafeBytes { attribute("service.instance.id", $0) } }
        if hasSDK {
            attribute("telemetry.sdk.language", Self.raw("c"))
            attribute("telemetry.sdk.name", Self.raw("libtelemetry"))
            attribute("telemetry.sdk.version", Self.raw(TelemetryVersion.staticText))
        }
        endList()
        end(resource)
    }

    mutating func scope() {
        let scope = begin(0x0A, "scope")
        text(0x0A, "name", Self.raw("libtelemetry"))
        text(0x12, "version", Self.raw(TelemetryVersion.staticText))
        end(scope)
    }
}
