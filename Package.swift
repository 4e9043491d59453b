// swift-tools-version:6.0
import PackageDescription

// What full Swift imports (Synchronization, XCTest) brings Glibc and Dispatch; without the macro
// they see other libc types than CSystem, and the compiler refuses the two definitions.
let gnuSource = SwiftSetting.unsafeFlags(["-Xcc", "-D_GNU_SOURCE"])

// A copy of a function in its caller has no worth of its own: only what gets smaller by it is inlined, and what
// says `@inline(__always)`. 37 KB of the library; recording and reading a manifest take some 5 % longer, delivery as long as before.
let inliningForSize = [
    "removed-call-benefit=0", "removed-closure-benefit=0", "removed-load-benefit=0", "removed-store-benefit=0",
    "removed-terminator-benefit=0", "ref-count-benefit=0", "generic-specialization-benefit=0",
    "devirtualized-call-benefit=0",
    "fast-path-builtin-benefit=0", "o-size-class-method-benefit=0", "default-apply-length=200",
].flatMap { ["-Xllvm", "-sil-inline-" + $0] }

// Release builds are Embedded Swift: no Swift runtime is loaded by a host program.
// Debug builds compile the same sources as full Swift, for the unit tests.
let embedded: [SwiftSetting] = [
    .enableExperimentalFeature("Embedded", .when(configuration: .release)),
    // Embedded Swift's check of exclusive access is an empty function; the debug build has the real one.
    .unsafeFlags(
        [
            "-wmo", "-Osize", "-enforce-exclusivity=unchecked", "-Xfrontend", "-function-sections",
            // One trap per function rather than one per check.
            "-Xfrontend", "-mergeable-traps",
            // A copy of a function per closure that is given to it costs more than the calls.
            "-Xllvm", "-sil-disable-pass=closure-specialize",
            // Unwind tables are for debuggers only, and stay in build/obj: ARCHITECTURE.md, "What ships".
            "-Xcc", "-fno-asynchronous-unwind-tables",
        ] + inliningForSize,
        .when(configuration: .release)),
    gnuSource,
]

// The Makefile links build/lib/libtelemetry.so and build/bin/telemetry from the two
// static products, so that SONAME, version script and hardening stand in one place. These
// settings only let `swift build -c release` complete by itself: the archive is named from
// the directory of the Swift libraries, the one that the driver searches.
#if arch(arm64)
    let unicodeTables = "-l:../embedded/aarch64-unknown-linux-gnu/libswiftUnicodeDataTables.a"
#else
    let unicodeTables = "-l:../embedded/x86_64-unknown-linux-gnu/libswiftUnicodeDataTables.a"
#endif
let embeddedLink: [LinkerSetting] = [
    .unsafeFlags(["-use-ld=lld", "-Xlinker", "--lto-O0", unicodeTables], .when(configuration: .release)),
    .linkedLibrary("m"),
]

let package = Package(
    name: "libtelemetry",
    products: [
        .library(name: "telemetry", type: .static, targets: ["TelemetryABI"]),
        .executable(name: "telemetry-cli", targets: ["telemetry-cli"]),
        .executable(name: "header-generator", targets: ["header-generator"]),
        .executable(name: "manual-generator", targets: ["manual-generator"]),
    ],
    targets: [
        .target(
            name: "CSystem",
            cSettings: [
                .define("_GNU_SOURCE"), .unsafeFlags(["-O2", "-fno-omit-frame-pointer", "-fstack-protector-strong"]),
                .define("_FORTIFY_SOURCE", to: "2", .when(configuration: .release)),
                // What Embedded Swift allocates with; full Swift has a library of its own for that.
                .define("CSYSTEM_RESERVE", .when(configuration: .release)),
                // The tables of one module would bring those of all: the linker generates their code together.
                .unsafeFlags(["-fno-asynchronous-unwind-tables"], .when(configuration: .release)),
            ],
            linkerSettings: [.linkedLibrary("md")]),
        .target(name: "TelemetryCore", dependencies: ["CSystem"], swiftSettings: embedded),
        .target(
            name: "TelemetryABI", dependencies: ["TelemetryCore", "CSystem"],
            exclude: ["telemetry.map", "libtelemetry.so.0.abi"],
            swiftSettings: embedded),
        .target(name: "TelemetryAgent", dependencies: ["TelemetryCore", "CSystem"], swiftSettings: embedded),
        .executableTarget(
            name: "telemetry-cli", dependencies: ["TelemetryCore", "TelemetryAgent", "CSystem"],
            swiftSettings: embedded, linkerSettings: embeddedLink),
        .target(name: "GeneratorText"),
        .executableTarget(name: "header-generator", dependencies: ["GeneratorText"], exclude: ["telemetry.h.in"]),
        .executableTarget(name: "manual-generator", dependencies: ["GeneratorText"]),
        // The receiver of OTLP without its HTTP server, for Tests/otlp. It is not installed.
        .executableTarget(
            name: "otlp-driver", dependencies: ["TelemetryAgent", "TelemetryCore", "CSystem"],
            path: "Tests/otlp/driver", swiftSettings: embedded, linkerSettings: embeddedLink),
        .testTarget(
            name: "TelemetryAgentTests", dependencies: ["TelemetryAgent", "TelemetryCore", "CSystem"],
            swiftSettings: [gnuSource]),
        .testTarget(
            name: "TelemetryCoreTests", dependencies: ["TelemetryCore", "CSystem"], swiftSettings: [gnuSource]),
    ],
    swiftLanguageModes: [.v5]
)
