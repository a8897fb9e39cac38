import HTTPTypes
import NeedletailCore

/// Which of an upstream's headers a client gets to see: what it can act on, and nothing that describes our connection.
enum UpstreamHeaders {
    static func visible(_ headers: HTTPFields) -> HTTPFields {
        var visible = HTTPFields()
        for field in headers {
            let name = field.name.canonicalName
            // Most headers are none of these, and told so by their first letter.
            switch name.utf8.first {
            case UInt8(ascii: "x"), UInt8(ascii: "r"), UInt8(ascii: "o"), UInt8(ascii: "a"): break
            default: continue
            }
            switch name {
            case "x-request-id", "request-id", "x-amzn-requestid":
                visible[.xUpstreamRequestID] = field.value
            case "openai-processing-ms", "openai-version":
                visible.append(field)
            default:
                guard name.utf8.count > 12, name.hasPrefix("x-ratelimit-") || name.hasPrefix("anthropic-ratelimit-")
                else { continue }
                visible.append(field)
            }
        }
        return visible
    }
}
