import Foundation
import NIOSSL

/// Certificates made with the `openssl` command in a folder of their own: an authority, and servers signed by it.
struct TestCertificates {
    let folder: URL
    var authority: String { self.folder.appendingPathComponent("ca.pem").path }

    static let shared = Result { try TestCertificates() }

    private init() throws {
        self.folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("needletail-tls-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
        try self.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
            "-subj", "/CN=Needletail test authority", "-keyout", "ca.key", "-out", "ca.pem"
        )
        try self.sign("local", "DNS:localhost,IP:127.0.0.1")
        try self.sign("other", "DNS:other.test")
    }

    func serverContext(_ name: String = "local", protocols: [String] = []) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMFile(self.folder.appendingPathComponent("\(name).pem").path)
        let key = try NIOSSLPrivateKey(file: self.folder.appendingPathComponent("\(name).key").path, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key)
        )
        configuration.applicationProtocols = protocols
        return try NIOSSLContext(configuration: configuration)
    }

    private func sign(_ name: String, _ names: String) throws {
        try self.openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=\(name)",
            "-keyout", "\(name).key", "-out", "\(name).csr"
        )
        try Data("subjectAltName=\(names)\n".utf8).write(to: self.folder.appendingPathComponent("\(name).ext"))
        try self.openssl(
            "x509", "-req", "-in", "\(name).csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
            "-extfile", "\(name).ext", "-out", "\(name).pem"
        )
    }

    private func openssl(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.currentDirectoryURL = self.folder
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
    }
}
