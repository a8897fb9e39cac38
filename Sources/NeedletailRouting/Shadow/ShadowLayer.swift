public import NeedletailCore

/// Sends copies of a group's requests to another target. See ``ShadowTraffic``.
///
/// Must be around the whole group: a request is copied once, whatever attempts it takes.
public struct ShadowLayer: Provider {
    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    let next: any Provider
    private let shadow: ShadowTraffic

    /// Wraps `next`.
    public init(_ next: any Provider, shadow: ShadowTraffic) {
        self.next = next
        self.shadow = shadow
    }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        try await self.shadow.respond(to: request, context: context, through: self.next)
    }
}
