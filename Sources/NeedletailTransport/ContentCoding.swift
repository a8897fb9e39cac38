import HTTPTypes
import NeedletailCore

/// The check for compressed bodies: we ask for `identity`, and read nothing else.
enum ContentCoding {
    /// The first coding other than `identity`.
    static func unasked(in headers: HTTPFields) -> String? {
        guard let value = headers[.contentEncoding] else { return nil }
        for token in value.split(separator: ",") {
            let coding = token.filter { $0 != " " && $0 != "\t" }.lowercased()
            if !coding.isEmpty, coding != "identity" { return coding }
        }
        return nil
    }

    /// The error for a body in such a coding.
    static func error(_ coding: String) -> NeedletailError {
        NeedletailError(
            .malformedReply,
            "The provider sent a compressed body that was not asked for (content-encoding: \(coding.prefix(32))).",
            mayHaveBeenProcessed: true
        )
    }
}
