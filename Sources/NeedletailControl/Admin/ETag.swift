import Crypto
import NIOCore

/// The version of a thing that can be changed: a hash of how it is defined, not of how it does.
struct ETag: Sendable, Hashable, CustomStringConvertible {
    /// 64 bits of SHA-256 in hexadecimal.
    let value: String

    /// The version of what these bytes say.
    init(of bytes: ByteBuffer) {
        self.value = Self.hash(bytes.readableBytesView)
    }

    /// The version of what this text says.
    init(of text: String) {
        self.value = Self.hash(Array(text.utf8))
    }

    private static func hash(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef")
        var hash = SHA256()
        hash.update(data: Array(bytes))
        return String(hash.finalize().prefix(8).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    /// As in the header: a strong tag (RFC 9110, section 8.8.3).
    var description: String { "\"\(self.value)\"" }
}

/// `if-match` of a change (RFC 9110, section 13.1.1).
enum ETagCondition: Sendable, Hashable {
    /// The change holds whatever is there.
    case none
    /// It holds for what is there, whatever its version.
    case any
    /// It holds for one of these versions.
    case versions([String])

    /// Reads the header's value; weak tags never match.
    init(_ header: String?) {
        guard let header else {
            self = .none
            return
        }
        let tags = header.split(separator: ",").map { $0.trimming(" \t") }
        self = tags == ["*"] ? .any : .versions(tags)
    }

    /// Throws 412 unless it holds for `current`, `nil` for a thing that is not there.
    func require(_ what: String, _ current: ETag?) throws(AdminError) {
        switch self {
        case .none: return
        case .any: if current != nil { return }
        case .versions(let tags): if let current, tags.contains(current.description) { return }
        }
        throw .changed(what, now: current)
    }
}

extension Substring {
    fileprivate func trimming(_ characters: String) -> String {
        var text = self
        while let first = text.first, characters.contains(first) { text.removeFirst() }
        while let last = text.last, characters.contains(last) { text.removeLast() }
        return String(text)
    }
}
