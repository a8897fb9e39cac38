public import NeedletailCore

/// Puts layers around a provider. The first layer added is the outermost.
public struct ProviderStackBuilder: Sendable {
    let base: any Provider
    private var layers: [@Sendable (any Provider) -> any Provider] = []

    /// Starts with what is to be wrapped.
    public init(_ base: any Provider) {
        self.base = base
    }

    /// Adds any layer.
    public func with(_ layer: @escaping @Sendable (any Provider) -> any Provider) -> Self {
        var copy = self
        copy.layers.append(layer)
        return copy
    }

    /// Adds one deadline for all attempts.
    public func withDeadline(_ limit: Duration, time: TimeSource = .live) -> Self {
        self.with { DeadlineLayer($0, limit: limit, time: time) }
    }

    /// Adds observers of every request. Attempts are told where ``AttemptObservationLayer`` stands around the targets.
    public func withObservation(_ observation: Observation, time: TimeSource = .live) -> Self {
        self.with { ObservationLayer($0, observation, time: time) }
    }

    /// The wrapped provider.
    public func build() -> any Provider {
        self.layers.reversed().reduce(self.base) { $1($0) }
    }
}
