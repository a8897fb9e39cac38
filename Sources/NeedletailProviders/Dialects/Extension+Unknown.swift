import NeedletailCore

extension [Extension] {
    /// Keeps every member of `object` that is not `known`, each under its path without indices.
    ///
    /// Both dialects' decoders call this for every object that they take apart, so that nothing is lost in silence.
    ///
    /// - Parameter ignoresEmptyArrays: Whether `[]` says as little as `null` always does.
    mutating func keepUnknown(
        _ object: JSONView,
        known: [StaticString],
        path: String,
        ignoresEmptyArrays: Bool = false
    ) {
        for member in object.members where !member.value.isNull {
            guard !known.contains(where: { member.hasKey($0) }) else { continue }
            if ignoresEmptyArrays, member.value.kind == .array {
                var elements = member.value.elements
                guard elements.next() != nil else { continue }
            }
            let key = member.key
            self.append(Extension(path.isEmpty ? key : "\(path).\(key)", member.value.text))
        }
    }
}
