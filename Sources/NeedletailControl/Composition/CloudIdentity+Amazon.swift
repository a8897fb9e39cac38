import NeedletailCore
import NeedletailProviders
import NeedletailTransport

extension CloudIdentity {
    /// What signs requests for Amazon, with keys, a profile, or the role of a container or machine.
    ///
    /// - Parameter url: Where the requests go, if the operator says; the signature holds the host.
    func amazon(
        _ spec: ProviderSpec, _ settings: [String: String], service: String, url: HTTPURL?, hasKey: Bool
    ) throws(NeedletailError) -> Resolved {
        var resolved = Resolved()
        let identity = AWSIdentity(
            group: self.group, environment: self.environment, time: self.time, logger: self.logger)
        resolved.settings["region"] = settings["region"] ?? identity.region(profile: settings["profile"])
        guard !hasKey, let region = resolved.settings["region"] else { return resolved }
        let all = settings.merging(resolved.settings) { $1 }
        guard let url = url ?? spec.resolved(all).baseURL.flatMap(HTTPURL.init) else { return resolved }
        var keys: AWSCredentials?
        if let id = settings["access_key_id"], let key = settings["secret_access_key"] {
            keys = AWSCredentials(accessKeyID: id, secretAccessKey: key, sessionToken: settings["session_token"])
        }
        let found = try identity.source(keys: keys, profile: settings["profile"])
        let origin = Origin(scheme: url.isSecure ? .https : .http, host: url.host, port: url.port)
        resolved.authorizer = AWSRequestSigner(
            service: service, region: region, host: origin.hostHeader, source: found.source, time: self.time)
        resolved.pools = found.pools
        return resolved
    }
}
