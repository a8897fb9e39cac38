package import NIOCore
package import NeedletailCore
import NeedletailProviders

/// Reads bodies as the API listener does that came on a path.
package enum SurfaceReader {
    /// The request that a client would have made.
    ///
    /// - Parameter path: One of the API listener's, with its query; a model in it is percent-encoded.
    /// - Throws: `.notFound` for a path that takes no JSON request for a model, and what the listener throws for the body.
    package static func read(_ body: ByteBuffer, path: String) throws(NeedletailError) -> InferenceRequest {
        let parts = path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard case .inference(let route) = Route(path: parts[0], query: parts.count > 1 ? parts[1] : "") else {
            throw NeedletailError(
                .notFound, "There is no surface '\(path.prefix(200))' that takes a request for a model.")
        }
        return try RequestPeek.read(
            body, dialect: route.dialect, operation: route.operation, model: route.model,
            isStreaming: route.isStreaming)
    }
}
