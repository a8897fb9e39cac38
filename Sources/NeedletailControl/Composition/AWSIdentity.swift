import Foundation
import Logging
import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailTransport

/// Finds who the gateway is for Amazon: in the order of Amazon's SDKs, the first that has credentials counts.
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>
struct AWSIdentity {
    let group: any EventLoopGroup
    let environment: [String: String]
    let time: TimeSource
    let logger: Logger

    /// Where credentials come from, and the connections that are opened for them.
    struct Found {
        var source: any AWSCredentialSource
        var pools: [UpstreamPool] = []
    }

    /// The source for what an operator says of a provider.
    ///
    /// - Parameters:
    ///   - keys: The keys, where they are given.
    ///   - profile: The profile, where one is demanded; nothing else is then asked.
    func source(keys: AWSCredentials?, profile: String?) throws(NeedletailError) -> Found {
        if let keys { return Found(source: keys) }
        let files = AWSProfileFiles(environment: self.environment)
        if let profile {
            let source = AWSProfileCredentials(files: files, profile: profile, isDemanded: true, time: self.time)
            return Found(source: AWSCredentialCache(source, time: self.time))
        }
        var sources: [any AWSCredentialSource] = [
            AWSProfileCredentials(files: files, profile: "default", isDemanded: false, time: self.time)
        ]
        var pools: [UpstreamPool] = []
        if let address = self.containerAddress {
            let pool = try self.pool(address)
            sources.append(self.container(address, pool))
            pools.append(pool)
        }
        if self.value("AWS_EC2_METADATA_DISABLED")?.lowercased() != "true" {
            let pool = try self.pool(self.value("AWS_EC2_METADATA_SERVICE_ENDPOINT") ?? "http://169.254.169.254")
            sources.append(AWSInstanceCredentials(transport: pool, time: self.time))
            pools.append(pool)
        }
        return Found(source: AWSCredentialCache(AWSCredentialChain(sources), time: self.time), pools: pools)
    }

    /// The region that a profile names.
    func region(profile: String?) -> String? {
        AWSProfileFiles(environment: self.environment).values(of: profile ?? "default")["region"]
    }

    private func value(_ name: String) -> String? {
        self.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Where the role of the container is that the gateway runs in.
    private var containerAddress: String? {
        self.value("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map { "http://169.254.170.2" + $0 }
            ?? self.value("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    }

    private func container(_ address: String, _ pool: UpstreamPool) -> AWSContainerCredentials {
        let start = address.range(of: "://")?.upperBound ?? address.startIndex
        let path = address[start...].firstIndex(of: "/").map { String(address[$0...]) } ?? "/"
        let file = self.value("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        let token = self.value("AWS_CONTAINER_AUTHORIZATION_TOKEN")
        return AWSContainerCredentials(transport: pool, path: path, time: self.time) {
            () throws(NeedletailError) in
            guard let file else { return token }
            guard let data = FileManager.default.contents(atPath: file) else {
                throw NeedletailError(
                    .credentialRejected, "The gateway has no credentials for the provider.",
                    cause: AWSTokenFault(file: file))
            }
            return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    /// Both are asked directly, whatever proxy there is for the rest.
    private func pool(_ address: String) throws(NeedletailError) -> UpstreamPool {
        var options = TransportOptions()
        options.maximumConnections = 2
        return try UpstreamPool(
            origin: try Origin(url: address), options: options, group: self.group, time: self.time,
            logger: self.logger)
    }
}

/// A container's token that cannot be read, for the operator.
struct AWSTokenFault: Error, CustomStringConvertible {
    let file: String

    var description: String { "the file '\(self.file)' with the container's token cannot be read" }
}
