public import NeedletailCore

/// Plays a script to some of the requests of a real upstream, which does not see them; the others are sent on: how the
/// gateway and the applications behind it are tried out in staging.
///
/// A rule decides by what it matches, for example `probability: 0.05` or `every: 20`. What it says nothing about comes
/// from the mock's usual answer in the dialect that was asked in.
public struct FaultTransport: HTTPTransport {
    private let next: any HTTPTransport
    private let script: MockTransport

    /// Wraps `next`.
    ///
    /// - Parameter engine: Decides by its script; counts what it served.
    public init(_ next: any HTTPTransport, engine: MockEngine, time: TimeSource) {
        self.next = next
        self.script = MockTransport(engine: engine, time: time)
    }

    /// Sends a request that no rule matches.
    public func send(_ request: TransportRequest) async throws(NeedletailError) -> TransportResponse {
        if let response = try await self.script.sendScripted(request) { return response }
        return try await self.next.send(request)
    }
}
