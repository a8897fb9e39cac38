import NeedletailCore

/// A member of a body or a query parameter: what it takes, for the check before the handler runs and for the OpenAPI
/// document.
struct AdminField: Sendable {
    /// What it takes.
    indirect enum Kind: Sendable {
        case text
        case integer(ClosedRange<Int>)
        case number
        case boolean
        case word([String])
        case object
        case list
        /// Or `null`, in the bodies of changes: which takes away what is there.
        case orNull(Kind)
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
    private var example: String { Self.example(self.kind) }

    private static func example(_ kind: Kind) -> String {
        switch kind {
        case .text: "a text"
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .number: "a number"
        case .boolean: "true or false"
        case .word(let words): "one of: \(words.joined(separator: ", "))"
        case .object: "an object"
        case .list: "a list"
        case .orNull(let kind): "\(Self.example(kind)), or null"
        }
    }

    /// Checks a body's members against a table.
    static func check(_ body: JSONView, _ fields: [AdminField]) throws(AdminError) {
        for member in body.members {
            guard let field = fields.first(where: { $0.name == member.key }) else {
                throw .unknownField(member.key, among: fields.map(\.name), in: "the body")
            }
            guard Self.takes(member.value, field.kind) else { throw .badField(field.name, "is \(field.example)") }
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
            guard Self.takes(query[name] ?? "", field.kind) else { throw .badField(name, "is \(field.example)") }
        }
        for field in fields where field.isRequired && query[field.name] == nil {
            throw .badField(field.name, "is missing; it is \(field.example)")
        }
    }

    private static func takes(_ value: JSONView, _ kind: Kind) -> Bool {
        switch kind {
        case .text: value.kind == .string
        case .integer(let range): value.int.map(range.contains) ?? false
        case .number: value.kind == .number
        case .boolean: value.kind == .boolean
        case .word(let words): value.string.map(words.contains) ?? false
        case .object: value.kind == .object
        case .list: value.kind == .array
        case .orNull(let kind): value.isNull || Self.takes(value, kind)
        }
    }

    private static func takes(_ text: String, _ kind: Kind) -> Bool {
        switch kind {
        case .text: true
        case .integer(let range): Int(text).map(range.contains) ?? false
        case .number: Double(text)?.isFinite ?? false
        case .boolean: text == "true" || text == "false"
        case .word(let words): words.contains(text)
        case .object, .list, .orNull: false
        }
    }
}
