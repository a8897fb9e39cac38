import NIOCore
import NeedletailCore

/// A piece of a list that is ordered by name: `{"data":[…],"next_cursor":…}`. The cursor is the last name shown, so
/// that a list which changes meanwhile shows nothing twice.
enum AdminPage {
    /// The entries when none is asked for.
    static let usual = 100
    /// The most entries.
    static let largest = 1000

    /// Writes the piece that a request asks for.
    ///
    /// - Parameters:
    ///   - items: All of them.
    ///   - name: What orders an entry and is different for each.
    ///   - write: Writes an entry's members.
    static func reply<Item>(
        _ items: [Item],
        for request: AdminRequest,
        name: (Item) -> String,
        _ write: (inout JSONWriter, Item) -> Void
    ) throws(AdminError) -> AdminReply {
        let limit = request.query["limit"].flatMap { Int($0) } ?? Self.usual
        var named = items.map { (name: name($0), item: $0) }
        named.sort { $0.name < $1.name }
        if let cursor = request.query["cursor"] {
            guard let last = Self.name(of: cursor) else { throw .badField("cursor", "is not one of this list's") }
            named.removeFirst(named.firstIndex { $0.name > last } ?? named.count)
        }
        let shown = named.prefix(limit)
        return .object { json in
            json.member("data", objects: shown.map(\.item), write)
            json.key("next_cursor")
            if shown.count < named.count, let last = shown.last {
                json.string(Self.cursor(of: last.name))
            } else {
                json.null()
            }
        }
    }

    /// Hexadecimal, so that it needs no encoding in a query and invites no guesses about its meaning.
    private static func cursor(of name: String) -> String {
        name.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    private static func name(of cursor: String) -> String? {
        let digits = cursor.compactMap(\.hexDigitValue)
        guard digits.count == cursor.count, digits.count % 2 == 0, digits.count <= 4096 else { return nil }
        let bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
        return String(validating: bytes, as: UTF8.self)
    }
}
