public import NeedletailCore

extension ModelRouter {
    /// Says what would become of a request now. Nothing changes by it and nobody is called.
    ///
    /// - Parameter context: The deadline, and who asks. With the same ``RequestContext/draw`` what is said is what is done.
    public func explain(_ request: InferenceRequest, context: RequestContext) -> RequestExplanation {
        let info = context.request
        var explanation = RequestExplanation(
            model: request.model, operation: request.operation, isStreaming: request.isStreaming,
            features: request.features, inputTokens: request.estimatedInputTokens,
            maximumOutputTokens: request.maxOutputTokens, key: info.keyName, tenant: info.tenant,
            verdicts: self.rules?.explain(request, info) ?? [])
        do throws(NeedletailError) {
            let destination: ModelDirectory.Destination
            if let decider = explanation.decider {
                explanation.destination = decider.destination.description
                destination = try self.directory.destination(
                    to: decider.destination.place, asked: request.model, allowed: info.allowedModels)
            } else {
                destination = try self.directory.destination(of: request.model, allowed: info.allowedModels)
                explanation.destination = destination.provider.id.rawValue
            }
            explanation.routing = (destination.provider as? any ExplainingProvider)?
                .explanation(of: Self.asking(destination, request), context: context)
            explanation.failure = explanation.routing?.failure
        } catch {
            explanation.failure = error
        }
        return explanation
    }
}
