import Logging
public import NeedletailCore

/// Refuses requests that hold what a ``DenyList`` names.
///
/// Must be outside the cache and everything that spends; the client is told the list's name and never what was found.
public struct DenyLayer: Provider {
    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    private let lists: [DenyList]
    private let counts: GuardCounts

    /// Wraps `next`.
    public init(_ next: any Provider, lists: [DenyList], counts: GuardCounts = GuardCounts()) {
        self.next = next
        self.lists = lists
        self.counts = counts
    }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    ///
    /// - Throws: `.invalidRequest` for what a list refuses.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let lists = self.lists.filter { $0.scope.holds(for: request, context.request) }
        if !lists.isEmpty { try self.check(request, lists, context) }
        return try await self.next.respond(to: request, context: context)
    }

    private func check(
        _ request: InferenceRequest, _ lists: [DenyList], _ context: RequestContext
    ) throws(NeedletailError) {
        var visitor = Visitor(lists: lists)
        var looked = request
        try looked.visitTexts(&visitor)
        for list in lists where visitor.found.contains(list.name) {
            self.counts.count("deny", list.name, list.action == .refuse ? "refused" : "logged")
            context.logger.notice(
                "A request holds what a deny list names.",
                metadata: [
                    "needletail.request_id": "\(context.id)", "needletail.deny_list": "\(list.name)",
                    "needletail.action": "\(list.action.rawValue)",
                ])
            guard list.action == .log else {
                throw NeedletailError(
                    .invalidRequest, "The request holds content that the rule '\(list.name)' does not allow.")
            }
        }
    }

    /// Notes which lists a request meets.
    private struct Visitor: TextVisitor {
        let lists: [DenyList]
        var found: Set<String> = []

        mutating func visit(_ text: Span<UInt8>, at place: TextPlace) throws(NeedletailError) -> [TextEdit] {
            for list in self.lists where !self.found.contains(list.name) && list.matches(text) {
                self.found.insert(list.name)
            }
            return []
        }
    }
}
