import NeedletailGateway
import NeedletailProviders

extension ProviderConfiguration {
    /// Who is asked, without what proves who asks: equal before and after a key is exchanged. Base URL, settings such as
    /// region, project and organisation, and all other headers stay, those too that look like a credential: one that ends in
    /// `-key` or `-token` may choose an account. They are hashed with the rest (``Fingerprint``); no value is kept.
    var withoutCredentials: Self {
        var plain = self
        plain.apiKeys = []
        plain.headers.removeAll { Credential.isCredential($0.name) }
        for setting in ProviderSpec.named(self.type)?.settings ?? [] where setting.isCredential {
            plain.settings[setting.name] = nil
        }
        return plain
    }
}
