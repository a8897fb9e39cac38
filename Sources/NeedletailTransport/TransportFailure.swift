import NIOCore
import NIOPosix
import NIOSSL
import NeedletailCore

/// Says in words what NIO's and BoringSSL's errors mean.
enum TransportFailure {
    /// Whether `error` is how TLS reports a connection closed without a goodbye.
    static func isPlainClose(_ error: any Error) -> Bool {
        if case NIOSSLError.uncleanShutdown = error { return true }
        return false
    }

    /// The connection ended under a request.
    static func broken(hasStarted: Bool, hasHead: Bool, cause: (any Error)?) -> NeedletailError {
        let message =
            if hasHead {
                "The provider's answer was cut short: the connection ended before the body did."
            } else if hasStarted {
                "The provider's answer was cut short within its head."
            } else {
                "The provider closed the connection without answering."
            }
        return NeedletailError(.unreachable, message, cause: cause, mayHaveBeenProcessed: true)
    }

    /// A connection to `target` could not be made.
    static func connecting(to target: String, _ error: any Error) -> NeedletailError {
        let reason: String
        switch error {
        case let error as NeedletailError: return error
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first {
                reason = Self.words(first.error)
            } else {
                reason = "its name could not be resolved"
            }
        default:
            reason = Self.words(error)
        }
        return NeedletailError(.unreachable, "No connection to \(target) could be made: \(reason).", cause: error)
    }

    private static func words(_ error: any Error) -> String {
        switch error {
        case let error as IOError:
            switch error.errnoCode {
            case 111: "connection refused"
            case 110: "the network timed out"
            case 113: "no route to the host"
            case 101: "the network is unreachable"
            case 24, 23: "this process has too many open files"
            default: "network error \(error.errnoCode)"
            }
        case is SocketAddressError: "its name could not be resolved"
        case let error as ChannelError:
            switch error {
            case .connectTimeout: "the network timed out"
            default: "the connection was closed"
            }
        default: "the connection failed"
        }
    }

    /// A TLS handshake with `host` failed.
    static func handshake(with host: String, _ error: any Error) -> NeedletailError {
        let text = "\(error)"
        let reason: String
        if let extra = error as? NIOSSLExtraError, extra == .failedToValidateHostname {
            reason = "its certificate is for another host"
        } else if case NIOSSLError.unableToValidateCertificate = error {
            reason = "its certificate could not be verified"
        } else if Self.holds(text, "CERTIFICATE_VERIFY_FAILED") {
            reason = "its certificate is not signed by a trusted authority, or has expired"
        } else if Self.holds(text, "WRONG_VERSION_NUMBER") || Self.holds(text, "HTTP_REQUEST") {
            reason = "it does not speak TLS on this port"
        } else if Self.holds(text, "ALERT") {
            reason = "it refused the handshake"
        } else if Self.holds(text, "EOF") || error is ChannelError {
            reason = "it closed the connection during the handshake"
        } else {
            reason = "the handshake broke"
        }
        return NeedletailError(.unreachable, "No TLS connection to \(host) could be made: \(reason).", cause: error)
    }

    private static func holds(_ text: String, _ word: String) -> Bool {
        text.indices.contains { text[$0...].hasPrefix(word) }
    }
}
