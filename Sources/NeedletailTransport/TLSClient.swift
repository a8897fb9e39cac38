import NIOCore
import NIOSSL
import NeedletailCore
import Synchronization

/// Makes the TLS handlers of one pool's connections.
final class TLSClient: Sendable {
    /// How long a close waits for the peer's goodbye. The socket is gone after it in any case.
    private static let shutdownTimeout = TimeAmount.milliseconds(200)

    /// Whether `h2` is offered.
    let offersHTTP2: Bool
    private let configuration: TLSConfiguration
    /// Made at the first use: reading the system's store takes milliseconds that a start need not spend.
    private let context = Mutex<NIOSSLContext?>(nil)

    /// - Throws: `.invalidRequest` for roots that cannot be read.
    init(_ options: TLSOptions, allowsHTTP2: Bool) throws(NeedletailError) {
        self.offersHTTP2 = allowsHTTP2
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = allowsHTTP2 ? ["h2", "http/1.1"] : ["http/1.1"]
        configuration.certificateVerification = options.verifiesCertificate ? .fullVerification : .none
        configuration.shutdownTimeout = Self.shutdownTimeout
        let place: String
        do {
            switch options.roots {
            case .system:
                place = "the system's certificates"
            case .file(let path):
                place = "\"\(path)\""
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(path))
            case .pem(let bytes):
                place = "the given PEM text"
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(bytes))
            }
        } catch {
            let name = if case .file(let path) = options.roots { "\"\(path)\"" } else { "the given PEM text" }
            throw NeedletailError(.invalidRequest, "No CA certificate could be read from \(name).", cause: error)
        }
        if case .certificates(let certificates)? = configuration.trustRoots, certificates.isEmpty {
            throw NeedletailError(.invalidRequest, "There is no CA certificate in \(place).")
        }
        self.configuration = configuration
    }

    /// A handler for one connection to `host`.
    func makeHandler(for host: String) throws -> NIOSSLClientHandler {
        let context = try self.context.withLock { context -> NIOSSLContext in
            if let context { return context }
            let made = try NIOSSLContext(configuration: self.configuration)
            context = made
            return made
        }
        // An address cannot be a server name (RFC 6066, 3); without one the certificate is held against the address.
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
    }
}
