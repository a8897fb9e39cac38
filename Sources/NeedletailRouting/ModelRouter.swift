public import NeedletailCore

/// The bottom of the shared stack: finds where a model's name leads and passes the request on.
public struct ModelRouter: Provider {
    /// The name.
    public let id: ProviderID = "models"
    private let directory: ModelDirectory

    /// Creates a router over a directory.
    public init(_ directory: ModelDirectory) {
        self.directory = directory
    }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        // A response that its provider keeps is asked for there; the name is its id and leads nowhere.
        if request.operation.isAboutResponse, let pin = request.pin {
            return try await self.directory.provider(pin).respond(to: request, context: context)
        }
        let destination = try self.directory.destination(
            of: request.model, allowed: context.request.allowedModels)
        var request = request
        request.model = destination.model
        return try await destination.provider.respond(to: request, context: context)
    }
}
