/// Makes ids of tool calls fit Anthropic's `^[a-zA-Z0-9_-]+$`, the same id always in the same way, two never in one.
struct AnthropicToolIDs {
    /// The longest id, in characters.
    var maximumLength = Int.max
    private var spelled: [String: String] = [:]
    private var taken: Set<String> = []

    /// The id to send for `id`.
    mutating func id(_ id: String) -> String {
        if let known = self.spelled[id] { return known }
        var fitting = String(id.unicodeScalars.map { Self.fits($0) ? Character($0) : "_" })
        if fitting.isEmpty { fitting = "_" }
        // Room for the number that tells two cut ones apart.
        if fitting.utf8.count > self.maximumLength { fitting = String(fitting.prefix(self.maximumLength - 8)) }
        let stem = fitting
        var number = 2
        while self.taken.contains(fitting) {
            fitting = "\(stem)_\(number)"
            number += 1
        }
        self.spelled[id] = fitting
        self.taken.insert(fitting)
        return fitting
    }

    private static func fits(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-": true
        default: false
        }
    }
}
