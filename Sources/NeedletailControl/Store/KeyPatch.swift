public import NeedletailCore

/// What is to be changed of a key: a JSON Merge Patch (RFC 7396) of what the admin API shows. Members that are left out stay,
/// `null` takes a bound away.
public struct KeyPatch: Sendable {
    let body: JSONView

    /// Creates a change; members that are none of a key's are not looked at.
    public init(_ body: JSONView) {
        self.body = body
    }

    /// The name that it gives; `nil` for the one before.
    var name: String? { self.body.present("name")?.string }

    /// Puts it over what all keys of a name have in common: who they speak for, what they open and how much they may use.
    ///
    /// - Throws: `.invalidRequest` that says what is wrong and what to write.
    func applyCommon(to key: inout StoredKey) throws(NeedletailError) {
        if let name = self.body["name"] {
            guard let text = name.string, ScalarCheck.isName(text) else {
                throw NeedletailError(.invalidRequest, "This is no name; \(SchemaKind.name.example).")
            }
            key.name = text
        }
        let old = key.grant
        var metadata = old.metadata
        if let view = self.body["metadata"] {
            if view.isNull { metadata = [:] }
            for member in view.members {
                guard member.value.isNull || member.value.string != nil else {
                    throw NeedletailError(.invalidRequest, "'metadata' is an object of texts.")
                }
                metadata[member.key] = member.value.string
            }
        }
        key.grant = try KeyGrant(
            tenant: old.tenant, team: self.body["team"].map(\.string) ?? old.team,
            tags: try self.list("tags", old.tags) ?? [], clientTags: try self.list("client_tags", old.clientTags),
            metadata: metadata,
            models: try self.list("models", old.models), providers: try self.list("providers", old.providers),
            surfaces: try self.list("surfaces", old.surfaces?.map(\.rawValue).sorted()),
            networks: try self.list("networks", old.networks?.map(\.description)))
        key.limits = try KeyLimits(changes: self.body, over: key.limits)
    }

    /// Puts over one key what is its own: whether it is on, and when it ends.
    func applyOwn(to key: inout StoredKey, now: Int64) {
        if let isEnabled = self.body["enabled"]?.bool { key.isDisabled = !isEnabled }
        guard let lifetime = self.body["expires_in"] else { return }
        key.expires = lifetime.int.map { seconds in
            let (end, isFar) = now.addingReportingOverflow(Int64(seconds))
            return isFar ? .max : end
        }
    }

    private func list(_ name: StaticString, _ old: [String]?) throws(NeedletailError) -> [String]? {
        guard let view = self.body[name] else { return old }
        guard !view.isNull else { return nil }
        let texts = view.elements.map(\.string)
        guard view.kind == .array, !texts.contains(nil) else {
            throw NeedletailError(.invalidRequest, "'\(name)' is a list of texts.")
        }
        return texts.compactMap(\.self)
    }
}
