import NeedletailCore

/// Somebody whose signed tokens are taken in the place of keys.
struct TokenIssuerConfiguration: Sendable, Hashable {
    /// What a token's holder may do on the API listener: bounds that hold for all, and the claims that name it.
    struct Clients: Sendable, Hashable {
        /// The claim that names the key. Default `sub`.
        var name = "sub"
        /// The claim that names the tenant; `nil` leaves the grant's.
        var tenant: String?
        /// The claim that names the team.
        var team: String?
        /// The claim that lists tags.
        var tags: String?
        /// The claim that lists models, of those that the grant opens.
        var models: String?
        /// What all of its tokens open.
        var grant = KeyGrant()
    }

    /// What a token's holder may do on the admin listener.
    struct Administrators: Sendable, Hashable {
        /// The claim that holds a role's word, or several.
        var claim: String
        /// What the words mean; of several that fit the mightiest counts.
        var roles: [String: AdminRole]
    }

    /// The name, for logs and in the names of keys.
    var name: String
    /// What `iss` must say.
    var issuer: String
    /// What `aud` must say or list one of.
    var audiences: [String]
    /// Where the keys are; `nil` asks the issuer's discovery document (OpenID Connect Discovery 1.0, section 4).
    var keysURL: String?
    /// How far clocks may differ. Default 60 s.
    var leeway: Duration = .seconds(60)
    /// How long keys are used before they are fetched again. Default 5 min.
    var refresh: Duration = .seconds(300)
    /// What tokens open on the API listener; `nil` for nothing.
    var clients: Clients?
    /// What tokens open on the admin listener; `nil` for nothing.
    var administrators: Administrators?
}
