import NeedletailCore

extension [Loss] {
    /// Notes the counters of `usage` that have no place in the model, under the object that `source` keeps its counters in.
    mutating func addCounters(of usage: Usage?, _ source: DialectID?) {
        guard let usage, !usage.extensions.isEmpty else { return }
        let path = ModelField.usageCacheRead.name(in: source).split(separator: ".")
        let object = path.count > 1 ? "\(path[0])." : ""
        for counter in usage.extensions where !counter.isRead && !counter.countsNothing {
            self.add(object + counter.path, "There is no such counter.")
        }
    }
}
