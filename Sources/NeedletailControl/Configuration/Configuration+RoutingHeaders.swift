public import HTTPTypes
import NeedletailRouting

extension Configuration {
    /// The client headers that choosing a target looks at; no other is kept of a request.
    public var routingHeaders: [HTTPField.Name] {
        let groups = self.groups + (self.defaultGroup.map { [$0] } ?? [])
        let names = groups.filter(\.isEnabled).compactMap { group in
            if case .header(let name) = group.affinity { name } else { nil }
        }
        return names.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}
