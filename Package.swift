// swift-tools-version:6.0
import PackageDescription

// Release builds are Embedded Swift: no Swift runtime is loaded by a host program.
// Debug builds compile the same sources as full Swift, for the unit tests.
let embedded: [SwiftSetting] = [
    .enableExperimentalFeature("Embedded", .when(configuration: .release)),
    .unsafeFlags(["-wmo"], .when(configuration: .release)),
]

// The Makefile links build/lib/libtelemetry.so and build/bin/telemetry from the two
// static products, so that SONAME, version script and hardening stand in one place.
let package = Package(
    name: "libtelemetry",
    products: [
        .library(name: "telemetry", type: .static, targets: ["TelemetryABI"]),
        .executable(name: "telemetry-cli", targets: ["telemetry-cli"]),
        .executable(name: "header-generator", targets: ["header-generator"]),
    ],
    targets: [
        .target(name: "CSystem", cSettings: [.define("_GNU_SOURCE"), .unsafeFlags(["-O2", "-fno-omit-frame-pointer"])]),
        .target(name: "TelemetryCore", dependencies: ["CSystem"], swiftSettings: embedded),
        .target(name: "TelemetryABI", dependencies: ["TelemetryCore", "CSystem"], swiftSettings: embedded),
        .executableTarget(name: "telemetry-cli", dependencies: ["TelemetryCore", "CSystem"], swiftSettings: embedded),
        .executableTarget(name: "header-generator"),
        // XCTest brings Glibc and Dispatch; without the macro they see other libc types than CSystem.
        .testTarget(
            name: "TelemetryCoreTests", dependencies: ["TelemetryCore", "CSystem"],
            swiftSettings: [.unsafeFlags(["-Xcc", "-D_GNU_SOURCE"])]),
    ],
    swiftLanguageModes: [.v5]
)
