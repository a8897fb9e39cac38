public import NeedletailCore

/// What happens in a simulation.
public enum SimulationEvent: Sendable {
    /// How a call or a request ended.
    public enum End: Sendable {
        /// With the whole answer.
        case finished
        /// With an error before the commit.
        case failed(NeedletailError)
        /// With an error after the commit.
        case broken(NeedletailError)
        /// Nobody wanted the rest.
        case abandoned

        /// A word for it, stable across versions of the compiler.
        public var name: String {
            switch self {
            case .finished: "finished"
            case .failed(let error): "failed \(error.code)"
            case .broken(let error): "broken \(error.code)"
            case .abandoned: "abandoned"
            }
        }
    }

    /// A client asks; `tokens` is what a whole answer takes.
    case requestBegan(id: String, model: String, tokens: Usage, deadline: Instant?)
    /// A client was answered, told off, or has gone; `firstByte` is when the answer began.
    case requestEnded(id: String, End, attempts: Int, provider: ProviderID?, firstByte: Instant?)
    /// A provider was called.
    case callBegan(ProviderID, request: String, call: Int)
    /// A call's answer has begun, or is whole.
    case callCommitted(ProviderID, request: String, call: Int)
    /// A call is over for the provider, which bills the tokens that it has read and sent.
    case callEnded(ProviderID, request: String, call: Int, End, billed: Usage)

    /// Adds it to a trace.
    func add(to trace: inout SimulationTrace, at now: Instant) {
        trace.add(now.nanoseconds)
        switch self {
        case .requestBegan(let id, let model, let tokens, let deadline):
            trace.add(id)
            trace.add(model)
            trace.add(Int64(tokens.totalTokens))
            trace.add(deadline?.nanoseconds ?? -1)
        case .requestEnded(let id, let end, let attempts, let provider, _):
            trace.add(id)
            trace.add(end.name)
            trace.add(Int64(attempts))
            trace.add(provider?.rawValue ?? "")
        case .callBegan(let provider, let request, let call), .callCommitted(let provider, let request, let call):
            trace.add(provider.rawValue)
            trace.add(request)
            trace.add(Int64(call))
        case .callEnded(let provider, let request, let call, let end, let billed):
            trace.add(provider.rawValue)
            trace.add(request)
            trace.add(Int64(call))
            trace.add(end.name)
            trace.add(Int64(billed.totalTokens))
        }
    }
}

/// Gets the events of a simulation in their order.
public protocol SimulationObserver: Sendable {
    /// Takes note of an event. Called on the simulation's thread.
    func record(_ event: SimulationEvent, at now: Instant)
}
