import NeedletailCore

/// What gets lost on the way from one dialect to another, named in the words of the one that it comes from.
struct LossReport {
    /// The dialect that the request or reply was read from.
    let source: DialectID?
    private(set) var losses: [Loss] = []

    init(_ source: DialectID?) {
        self.source = source
    }

    /// Notes a field of the model.
    mutating func lose(_ field: ModelField, _ reason: String) {
        self.losses.add(field.name(in: self.source), reason)
    }

    /// Notes a field by its name, for places that the model has no name for.
    mutating func lose(named name: String, _ reason: String) {
        self.losses.add(name, reason)
    }

    /// Notes a field that the client's dialect has no place for, unless the model holds what it says.
    mutating func lose(_ field: Extension, _ reason: String) { self.losses.add(field, reason) }

    /// Notes the provider's counters that have no place in the model.
    mutating func loseCounters(of usage: Usage?) { self.losses.addCounters(of: usage, self.source) }

    /// Notes those of `fields` that the request sets.
    mutating func loseSaid(_ fields: [ModelField], of request: ChatRequest, _ reason: String) {
        for field in fields where request.says(field) { self.lose(field, reason) }
    }

    /// Notes those of `fields` that the reply holds.
    mutating func loseSaid(_ fields: Set<ModelField>, of reply: ChatResponse, _ reason: String) {
        for field in ModelField.allCases where fields.contains(field) && reply.says(field) { self.lose(field, reason) }
    }

    /// The refusal of a field whose loss would change what was asked.
    func refusal(_ field: ModelField, _ reason: String) -> NeedletailError {
        let name = field.name(in: self.source)
        return NeedletailError(.unsupported, "\(name): \(reason)", parameter: name)
    }
}
