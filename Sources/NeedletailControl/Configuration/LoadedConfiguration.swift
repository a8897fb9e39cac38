/// A configuration with what it was made from: what a running gateway goes on from when something changes.
struct LoadedConfiguration: Sendable {
    /// What was read.
    var text: ConfigurationText
    /// The tree of the file, without the changes on top; with the environment's providers where it has none.
    var file: ConfigurationNode
    /// The changes on top.
    var overlay: ConfigurationOverlay
    /// The tree with them.
    var effective: ConfigurationNode
    /// What a command line set over all of it.
    var overrides: ConfigurationLoader.Overrides

    /// The version of all that may change without a restart.
    var version: ETag {
        let changes = self.overlay.subjects.map { subject in
            let effect = self.overlay.changes[subject]?.effect
            let json =
                switch effect {
                case .replaced(let node), .merged(let node): node.json
                case .removed, nil: ""
                }
            return "\(subject) \(effect?.name ?? "") \(json)"
        }
        return ETag(of: ([self.text.text] + changes).joined(separator: "\n"))
    }
}

/// However it is printed or looked into, it shows which file it is and no word of it: a file may hold keys.
extension LoadedConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { self.text.path ?? "the environment" }
    var debugDescription: String { self.description }
    var customMirror: Mirror { Mirror(self, children: ["path": self.description]) }
}
