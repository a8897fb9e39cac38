import NeedletailGateway

/// A path with places for names: `/providers/{name}/drain`.
struct AdminPath: Sendable, CustomStringConvertible {
    private enum Segment: Sendable {
        case literal(Substring)
        case parameter(String)
    }

    let description: String
    private let segments: [Segment]

    init(_ template: String) {
        self.description = template
        self.segments = template.split(separator: "/").map { part in
            part.hasPrefix("{") ? .parameter(String(part.dropFirst().dropLast())) : .literal(part)
        }
    }

    /// The names of its places, in order.
    var parameters: [String] {
        self.segments.compactMap { if case .parameter(let name) = $0 { name } else { nil } }
    }

    /// The segments of a path, as they were sent; `nil` if one is empty.
    static func segments(of path: Substring) -> [Substring]? {
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        return parts.contains { $0.isEmpty } ? nil : parts
    }

    /// What stands in its places; `nil` if the path is another one. A slash within a name is sent as `%2F`.
    func match(_ path: [Substring]) -> [String: String]? {
        guard path.count == self.segments.count else { return nil }
        var values: [String: String] = [:]
        for (segment, given) in zip(self.segments, path) {
            switch segment {
            case .literal(let text): guard text == given else { return nil }
            case .parameter(let name):
                guard given.utf8.count <= 512, let value = PercentEncoding.decoded(given) else { return nil }
                values[name] = value
            }
        }
        return values
    }

    /// How many of its segments are literal: of two that match, the more literal one is meant.
    var precision: Int { self.segments.count - self.parameters.count }
}
