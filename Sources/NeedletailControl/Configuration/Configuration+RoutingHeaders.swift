public import HTTPTypes
import NeedletailRouting

extension Configuration {
    /// The client headers that choosing a target looks at: rules, experiments, sticky sessions. No other is kept of a
    /// request.
    public var routingHeaders: [HTTPField.Name] {
        let groups = self.groups + (self.defaultGroup.map { [$0] } ?? [])
        var names = groups.filter(\.isEnabled).compactMap { group in
            if case .header(let name) = group.affinity { name } else { nil }
        }
        let conditions =
            self.routes.filter(\.isEnabled).map(\.condition) + self.experiments.filter(\.isEnabled).map(\.condition)
        names += conditions.flatMap(\.headers).map(\.name)
        let draws = conditions.compactMap(\.share?.draw) + self.experiments.filter(\.isEnabled).map(\.draw)
        names += draws.compactMap { draw in if case .header(let name) = draw.basis { name } else { nil } }
        return names.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}
