import HTTPTypes
public import NeedletailCore
import Synchronization

/// Signs requests with Amazon's Signature Version 4.
///
/// What is signed is what is sent: the path as it is, the host that the transport writes, the type of the body, every
/// `x-amz-` header, and the body.
public final class AWSRequestSigner: RequestAuthorizer {
    private struct DayKey {
        var day: String
        var secret: String
        var key: [UInt8]
    }

    private let signature: AWSSignature
    private let host: String
    private let source: any AWSCredentialSource
    private let time: TimeSource
    /// The key of the day, which takes four of the five hashes.
    private let dayKey = Mutex<DayKey?>(nil)

    /// Creates a signer.
    ///
    /// - Parameters:
    ///   - service: The service's name for signing, for example `bedrock`.
    ///   - host: What the `host` header will say: with a port where it is not the scheme's own.
    ///   - source: Who has the credentials; asked for every request.
    public init(
        service: String, region: String, host: String, source: any AWSCredentialSource, time: TimeSource
    ) {
        self.signature = AWSSignature(region: region, service: service)
        self.host = host
        self.source = source
        self.time = time
    }

    /// See ``RequestAuthorizer/authorize(_:)``.
    public func authorize(_ request: inout TransportRequest) async throws(NeedletailError) {
        guard let credentials = try await self.source.credentials(deadline: request.deadline) else {
            throw NeedletailError(
                .credentialRejected, "The gateway has no credentials for the provider.",
                cause: ProviderWords("No AWS credentials: no keys, no profile, no role of a container or machine."))
        }
        self.sign(&request, credentials, AWSDate(seconds: self.time.wallSeconds()))
    }

    /// See ``RequestAuthorizer/wasRefused(_:)``.
    public func wasRefused(_ request: TransportRequest) {
        let mark = "\(AWSSignature.algorithm) Credential="
        guard let header = request.headers[.authorization], header.hasPrefix(mark) else { return }
        self.source.wasRefused(accessKeyID: String(header.dropFirst(mark.count).prefix { $0 != "/" }))
    }

    func sign(_ request: inout TransportRequest, _ credentials: AWSCredentials, _ date: AWSDate) {
        Self.set("x-amz-date", date.time, &request.headers)
        if let token = credentials.sessionToken { Self.set("x-amz-security-token", token, &request.headers) }
        var headers = [(name: "host", value: self.host)]
        for field in request.headers {
            let name = field.name.canonicalName
            if name == "content-type" || name.hasPrefix("x-amz-") { headers.append((name, field.value)) }
        }
        let (canonical, signed) = AWSSignature.canonicalRequest(
            method: request.method.rawValue, path: request.path, headers: headers,
            payloadHash: AWSSignature.hash(request.body))
        let text = self.signature.stringToSign(canonical, date)
        let signature = AWSSignature.sign(text, key: self.key(credentials.secretAccessKey, date.day))
        request.headers[.authorization] =
            "\(AWSSignature.algorithm) Credential=\(credentials.accessKeyID)/\(self.signature.scope(date)), "
            + "SignedHeaders=\(signed), Signature=\(signature)"
    }

    private static func set(_ name: String, _ value: String, _ headers: inout HTTPFields) {
        guard let name = HTTPField.Name(name) else { return }
        headers[name] = value
    }

    private func key(_ secret: String, _ day: String) -> [UInt8] {
        self.dayKey.withLock { known in
            if let known, known.day == day, known.secret == secret { return known.key }
            let key = self.signature.signingKey(secret, day: day)
            known = DayKey(day: day, secret: secret, key: key)
            return key
        }
    }
}
