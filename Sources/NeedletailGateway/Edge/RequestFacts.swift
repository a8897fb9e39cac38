import HTTPTypes
import NIOHTTP1
import NeedletailCore

/// What the edge must know of a request's headers, read in one pass over them.
struct RequestFacts {
    var hosts = 0
    var contentLength: Int?
    var isChunked = false
    var expectsContinue = false
    var isUpgrade = false
    var origin: String?
    var hasControlCharacter = false
    var hasStrangeCoding = false

    init(_ head: HTTPRequestHead) {
        for (name, value) in head.headers {
            switch name.utf8.count {
            case 4 where name.equalsIgnoringCase("host"): self.hosts += 1
            case 6 where name.equalsIgnoringCase("expect"):
                self.expectsContinue = value.equalsIgnoringCase("100-continue")
            case 6 where name.equalsIgnoringCase("origin"): self.origin = value
            case 7 where name.equalsIgnoringCase("upgrade"): self.isUpgrade = true
            case 14 where name.equalsIgnoringCase("content-length"): self.contentLength = Int(value)
            case 17 where name.equalsIgnoringCase("transfer-encoding"):
                // Only this one coding is taken, once: what a proxy before us reads differently is a smuggled request.
                self.hasStrangeCoding = self.isChunked || !value.equalsIgnoringCase("chunked")
                self.isChunked = true
            default: break
            }
            // The parser joins folded lines; RFC 9112, section 5.2, lets a server refuse them.
            if FieldText.hasControl(value) { self.hasControlCharacter = true }
        }
        if head.method == .CONNECT { self.isUpgrade = true }
    }

    /// Whether a body follows the headers.
    var hasBody: Bool { self.isChunked || (self.contentLength ?? 0) > 0 }

    /// What makes the headers unacceptable, where the parser let it pass.
    func fault(in head: HTTPRequestHead) -> String? {
        if self.hasControlCharacter { return "A header holds a control character." }
        if self.hasStrangeCoding { return "The only transfer-encoding is chunked." }
        if self.isChunked, self.contentLength != nil { return "A request has content-length or transfer-encoding." }
        if head.version != .http1_0, self.hosts != 1 { return "A request must have one host header." }
        if head.version == .http1_0, self.isChunked { return "HTTP/1.0 has no transfer-encoding." }
        return nil
    }
}

extension String {
    /// Compares with an ASCII text in lower case, letters in any case.
    func equalsIgnoringCase(_ lower: StaticString) -> Bool {
        FieldText.equals(self, lower)
    }

    /// Whether it names `field`, letters in any case.
    func isName(of field: HTTPField.Name) -> Bool {
        FieldText.equals(self, lower: field.canonicalName)
    }
}
