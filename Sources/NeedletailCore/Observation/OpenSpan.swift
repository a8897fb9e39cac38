package import HTTPTypes

/// A span that somebody else keeps from its beginning to its end. What is told of it is what a record says, so that it
/// reads as the spans do that are written from records. Objects only: what may have a span is copied often, and mostly has
/// none.
package protocol OpenSpan: AnyObject, Sendable {
    /// Its identity; `nil` where its keeper has another than [W3C Trace Context](https://www.w3.org/TR/trace-context/).
    var trace: TraceContext? { get }
    /// What an upstream is told of it.
    var fields: HTTPFields { get }

    /// Begins the span of a call below it.
    func call(_ operation: Operation, model: String) -> any OpenSpan
    /// Runs `body` so that whatever spans it begins are below this one.
    func run(
        _ body: () async throws(NeedletailError) -> InferenceReply
    ) async throws(NeedletailError) -> InferenceReply
    /// Ends it; called once.
    func end(_ record: RequestRecord)
    /// Ends it; called once.
    func end(_ record: AttemptRecord)
}
