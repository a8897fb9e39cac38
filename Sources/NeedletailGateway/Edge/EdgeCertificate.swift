import NIOSSL
public import NeedletailCore
import Synchronization

/// A listener's certificate and key, read from their files.
public struct EdgeCertificate: Sendable {
    let context: NIOSSLContext

    /// Reads the files.
    ///
    /// - Throws: `.invalidRequest` that names the files, if they cannot be read or do not fit each other.
    public init(_ tls: EdgeTLS) throws(NeedletailError) {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(tls.certificateFile).map {
                NIOSSLCertificateSource.certificate($0)
            }
            let key = try NIOSSLPrivateKey(file: tls.keyFile, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain, privateKey: .privateKey(key))
            configuration.applicationProtocols = ["h2", "http/1.1"]
            self.context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw NeedletailError(
                .invalidRequest,
                "Certificate '\(tls.certificateFile)' and key '\(tls.keyFile)' cannot be used: \(error)", cause: error)
        }
    }

    /// The certificate that new connections are shown; `nil` for connections without TLS.
    final class Current: Sendable {
        private let certificate = Mutex<EdgeCertificate?>(nil)

        var context: NIOSSLContext? { self.certificate.withLock { $0?.context } }

        func replace(_ certificate: EdgeCertificate?) { self.certificate.withLock { $0 = certificate } }
    }
}
