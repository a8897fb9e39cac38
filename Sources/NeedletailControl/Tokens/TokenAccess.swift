import NeedletailGateway

/// The keys that come and go: those in the store, and signed tokens.
struct TokenAccess: StoredAccess {
    let stored: KeyRing?
    let tokens: TokenVerifier

    var isEmpty: Bool { !self.tokens.hasClients && self.stored?.isEmpty ?? true }

    func find(_ secret: String) -> AccessKey? {
        guard self.tokens.hasClients, JSONWebToken.isToken(secret) else { return self.stored?.find(secret) }
        do throws(TokenClaims.Problem) { return try self.tokens.holder(of: secret).client } catch { return nil }
    }

    func isGuess(_ secret: String) -> Bool { !self.tokens.hasClients || !JSONWebToken.isToken(secret) }
}
