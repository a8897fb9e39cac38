import HTTPTypes
import NIOHTTP1
import NeedletailCore

/// What the edge must know of a request's headers, read in one pass over them.
struct RequestFacts {
    private(set) var hosts = 0
    private(set) var contentLength: Int?
    private(set) var isChunked = false
    private(set) var expectsContinue = false
    private(set) var isUpgrade = false
    private(set) var origin: String?
    private var hasControlCharacter = false
    private var hasStrangeCoding = false
    private var hasStrangeLength = false
    private var saysClose = false
    private var saysKeepAlive = false

    init() {}

    /// Reads a head that another parser has read.
    init(_ head: HTTPRequestHead) {
        for (name, value) in head.headers { self.note(name, value, hasControl: FieldText.hasControl(value)) }
        self.note(head.method)
    }

    /// Takes note of a header.
    mutating func note(_ name: String, _ value: String, hasControl: Bool) {
        if hasControl { self.hasControlCharacter = true }
        switch name.utf8.count {
        case 4 where name.equalsIgnoringCase("host"): self.hosts += 1
        case 6 where name.equalsIgnoringCase("expect"): self.expectsContinue = value.equalsIgnoringCase("100-continue")
        case 6 where name.equalsIgnoringCase("origin"): self.origin = value
        case 7 where name.equalsIgnoringCase("upgrade"): self.isUpgrade = true
        case 10 where name.equalsIgnoringCase("connection"): self.noteConnection(value)
        case 14 where name.equalsIgnoringCase("content-length"):
            let isNumber = !value.isEmpty && value.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
            let length = isNumber ? Int(value) : nil
            if self.contentLength != nil || length == nil { self.hasStrangeLength = true }
            self.contentLength = length
        case 17 where name.equalsIgnoringCase("transfer-encoding"):
            // Only this one coding is taken, once: what a proxy before us reads differently is a smuggled request.
            self.hasStrangeCoding = self.isChunked || !value.equalsIgnoringCase("chunked")
            self.isChunked = true
        default: break
        }
    }

    /// Takes note of the method.
    mutating func note(_ method: HTTPMethod) {
        if method == .CONNECT { self.isUpgrade = true }
    }

    private mutating func noteConnection(_ value: String) {
        for token in value.split(separator: ",") {
            switch token.filter({ $0 != " " && $0 != "\t" }).lowercased() {
            case "close": self.saysClose = true
            case "keep-alive": self.saysKeepAlive = true
            default: break
            }
        }
    }

    /// Whether a body follows the headers.
    var hasBody: Bool { self.isChunked || (self.contentLength ?? 0) > 0 }

    /// Whether it is certain where the body ends.
    var isFramed: Bool {
        !self.hasStrangeCoding && !self.hasStrangeLength && !(self.isChunked && self.contentLength != nil)
    }

    /// Whether the client wants the connection kept open (RFC 9112, section 9.3).
    func keepsAlive(_ version: HTTPVersion) -> Bool {
        version == .http1_0 ? self.saysKeepAlive && !self.saysClose : !self.saysClose
    }

    /// What makes well-formed headers unacceptable.
    func fault(in head: HTTPRequestHead) -> String? {
        if self.hasControlCharacter { return "A header holds a control character." }
        if self.hasStrangeCoding { return "The only transfer-encoding is chunked." }
        if self.hasStrangeLength { return "A request has one content-length, in digits." }
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

    /// Whether it begins with an ASCII text in lower case, letters in any case.
    func beginsIgnoringCase(_ lower: StaticString) -> Bool {
        FieldText.begins(self, lower)
    }

    /// Whether it names `field`, letters in any case.
    func isName(of field: HTTPField.Name) -> Bool {
        FieldText.equals(self, lower: field.canonicalName)
    }
}
