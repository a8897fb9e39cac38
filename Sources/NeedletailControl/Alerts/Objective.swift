/// What a group's or tenant's requests are promised.
public struct Objective: Sendable, Hashable {
    /// The name.
    public var name: String
    /// Whose requests: a group's, a tenant's, or all.
    public var scope: AlertScope
    /// The share of requests that do not fail by the gateway's or a provider's fault, 0 to 1; `nil` for no promise.
    public var availability: Double?
    /// What 95 % of the streams need at most to their first event; `nil` for no promise.
    public var firstToken: Duration?
    /// Over which time. Default 30 days.
    public var window: Duration = .seconds(30 * 86_400)

    /// Creates an objective.
    public init(name: String, scope: AlertScope) {
        self.name = name
        self.scope = scope
    }

    /// The share of streams for which ``firstToken`` holds.
    static let firstTokenShare = 0.95

    /// What is promised, one by one.
    enum Promise: String, Sendable, Hashable, CaseIterable {
        case availability
        case firstToken = "ttft_p95"
    }

    /// The share that must be good; `nil` where that is not promised.
    func target(_ promise: Promise) -> Double? {
        switch promise {
        case .availability: self.availability
        case .firstToken: self.firstToken == nil ? nil : Self.firstTokenShare
        }
    }
}
