import NeedletailCore

/// A member of a body or a query parameter: what it takes, for the check before the handler runs and for the OpenAPI
/// document.
struct AdminField: Sendable {
    /// What it takes.
    enum Kind: Sendable {
        case text
        case integer(ClosedRange<Int>)
        case number
        case boolean
        case word([String])
        case object
        case list
    }

    var name: String
    var kind: Kind
    var summary: String
    var isRequired = false

    init(_ name: String, _ kind: Kind, _ summary: String, isRequired: Bool = false) {
        self.name = name
        self.kind = kind
        self.summary = summary
        self.isRequired = isRequired
    }

    /// The parameters of a list, see ``AdminPage``.
    static let page = [
        AdminField("limit", .integer(1...AdminPage.largest), "How many entries; \(AdminPage.usual) when left out."),
        AdminField("cursor", .text, "Where to go on: `next_cursor` of the answer before."),
    ]

    /// What to write.
    private var example: String {
        switch self.kind {
        case .text: "a text"
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .number: "a number"
        case .boolean: "true or false"
        case .word(let words): "one of: \(words.joined(separator: ", "))"
        case .object: "an object"
        case .list: "a list"
        }
    }

    /// Checks a body's members against a table.
    static func check(_ body: JSONView, _ fields: [AdminField]) throws(AdminError) {
        for member in body.members {
            guard let field = fields.first(where: { $0.name == member.key }) else {
                throw .unknownField(member.key, among: fields.map(\.name), in: "the body")
            }
            guard field.takes(member.value) else { throw .badField(field.name, "is \(field.example)") }
        }
        for field in fields where field.isRequired && !body.members.contains(where: { $0.key == field.name }) {
            throw .badField(field.name, "is missing; it is \(field.example)")
        }
    }

    /// Checks query parameters against a table.
    static func check(_ query: [String: String], _ fields: [AdminField]) throws(AdminError) {
        for name in query.keys.sorted() {
            guard let field = fields.first(where: { $0.name == name }) else {
                throw .unknownField(name, among: fields.map(\.name), in: "the query")
            }
            guard field.takes(query[name] ?? "") else { throw .badField(name, "is \(field.example)") }
        }
        for field in fields where field.isRequired && query[field.name] == nil {
            throw .badField(field.name, "is missing; it is \(field.example)")
        }
    }

    private func takes(_ value: JSONView) -> Bool {
        switch self.kind {
        case .text: value.kind == .string
        case .integer(let range): value.int.map(range.contains) ?? false
        case .number: value.kind == .number
        case .boolean: value.kind == .boolean
        case .word(let words): value.string.map(words.contains) ?? false
        case .object: value.kind == .object
        case .list: value.kind == .array
        }
    }

    private func takes(_ text: String) -> Bool {
        switch self.kind {
        case .text: true
        case .integer(let range): Int(text).map(range.contains) ?? false
        case .number: Double(text)?.isFinite ?? false
        case .boolean: text == "true" || text == "false"
        case .word(let words): words.contains(text)
        case .object, .list: false
        }
    }
}
