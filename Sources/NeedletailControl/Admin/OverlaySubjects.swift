import NIOCore
import NeedletailCore

/// The providers or groups of the running configuration, as things that the admin API shows and changes.
struct OverlaySubjects: Sendable {
    typealias Current = RunningConfiguration.Current
    typealias Subject = ConfigurationOverlay.Subject

    /// The name under which the group for unknown names is asked for, where no group is called so.
    static let defaultName = "default"

    let running: RunningConfiguration
    let section: ConfigurationOverlay.Section
    /// What one is, for people.
    let kind: String
    let time: TimeSource

    /// What is meant by a name.
    func subject(_ name: String, _ current: Current) -> Subject {
        let isDefault =
            self.section == .models && name == Self.defaultName
            && current.loaded.effective.subject(Subject(section: .models, name: name)) == nil
        return Subject(section: isDefault ? .default : self.section, name: isDefault ? "" : name)
    }

    /// All names.
    func names(_ current: Current) -> [String] {
        let named = current.loaded.effective[self.section.rawValue]?.entries.map(\.key) ?? []
        guard self.section == .models, current.loaded.effective.subject(.init(section: .default, name: "")) != nil,
            !named.contains(Self.defaultName)
        else { return named }
        return named + [Self.defaultName]
    }

    /// What is said of one.
    ///
    /// - Throws: 404 with near names.
    func node(_ name: String, _ current: Current) throws(AdminError) -> ConfigurationNode {
        guard let node = current.loaded.effective.subject(self.subject(name, current)) else {
            throw .unknown(self.kind, name, among: self.names(current))
        }
        return node
    }

    private var schema: SchemaKind {
        .section(self.section == .providers ? ConfigurationSchema.provider : ConfigurationSchema.group)
    }

    /// The version of one; `nil` for one that is not there.
    func etag(_ name: String, _ current: Current) -> ETag? {
        current.loaded.effective.subject(self.subject(name, current)).map { node in
            // What is hidden counts too, or two changes of a key would pass for the same.
            ETag(of: "\(name) \(node.shown(as: self.schema)) \(ETag(of: node.json))")
        }
    }

    /// Writes what all of them have: name, where it comes from, what is said of it, without secrets.
    func write(_ name: String, _ node: ConfigurationNode, _ current: Current, into json: inout JSONWriter) {
        let subject = self.subject(name, current)
        let change = current.loaded.overlay.changes[subject]
        json.member("name", name)
        json.member("enabled", node.isEnabled)
        json.member("source", self.source(subject, current))
        if let change {
            json.member("change") { json in
                json.member("effect", change.effect.name)
                json.member("by", change.author)
                json.member("at", time: change.time)
            }
        }
        json.member("etag", self.etag(name, current)?.description)
        json.member("definition", node.shown(as: self.schema))
    }

    /// Where it was first said: `file`, `environment` or `runtime`.
    private func source(_ subject: Subject, _ current: Current) -> String {
        guard current.loaded.file.subject(subject) != nil else { return "runtime" }
        return current.loaded.text.path == nil ? "environment" : "file"
    }

    // MARK: Changes

    /// Changes one on top of the file.
    ///
    /// - Parameters:
    ///   - exists: Whether it must be there (`true`), must not (`false`), or may.
    ///   - edit: Makes the change.
    /// - Throws: 404, 409, 412 and 422.
    func change(
        _ request: AdminRequest,
        _ name: String,
        exists: Bool?,
        _ edit: (_ overlay: inout ConfigurationOverlay, _ subject: Subject, _ current: Current) throws(AdminError) ->
            Void
    ) throws(AdminError) -> Current {
        try self.running.change { overlay, current throws(AdminError) in
            let etag = self.etag(name, current)
            if exists == true { _ = try self.node(name, current) }
            try request.condition.require("The \(self.kind) '\(name)'", etag)
            if exists == false, etag != nil {
                throw AdminError(409, "conflict", "There is a \(self.kind) '\(name)' already; PUT replaces it.")
            }
            try edit(&overlay, self.subject(name, current), current)
        }
    }

    /// Puts another in its place.
    func replace(
        _ request: AdminRequest, _ name: String, with node: ConfigurationNode, exists: Bool?
    )
        throws(AdminError) -> Current
    {
        try Self.check(node)
        return try self.change(request, name, exists: exists) { overlay, subject, _ throws(AdminError) in
            overlay.set(.replaced(node), of: subject, by: request.caller.name, at: self.time.wallSeconds())
        }
    }

    /// Puts members over what is said of it.
    func merge(_ request: AdminRequest, _ name: String, _ patch: ConfigurationNode) throws(AdminError) -> Current {
        try Self.check(patch)
        return try self.change(request, name, exists: true) { overlay, subject, _ throws(AdminError) in
            overlay.merge(patch, into: subject, by: request.caller.name, at: self.time.wallSeconds())
        }
    }

    /// Switches one on or off.
    func enable(_ request: AdminRequest, _ name: String, _ isEnabled: Bool) throws(AdminError) -> Current {
        let json = ByteBuffer(string: #"{"enabled":\#(isEnabled)}"#)
        guard let patch = try? JSONDocument(json).root else { return self.running.current }
        return try self.merge(request, name, ConfigurationNode(patch, file: "\(self.kind)/\(name)", body: json))
    }

    /// Takes one out.
    func remove(_ request: AdminRequest, _ name: String) throws(AdminError) -> Current {
        try self.change(request, name, exists: true) { overlay, subject, current throws(AdminError) in
            if current.loaded.file.subject(subject) == nil {
                overlay.revert(subject)
            } else {
                overlay.set(.removed, of: subject, by: request.caller.name, at: self.time.wallSeconds())
            }
        }
    }

    /// The body as a tree.
    func node(of request: AdminRequest, _ name: String) throws(AdminError) -> ConfigurationNode {
        guard let body = request.body else { throw AdminError(400, "invalid_request", "The body is missing.") }
        return ConfigurationNode(body, file: "\(self.kind)/\(name)", body: body.whole)
    }

    /// Refuses what may not come over the network: names of files of this machine, and what stands for a secret that was
    /// not shown.
    private static func check(_ node: ConfigurationNode) throws(AdminError) {
        if let scalar = node.scalar, scalar.text == ConfigurationNode.hidden {
            throw .unusable([
                "\(node.position): '\(ConfigurationNode.hidden)' stands for a secret that is not shown; "
                    + "PATCH without it leaves it as it is"
            ])
        }
        for entry in node.entries {
            if ["file", "script", "ca_file"].contains(entry.key) {
                throw .unusable([
                    "\(entry.position): '\(entry.key)' names a file, which only the configuration's own file may; "
                        + "write it there, or a secret as { env: NAME }"
                ])
            }
            try Self.check(entry.value)
        }
        for element in node.elements { try Self.check(element) }
    }
}
