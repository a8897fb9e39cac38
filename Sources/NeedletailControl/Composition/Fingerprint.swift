import Crypto

/// A hash of everything that a configuration says of a thing, secrets included: two that are equal say the same.
///
/// Made by reflection, so that a setting which is added later counts without anybody thinking of it.
struct Fingerprint: Sendable, Hashable {
    private let digest: [UInt8]

    /// - Parameters:
    ///   - value: A tree of structs, enums, collections and plain values.
    ///   - labels: The properties of `value` itself that do not count.
    ///   - more: What counts beside it, for example what a file that it names holds.
    init(of value: Any, except labels: Set<String> = [], and more: [String] = []) {
        var hash = SHA256()
        var text = ""
        Self.write(value, except: labels.union(["position"]), into: &text)
        for part in [text] + more {
            hash.update(data: Array("\(part.utf8.count):".utf8))
            hash.update(data: Array(part.utf8))
        }
        self.digest = Array(hash.finalize())
    }

    /// Of several: in their order.
    init(_ parts: [Fingerprint]) {
        var hash = SHA256()
        for part in parts { hash.update(data: part.digest) }
        self.digest = Array(hash.finalize())
    }

    /// The hash.
    var bytes: [UInt8] { self.digest }

    private static func write(_ value: Any, except labels: Set<String>, into text: inout String) {
        if let secret = value as? Secret { return Self.write(plain: secret.exposed, into: &text) }
        let mirror = Mirror(reflecting: value)
        guard !mirror.children.isEmpty, !(value is String) else {
            return Self.write(plain: String(describing: value), into: &text)
        }
        var children: [String] = []
        for child in mirror.children {
            // Where a thing stands in its file is not what it says, at any depth.
            if let label = child.label, labels.contains(label) || label == "position" { continue }
            var inner = child.label ?? ""
            inner += "="
            Self.write(child.value, except: [], into: &inner)
            children.append(inner)
        }
        let isUnordered = mirror.displayStyle == .dictionary || mirror.displayStyle == .set
        text += "{" + (isUnordered ? children.sorted() : children).joined(separator: ",") + "}"
    }

    /// With its length, so that no text passes for structure.
    private static func write(plain: String, into text: inout String) {
        text += "\(plain.utf8.count):\(plain)"
    }
}
