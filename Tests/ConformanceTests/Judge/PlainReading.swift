import Foundation
import NIOCore

/// What reads JSON here: Foundation, so that the tests share nothing with what they test.
enum JSON {
    static func object(_ data: Data) -> [String: Any]? {
        (try? JSONSerialization.jsonObject(with: data)) as? [String: Any]
    }

    static func object(_ text: String) -> [String: Any]? { self.object(Data(text.utf8)) }

    static func object(_ buffer: ByteBuffer) -> [String: Any]? { self.object(Data(buffer.readableBytesView)) }

    /// The same text for equal values.
    static func canonical(_ value: Any) -> String {
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .fragmentsAllowed, .withoutEscapingSlashes]
        guard let data = try? JSONSerialization.data(withJSONObject: value, options: options) else { return "?" }
        return String(decoding: data, as: UTF8.self)
    }

    static func data(_ value: [String: Any]) -> Data {
        (try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys])) ?? Data()
    }
}

/// Server-sent events, read in the simplest way: whole, by lines.
struct ServerEvents {
    struct Event {
        var name: String
        var data: String
        /// The lines with their ends, the blank one included.
        var raw: Data
    }

    var events: [Event] = []

    init(_ data: Data) {
        let bytes = [UInt8](data)
        var name = ""
        var lines: [String] = []
        var (begin, next) = (0, 0)
        while next < bytes.count {
            let end = bytes[next...].firstIndex { $0 == 10 || $0 == 13 } ?? bytes.count
            let line = String(decoding: bytes[next..<end], as: UTF8.self)
            next = min(end + 1, bytes.count)
            if end < bytes.count, bytes[end] == 13, next < bytes.count, bytes[next] == 10 { next += 1 }
            if line.hasPrefix("data:") { lines.append(Self.value(line.dropFirst(5))) }
            if line.hasPrefix("event:") { name = Self.value(line.dropFirst(6)) }
            guard line.isEmpty || next == bytes.count else { continue }
            let raw = Data(bytes[begin..<next])
            self.events.append(Event(name: name, data: lines.joined(separator: "\n"), raw: raw))
            (name, lines, begin) = ("", [], next)
        }
    }

    private static func value(_ text: Substring) -> String {
        String(text.first == " " ? text.dropFirst() : text)
    }

    var objects: [[String: Any]] { self.events.compactMap { JSON.object($0.data) } }
}

/// Members of JSON objects, read without complaint: what is missing or of another type is empty.
extension [String: Any] {
    func text(_ key: String) -> String { self[key] as? String ?? "" }

    func object(_ key: String) -> [String: Any] { self[key] as? [String: Any] ?? [:] }

    func list(_ key: String) -> [[String: Any]] { self[key] as? [[String: Any]] ?? [] }

    func number(_ key: String) -> Int? { (self[key] as? NSNumber)?.intValue }

    /// The member under the first of several spellings that is there.
    func any(_ keys: String...) -> Any? {
        for key in keys { if let value = self[key], !(value is NSNull) { return value } }
        return nil
    }
}
