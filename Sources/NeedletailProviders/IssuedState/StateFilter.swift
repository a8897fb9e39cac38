import NeedletailCore

/// Decides what of a request's state the upstream can read.
///
/// - What is known to be issued in the upstream's realm stays, what is known to be issued in another is left out.
/// - What is not known (the gateway was started since, the entry made room, the client talked to the provider without the
///   gateway) stays if the client speaks in the upstream's own words, which only who issued it does, or if no provider of
///   another realm is configured. Otherwise it is left out: without its reasoning a conversation goes on, with a foreign
///   signature it is refused.
struct StateFilter {
    let table: IssuedStateTable
    /// Who is asked.
    let realm: StateRealm
    /// Whether what is not known stays.
    let keepsUnknown: Bool
    /// Whether reasoning without a signature is another's too. Claude signs all of its own and refuses any other; there is
    /// another where the gateway has one.
    let demandsProof: Bool

    init(
        _ table: IssuedStateTable, _ realm: StateRealm, signsAll: Bool = false, client: DialectID?, upstream: DialectID
    ) {
        self.table = table
        self.realm = realm
        self.demandsProof = signsAll && !table.isAlone(realm)
        self.keepsUnknown = client?.stateForm == upstream.stateForm || table.isAlone(realm)
    }

    /// Whether the upstream cannot read `state`.
    func isForeign(_ state: String) -> Bool {
        guard let issuer = self.table.issuer(of: state) else { return !self.keepsUnknown }
        return issuer != self.realm
    }

    /// Whether the upstream refuses reasoning with a signature, or without.
    func refuses(signature: String?) -> Bool {
        guard let signature, !signature.isEmpty else { return self.demandsProof }
        return self.isForeign(signature)
    }

    /// Whether the upstream cannot read a string of a request.
    func isForeign(_ state: JSONView?) -> Bool {
        guard let state = state?.string, !state.isEmpty else { return false }
        return self.isForeign(state)
    }

    /// Whether an id was issued by another than the upstream. One that is not known was not.
    func isForeign(id: String) -> Bool {
        if let issuer = self.table.issuer(of: id) { return issuer != self.realm }
        // The gateway makes the ids of items of the response's: `msg_HEX_0` in `resp_HEX`.
        let words = id.split(separator: "_", omittingEmptySubsequences: false)
        guard words.count == 3 else { return false }
        return self.table.issuer(of: "resp_\(words[1])") == self.table.gateway
    }
}

extension DialectID {
    /// The dialects in whose words the same providers give out state: Claude's signatures come from Converse too.
    fileprivate var stateForm: DialectID { self == .bedrockConverse ? .anthropicMessages : self }
}
