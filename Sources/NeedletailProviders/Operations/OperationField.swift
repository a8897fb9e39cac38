import NIOCore
import NeedletailCore

/// Reads the fields of requests that are no conversations; each fault names its field.
enum OperationField {
    /// The object that a body must be.
    static func root(_ body: ByteBuffer) throws(NeedletailError) -> JSONView {
        do throws(JSONError) {
            let root = try JSONDocument(body).root
            if root.kind == .object { return root }
        } catch {
            throw NeedletailError(.invalidRequest, "The body is not valid JSON: \(error).")
        }
        throw NeedletailError(.invalidRequest, "The body must be a JSON object.")
    }

    /// The object that a reply must be.
    static func reply(_ body: ByteBuffer) throws(NeedletailError) -> JSONView {
        do throws(JSONError) {
            let root = try JSONDocument(body).root
            if root.kind == .object || root.kind == .array { return root }
        } catch {
            throw NeedletailError(.malformedReply, "The provider's reply is not JSON.", cause: error)
        }
        throw NeedletailError(.malformedReply, "The provider's reply is no JSON object.")
    }

    static func string(_ view: JSONView, _ name: String) throws(NeedletailError) -> String {
        guard let text = view.string else { throw Self.invalid(name, "must be a string") }
        return text
    }

    static func positive(_ view: JSONView, _ name: String) throws(NeedletailError) -> Int {
        guard let number = view.int, number > 0 else { throw Self.invalid(name, "must be a positive whole number") }
        return number
    }

    static func missing(_ name: String) -> NeedletailError {
        NeedletailError(.invalidRequest, "\(name): Field required", parameter: name)
    }

    static func invalid(_ name: String, _ what: String) -> NeedletailError {
        NeedletailError(.invalidRequest, "\(name): \(what).", parameter: name)
    }
}
