// SPDX-License-Identifier: Apache-2.0

/// What this process uses, under the names that Prometheus asks client libraries for: its guide "Writing client
/// libraries", "Standard and runtime collectors". What is not known has no sample.
enum ProcessMetrics {
    static func families(_ usage: ProcessUsage) -> [FixedFamily] {
        var processor = FixedFamily(
            "process_cpu_seconds_total", .counter, unit: "seconds",
            help: "Total user and system CPU time spent in seconds.", created: usage.start ?? 0)
        processor.add(seconds(usage.processorNanoseconds, per: 1_000_000_000))
        return [
            processor,
            gauge(
                "process_open_fds", help: "Number of open file descriptors.", usage.openDescriptors.map { Double($0) }),
            gauge(
                "process_max_fds", help: "Maximum number of open file descriptors.",
                usage.descriptorLimit.map { Double($0) }),
            gauge(
                "process_virtual_memory_bytes", unit: "bytes", help: "Virtual memory size in bytes.",
                usage.virtualBytes.map { Double($0) }),
            gauge(
                "process_virtual_memory_max_bytes", unit: "bytes",
                help: "Maximum amount of virtual memory available in bytes.",
                usage.virtualLimit.map { Double($0) }),
            gauge(
                "process_resident_memory_bytes", unit: "bytes", help: "Resident memory size in bytes.",
                usage.residentBytes.map { Double($0) }),
            gauge(
                "process_start_time_seconds", unit: "seconds",
                help: "Start time of the process since unix epoch in seconds.",
                // Milliseconds: the system counts in hundredths.
                usage.start.map { seconds($0 / 1_000_000, per: 1000) }),
            gauge("process_threads", help: "Number of threads of the process.", usage.threads.map { Double($0) }),
        ]
    }

    private static func gauge(
        _ name: StaticString, unit: StaticString = "", help: StaticString, _ value: Double?
    ) -> FixedFamily {
        var family = FixedFamily(name, .gauge, unit: unit, help: help)
        if let value { family.add(value) }
        return family
    }

    private static func seconds(_ count: Int64, per second: Double) -> Double { Double(count) / second }
}
