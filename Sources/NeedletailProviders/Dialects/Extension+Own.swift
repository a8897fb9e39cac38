import NeedletailCore

extension [Extension] {
    /// What becomes of the fields of a reply that is written without a place for them in the model.
    ///
    /// Into the reply's own dialect those go back that stand at its top, each whole and with it all that is inside; the
    /// rest is lost, and in any other dialect all.
    func divided(isOwn: Bool) -> (kept: [Extension], lost: [Extension]) {
        guard isOwn, !self.isEmpty else { return ([], self) }
        let kept = self.filter { !$0.path.utf8.contains(UInt8(ascii: ".")) }
        let lost = self.filter { field in
            let top = field.path.prefix { $0 != "." }
            return !kept.contains { $0.path == top }
        }
        return (kept, lost)
    }

    /// Writes the fields as members of the object in progress.
    func write(into json: inout JSONWriter) {
        for field in self {
            json.key(field.path)
            json.raw(field.value)
        }
    }
}
