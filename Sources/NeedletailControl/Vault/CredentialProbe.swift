import Logging
import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailTransport

/// Asks a provider whether it takes a credential, by its list of models: that costs nothing.
struct CredentialProbe: Sendable {
    /// What came of it.
    enum Verdict: Sendable, Equatable {
        /// The provider answered.
        case taken
        /// The provider said no.
        case refused(String)
        /// Nobody can say: the provider does not answer, or has no list.
        case unknown(String)
    }

    /// How long a provider may take.
    static let limit = Duration.seconds(15)

    let group: any EventLoopGroup
    let environment: [String: String]
    let time: TimeSource
    let logger: Logger

    /// Asks one provider with one credential.
    func ask(_ provider: ProviderConfiguration, with secret: Secret) async -> Verdict {
        var provider = provider
        provider.isEnabled = true
        provider.apiKeys = [WeightedSecret(secret: secret, weight: 1)]
        let entry: Upstreams.Entry
        do {
            let upstreams = Upstreams(
                cancellations: JobCancellations(), group: self.group, environment: self.environment, time: self.time,
                logger: self.logger)
            guard let built = try upstreams.build([provider]).first else { return .unknown("it is switched off") }
            entry = built
        } catch {
            return .unknown("it cannot be asked: \((error as? NeedletailError)?.message ?? "\(error)")")
        }
        let verdict = await self.ask(entry.provider)
        for pool in entry.pools { await pool.shutdown() }
        return verdict
    }

    private func ask(_ provider: HTTPProvider) async -> Verdict {
        do throws(NeedletailError) {
            let deadline = self.time.now().advanced(by: Self.limit)
            guard try await provider.listModels(deadline: deadline) != nil else {
                return .unknown("it has no list of models to ask for")
            }
            return .taken
        } catch {
            switch error.code {
            case .credentialRejected, .forbidden, .unauthorized: return .refused(error.message)
            default: return .unknown("it does not answer: \(error.message)")
            }
        }
    }
}
