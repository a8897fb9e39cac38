import HTTPTypes
import NIOHTTP1

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
            if value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 }) { self.hasControlCharacter = true }
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
        guard self.utf8.count == lower.utf8CodeUnitCount else { return false }
        var index = 0
        for unit in self.utf8 {
            let folded = unit >= 0x41 && unit <= 0x5A ? unit | 0x20 : unit
            guard unsafe folded == lower.utf8Start[index] else { return false }
            index += 1
        }
        return true
    }

    /// Whether it names `field`, letters in any case.
    func isName(of field: HTTPField.Name) -> Bool {
        let lower = field.canonicalName
        guard self.utf8.count == lower.utf8.count else { return false }
        return zip(self.utf8, lower.utf8).allSatisfy { unit, wanted in
            (unit >= 0x41 && unit <= 0x5A ? unit | 0x20 : unit) == wanted
        }
    }
}
