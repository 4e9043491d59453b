/// Requirement E2: bounds of a tool's spool.
struct SpoolLimits {
    var segmentBytes: Int
    var bytes: Int64
    var segments: Int
    var ageSeconds: Int64
    /// With no usable spool: segments in memory.
    static let heapSegments = 4

    init(_ options: Options) {
        segmentBytes = options.segmentBytes
        bytes = options.spoolLimitBytes
        segments = options.spoolLimitSegments
        ageSeconds = options.spoolLimitAgeSeconds
    }
}
