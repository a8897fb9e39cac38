import NIOCore
import NeedletailCore

/// A provider as an issuer and reader of state.
struct StateIssuer: Sendable {
    let table: IssuedStateTable
    private let account: StateRealm
    private let families: [(mark: String, realm: StateRealm)]

    /// - Parameter account: What names the account at the provider; those of one name read each other's state.
    init(_ table: IssuedStateTable, _ spec: ProviderSpec, account: String) {
        self.table = table
        let families = spec.stateFamilies.map { ($0.mark, table.join("family \($0.name)")) }
        self.families = families
        // Where all models are of a family nothing is issued outside of it.
        self.account = families.last.flatMap { $0.0.isEmpty ? $0.1 : nil } ?? table.join("account \(account)")
    }

    /// Who reads what `model` issues.
    func realm(of model: String) -> StateRealm {
        self.families.first { $0.mark.isEmpty || model.contains($0.mark) }?.realm ?? self.account
    }

    /// What may be sent to `model` of what a client of a dialect brings.
    func filter(for model: String, client: DialectID?, upstream: DialectID) -> StateFilter {
        let realm = self.realm(of: model)
        let isFamily = self.families.contains { $0.realm == realm }
        return StateFilter(self.table, realm, signsAll: isFamily, client: client, upstream: upstream)
    }

    /// Where replies of `model` in a dialect are noted.
    func recorder(for model: String, upstream: DialectID, client: DialectID) -> StateRecorder {
        StateRecorder(self.table, self.realm(of: model), upstream: upstream, client: client)
    }
}

/// Notes what a reply holds.
struct StateRecorder: Sendable {
    private let table: IssuedStateTable
    private let realm: StateRealm
    private let carrier: (any StateCarryingDialect.Type)?
    /// Whether the ids of calls are noted: Google's models demand a signature beside a call, and others give none.
    private let notesCalls: Bool

    init(_ table: IssuedStateTable, _ realm: StateRealm, upstream: DialectID, client: DialectID) {
        self.table = table
        self.realm = realm
        self.carrier = upstream.stateCarrier
        self.notesCalls = client == .gemini && upstream != .gemini
    }

    private func note(_ state: String) { self.table.note(state, issuedBy: self.realm) }

    /// Notes the id of a response that the gateway writes itself, of which it makes the ids of items.
    func noteOwn(_ id: String) { self.table.note(id, issuedBy: self.table.gateway) }

    /// Notes what a step of a translated stream holds.
    func note(_ event: borrowing ChatEvent) {
        switch event {
        case .reasoningSignature(let state, _), .redactedReasoning(let state, _): self.note(state)
        case .toolCallStarted(_, let id, _, _, _): if self.notesCalls { self.note(id) }
        default: break
        }
    }

    /// Notes what a translated reply holds.
    func note(_ reply: ChatResponse) {
        for choice in reply.choices {
            for part in choice.content {
                switch part {
                case .reasoning(let part): if let signature = part.signature { self.note(signature) }
                case .redactedReasoning(let state): self.note(state)
                case .toolCall(let call): if self.notesCalls { self.note(call.id) }
                default: break
                }
            }
        }
    }

    /// Notes what an event of a stream holds that is passed through.
    ///
    /// - Parameter decoded: The event, if somebody has decoded it already.
    func note(passing event: ByteBuffer, decoded: JSONView?) {
        guard let carrier = self.carrier, let root = decoded ?? (try? JSONDocument(event).root) else { return }
        carrier.readState(inEvent: root) { self.note($0) }
    }

    /// Checks a whole reply that is passed through, and notes what it holds.
    func inspect(_ reply: ByteBuffer, _ dialect: DialectID) throws(NeedletailError) -> Usage? {
        guard let carrier = self.carrier else { return try dialect.dialect.inspectReply(reply) }
        return try carrier.inspectReply(reply) { self.note($0) }
    }
}
