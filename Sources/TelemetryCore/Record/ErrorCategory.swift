// SPDX-License-Identifier: Apache-2.0
import CSystem

/// C4: what kind of failure it was. Only these leave as `error_category`.
package enum ErrorCategory: CaseIterable {
    case usage, auth, network, timeout, notFound, conflict, permission, rateLimited, server, cancelled, unavailable
    case resource, data, `internal`, unknown

    package var name: StaticString {
        switch self {
        case .usage: "usage"
        case .auth: "auth"
        case .network: "network"
        case .timeout: "timeout"
        case .notFound: "not_found"
        case .conflict: "conflict"
        case .permission: "permission"
        case .rateLimited: "rate_limited"
        case .server: "server"
        case .cancelled: "cancelled"
        case .unavailable: "unavailable"
        case .resource: "resource"
        case .data: "data"
        case .internal: "internal"
        case .unknown: "unknown"
        }
    }

    /// The category of that name; nil for any other text.
    package init?(name: UnsafePointer<CChar>) {
        for category in Self.allCases where strcmp(name, category.name.cString) == 0 {
            self = category
            return
        }
        return nil
    }

    package var text: UnsafePointer<CChar> { name.cString }
}

// MARK: from numbers

extension ErrorCategory {
    /// For a process: sysexits.h, the shell's conventions, `timeout`, and 128 + n or -n for a signal. Nil: success.
    package static func of(exitCode: Int32) -> ErrorCategory? {
        switch exitCode {
        case 0: nil
        case 2, EX_USAGE, EX_CONFIG: .usage
        case EX_DATAERR: .data
        case EX_NOINPUT, EX_NOUSER, EX_OSFILE, 127: .notFound
        case EX_NOHOST, EX_PROTOCOL: .network
        case EX_UNAVAILABLE, EX_TEMPFAIL: .unavailable
        case EX_SOFTWARE: .internal
        case EX_OSERR, EX_IOERR: .resource
        case EX_CANTCREAT, EX_NOPERM, 126: .permission
        case 124: .timeout
        case 129...192: of(signal: exitCode &- 128)
        case -64 ... -1: of(signal: 0 &- exitCode)
        default: .unknown
        }
    }

    private static func of(signal: Int32) -> ErrorCategory {
        switch signal {
        case SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM: .cancelled
        case SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS: .internal
        // Mostly the kernel's, out of memory.
        case SIGKILL, SIGXCPU, SIGXFSZ: .resource
        case SIGALRM: .timeout
        default: .unknown
        }
    }

    /// Nil: 0, no error.
    package static func of(errno code: Int32) -> ErrorCategory? {
        switch code {
        case 0: nil
        case EINVAL, E2BIG, ENAMETOOLONG, EISDIR, ENOTTY: .usage
        case ENOKEY, EKEYEXPIRED, EKEYREVOKED, EKEYREJECTED: .auth
        case ECONNREFUSED, ECONNRESET, ECONNABORTED, ENETDOWN, ENETUNREACH, ENETRESET, EHOSTDOWN, EHOSTUNREACH,
            ENOTCONN,
            EADDRNOTAVAIL, EPIPE, EPROTO, ESHUTDOWN, ENONET:
            .network
        case ETIMEDOUT, ETIME: .timeout
        case ENOENT, ESRCH, ENXIO, ENODEV, ENOTDIR, ECHILD: .notFound
        case EEXIST, ENOTEMPTY, EBUSY, ETXTBSY, EADDRINUSE, EDEADLK, EALREADY, EINPROGRESS, EISCONN, ESTALE: .conflict
        case EPERM, EACCES, EROFS: .permission
        case EINTR, ECANCELED: .cancelled
        case EAGAIN, ENOSYS, EOPNOTSUPP: .unavailable
        case ENOMEM, ENOSPC, EDQUOT, EMFILE, ENFILE, EFBIG, ENOBUFS, EMLINK, EUSERS, EIO: .resource
        case EILSEQ, EBADMSG, EDOM, ERANGE, EOVERFLOW, ENOEXEC: .data
        case EFAULT, EBADF, ESPIPE: .internal
        default: .unknown
        }
    }

    /// RFC 9110 section 15. Nil: no failure; 0 is what clients say when no answer came.
    package static func of(httpStatus status: Int32) -> ErrorCategory? {
        switch status {
        case 0: .network
        case 100...399: nil
        case 401, 407, 511: .auth
        case 402, 403, 451: .permission
        case 404, 410: .notFound
        case 408, 504: .timeout
        case 409, 412, 423: .conflict
        case 413, 507: .resource
        case 422: .data
        case 429: .rateLimited
        // nginx: the client closed the connection.
        case 499: .cancelled
        case 503: .unavailable
        case 400...498: .usage
        case 500...599: .server
        default: .unknown
        }
    }
}
