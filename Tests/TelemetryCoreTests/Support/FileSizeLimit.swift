import CSystem

/// RLIMIT_FSIZE for the length of a call: to allocate more fails as it does on a full disk.
enum FileSizeLimit {
    static func during(_ bytes: UInt, _ body: () throws -> Void) rethrows {
        let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
        var before = rlimit()
        getrlimit(resource, &before)
        var now = rlimit(rlim_cur: bytes, rlim_max: before.rlim_max)
        setrlimit(resource, &now)
        defer { setrlimit(resource, &before) }
        try body()
    }
}
