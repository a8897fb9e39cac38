import HTTPTypes
package import NIOCore

/// Writes a value as bytes that are the same in every process, and different for values that differ.
///
/// Made by reflection, so that a field which is added later is in it without anybody thinking of it.
package enum CanonicalBytes {
    /// - Parameter value: A tree of structs, enums, arrays and plain values. Not of sets and dictionaries, which have no order.
    package static func write(_ value: Any, into out: inout ByteBuffer) {
        switch value {
        case let text as String: Self.write("s", text.utf8, into: &out)
        case let text as JSONText: Self.write("j", text.bytes.readableBytesView, into: &out)
        case let bytes as ByteBuffer: Self.write("b", bytes.readableBytesView, into: &out)
        case let fields as HTTPFields:
            out.writeString("h{")
            for field in fields {
                Self.write("n", field.name.canonicalName.utf8, into: &out)
                Self.write("v", field.value.utf8, into: &out)
            }
            out.writeString("}")
        default: Self.write(parts: Mirror(reflecting: value), of: value, into: &out)
        }
    }

    private static func write(parts mirror: Mirror, of value: Any, into out: inout ByteBuffer) {
        guard !mirror.children.isEmpty else {
            // An empty list and an empty optional at one place are told apart by the kind.
            let kind = mirror.displayStyle.map { "\($0)" } ?? "plain"
            return Self.write("p", (kind + " " + String(describing: value)).utf8, into: &out)
        }
        out.writeString("{")
        for child in mirror.children {
            Self.write("l", (child.label ?? "").utf8, into: &out)
            Self.write(child.value, into: &out)
        }
        out.writeString("}")
    }

    /// With its length, so that no text passes for structure.
    private static func write(
        _ kind: StaticString, _ bytes: some Collection<UInt8>, into out: inout ByteBuffer
    ) {
        out.writeStaticString(kind)
        out.writeString("\(bytes.count):")
        out.writeBytes(bytes)
    }
}
