public import NeedletailCore

/// The bottom of the shared stack: finds where rules or the model's name lead and passes the request on.
public struct ModelRouter: Provider {
    /// The name.
    public let id: ProviderID = "models"
    let directory: ModelDirectory
    let rules: RoutingRules?
    private let time: TimeSource

    /// Creates a router over a directory.
    ///
    /// - Parameters:
    ///   - rules: What stands before the directory; `nil` for nothing.
    ///   - time: For what experiments measure.
    public init(_ directory: ModelDirectory, rules: RoutingRules? = nil, time: TimeSource) {
        self.directory = directory
        self.rules = rules.flatMap { $0.isEmpty ? nil : $0 }
        self.time = time
    }

    /// Closes all that its directory leads to; see ``Provider/close()``.
    public func close() async { await self.directory.close() }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        // A response that its provider keeps is asked for there; the name is its id and leads nowhere.
        if request.operation.isAboutResponse, let pin = request.pin {
            return try await self.directory.provider(pin).respond(to: request, context: context)
        }
        if context.request.isExplained {
            return try await self.pass(request, self.explained(request, context), by: self.rules)
        }
        if let rules = self.rules { return try await self.pass(request, context, by: rules) }
        let destination = try self.directory.destination(of: request.model, allowed: context.request.allowedModels)
        return try await destination.provider.respond(to: Self.asking(destination, request), context: context)
    }

    /// Notes what will be decided, and sees to it that it is.
    @inline(never)
    private func explained(_ request: InferenceRequest, _ context: RequestContext) -> RequestContext {
        var context = context
        context.draw = StableHash.of(context.id)
        context.request.decide(self.explain(request, context: context))
        return context
    }

    /// Never inlined: a decision is large, and a request that none is made for would keep room for it.
    @inline(never)
    private func pass(
        _ request: InferenceRequest, _ context: RequestContext, by rules: RoutingRules?
    ) async throws(NeedletailError) -> InferenceReply {
        let allowed = context.request.allowedModels
        switch rules?.decide(request, context.request) ?? .none {
        case .none:
            let destination = try self.directory.destination(of: request.model, allowed: allowed)
            return try await destination.provider.respond(to: Self.asking(destination, request), context: context)
        case .rule(let rule):
            let destination = try self.directory.destination(
                to: rule.destination.place, asked: request.model, allowed: allowed)
            let request = Self.asking(destination, request)
            guard let shadow = rule.shadow else {
                return try await destination.provider.respond(to: request, context: context)
            }
            return try await shadow.respond(to: request, context: context, through: destination.provider)
        case .experiment(let arm):
            let destination = try self.directory.destination(
                to: arm.destination.place, asked: request.model, allowed: allowed)
            return try await arm.respond(
                to: Self.asking(destination, request), context: context, through: destination.provider,
                time: self.time)
        }
    }

    static func asking(
        _ destination: ModelDirectory.Destination, _ request: InferenceRequest
    ) -> InferenceRequest {
        var request = request
        request.model = destination.model
        return request
    }
}
