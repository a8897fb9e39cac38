import NeedletailCore

extension ChatRequest {
    /// Refuses tools of another dialect's provider that the request is about: alone, or demanded by the choice.
    ///
    /// Beside other tools they can be missed; the encoders leave them out and report so.
    func checkProviderTools(for dialect: DialectID) throws(NeedletailError) {
        guard self.toolChoice != ToolChoice.none else { return }
        var foreign: [String] = []
        var kept: Set<String> = []
        for tool in self.tools {
            if tool.isForeign(to: dialect) { foreign.append(tool.name) } else { kept.insert(tool.name) }
        }
        guard !foreign.isEmpty else { return }
        let chosen: [String]
        switch self.toolChoice {
        case .tool(let name): chosen = [name]
        case .allowed(let names, _): chosen = names
        case .auto, .required, .some(.none), nil: chosen = []
        }
        if !chosen.isEmpty, chosen.allSatisfy({ foreign.contains($0) && !kept.contains($0) }) {
            throw self.refusal(.toolChoice, "Only a provider that has the tool can be told to use", chosen)
        }
        if kept.isEmpty { throw self.refusal(.tool, "Only a provider that has the tool can run", foreign) }
    }

    private func refusal(_ field: ModelField, _ reason: String, _ tools: [String]) -> NeedletailError {
        let name = field.name(in: self.source)
        let list = tools.map { "'\($0)'" }.joined(separator: ", ")
        return NeedletailError(.unsupported, "\(name): \(reason) \(list).", parameter: name)
    }
}

extension Tool {
    /// Whether it is a tool of a provider that is asked in another dialect.
    fileprivate func isForeign(to dialect: DialectID) -> Bool {
        guard case .provider(_, _, let own) = self.kind else { return false }
        return own != dialect && !(own.isOllama && dialect.isOllama)
    }
}
