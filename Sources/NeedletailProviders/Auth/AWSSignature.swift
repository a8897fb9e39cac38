import Crypto
import NIOCore
import NeedletailCore

/// Amazon's Signature Version 4: pure functions from a request and a key to the `authorization` header.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
struct AWSSignature {
    /// The name of the algorithm, which begins the header.
    static let algorithm = "AWS4-HMAC-SHA256"

    /// The region of the service.
    let region: String
    /// The service's name for signing.
    let service: String

    /// The day, region and service that a key is good for.
    func scope(_ date: AWSDate) -> String { "\(date.day)/\(self.region)/\(self.service)/aws4_request" }

    /// The key for one day, region and service.
    func signingKey(_ secret: String, day: String) -> [UInt8] {
        let words = [day, self.region, self.service, "aws4_request"]
        return words.reduce(Array("AWS4\(secret)".utf8)) { Self.mac(Array($1.utf8), key: $0) }
    }

    /// The request in the form that both sides compute.
    ///
    /// - Parameters:
    ///   - path: As it is sent, with what is percent-encoded in it: it is encoded once more.
    ///   - headers: Those to sign, names in lower case; of two with one name the order counts.
    ///   - payloadHash: ``hash(_:)`` of the body.
    static func canonicalRequest(
        method: String, path: String, headers: [(name: String, value: String)], payloadHash: String
    ) -> (text: String, signedHeaders: String) {
        let parts = path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var joined: [(name: String, value: String)] = []
        for header in headers {
            let value = Self.trimmed(header.value)
            if let index = joined.firstIndex(where: { $0.name == header.name }) {
                joined[index].value += "," + value
            } else {
                joined.append((header.name, value))
            }
        }
        joined.sort { $0.name < $1.name }
        let signed = joined.map(\.name).joined(separator: ";")
        var text = "\(method)\n\(Self.canonicalPath(parts[0]))\n"
        text += Self.canonicalQuery(parts.count > 1 ? parts[1] : "") + "\n"
        for header in joined { text += "\(header.name):\(header.value)\n" }
        text += "\n\(signed)\n\(payloadHash)"
        return (text, signed)
    }

    /// What is signed.
    func stringToSign(_ canonicalRequest: String, _ date: AWSDate) -> String {
        var hasher = SHA256()
        hasher.update(data: Array(canonicalRequest.utf8))
        return "\(Self.algorithm)\n\(date.time)\n\(self.scope(date))\n\(Self.hex(hasher.finalize()))"
    }

    /// The signature in hexadecimal digits.
    static func sign(_ text: String, key: [UInt8]) -> String { Self.hex(Self.mac(Array(text.utf8), key: key)) }

    /// The hash of a body in hexadecimal digits.
    static func hash(_ body: ByteBuffer) -> String {
        var hasher = SHA256()
        unsafe body.withUnsafeReadableBytes { unsafe hasher.update(bufferPointer: $0) }
        return Self.hex(hasher.finalize())
    }

    private static func mac(_ bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: bytes, using: SymmetricKey(data: key)))
    }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var out: [UInt8] = []
        for byte in bytes {
            out.append(digits[Int(byte >> 4)])
            out.append(digits[Int(byte & 15)])
        }
        return String(decoding: out, as: UTF8.self)
    }

    // MARK: Canonical forms

    /// The path without empty and dot segments, every other byte than the unreserved encoded: what was encoded for the
    /// way is encoded twice, as all services but S3 have it.
    private static func canonicalPath(_ path: Substring) -> String {
        var segments: [Substring] = []
        for segment in path.split(separator: "/") {
            switch segment {
            case ".": continue
            case "..": _ = segments.popLast()
            default: segments.append(segment)
            }
        }
        guard !segments.isEmpty else { return "/" }
        let encoded = segments.reduce(into: "") { $0 += "/" + PathTemplate.encoded(String($1)) }
        return path.last == "/" || path.hasSuffix("/.") || path.hasSuffix("/..") ? encoded + "/" : encoded
    }

    /// The members of a query in order, encoded as they are sent.
    private static func canonicalQuery(_ query: Substring) -> String {
        let members = query.split(separator: "&").map { member in
            let parts = member.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (Self.encodedOnce(parts[0]), parts.count > 1 ? Self.encodedOnce(parts[1]) : "")
        }
        return members.sorted { $0 < $1 }.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    private static func encodedOnce(_ text: Substring) -> String {
        text.split(separator: "%", omittingEmptySubsequences: false).map { PathTemplate.encoded(String($0)) }
            .joined(separator: "%")
    }

    /// A value without white space around it, and single spaces in it.
    private static func trimmed(_ value: String) -> String {
        value.split(whereSeparator: { $0 == " " || $0 == "\t" || $0.isNewline }).joined(separator: " ")
    }
}

/// A moment as signatures spell it.
struct AWSDate: Equatable {
    /// `20150830`.
    let day: String
    /// `20150830T123600Z`.
    let time: String

    /// - Parameter seconds: Since 1970.
    init(seconds: Int64) {
        let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let rest = Int(seconds - days * 86_400)
        // Howard Hinnant's `civil_from_days`: https://howardhinnant.github.io/date_algorithms.html
        let shifted = Int(days) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let ofEra = shifted - era * 146_097
        let year = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let month = (5 * ofYear + 2) / 153
        let day = ofYear - (153 * month + 2) / 5 + 1
        let civil = month < 10 ? month + 3 : month - 9
        self.day = Self.digits(year + era * 400 + (civil <= 2 ? 1 : 0), 4) + Self.digits(civil, 2) + Self.digits(day, 2)
        self.time =
            "\(self.day)T\(Self.digits(rest / 3600, 2))\(Self.digits(rest / 60 % 60, 2))\(Self.digits(rest % 60, 2))Z"
    }

    /// The seconds since 1970 of `2026-01-31T10:20:30Z`, as the credentials' servers write it; `nil` for anything else.
    static func seconds(_ text: String) -> Int64? {
        let parts = text.split(whereSeparator: { "-T:Z.".contains($0) }).map { Int($0) }
        guard parts.count >= 6, let year = parts[0], let month = parts[1], let day = parts[2], let hour = parts[3],
            let minute = parts[4], let second = parts[5], (1...12).contains(month), (1...31).contains(day),
            (1970...9999).contains(year), (0..<24).contains(hour), (0..<60).contains(minute), (0...60).contains(second)
        else { return nil }
        return Int64(HTTPDateParser.dayNumber(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
    }

    private static func digits(_ number: Int, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }
}
