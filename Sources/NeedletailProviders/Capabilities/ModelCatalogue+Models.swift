extension ModelCatalogue {
    /// The models of a type that the catalogue knows, in the order of their names.
    static func models(type: String) -> [String] {
        SortedLines(self.facts).lines(of: type).map(\.model)
    }
}
