import NeedletailCore
import Synchronization

/// Makes ids for requests that bring none.
public final class RequestIDSource: Sendable {
    private let state: Mutex<any RandomNumberGenerator & Sendable>

    /// Creates a source over a generator; the composition gives the system's, a test a seeded one.
    public init(_ generator: any RandomNumberGenerator & Sendable) {
        self.state = Mutex(generator)
    }

    /// The next id: `req_` and 24 characters.
    public func next() -> String {
        let (one, two) = self.state.withLock { ($0.next(), $0.next()) }
        return unsafe String(unsafeUninitializedCapacity: 28) { out in
            var index = 0
            for unit in "req_".utf8 {
                unsafe out[index] = unit
                index += 1
            }
            for word in [one, two] {
                var word = word
                for _ in 0..<12 {
                    unsafe out[index] = Self.unit(word & 31)
                    word >>= 5
                    index += 1
                }
            }
            return index
        }
    }

    /// Crockford's base 32, in lower case.
    private static func unit(_ value: UInt64) -> UInt8 {
        let alphabet: StaticString = "0123456789abcdefghjkmnpqrstvwxyz"
        return unsafe alphabet.utf8Start[Int(value)]
    }
}

/// The rule for ids that clients bring.
enum RequestID {
    /// Whether a client's id may be taken over: 1 to 128 of `[A-Za-z0-9._-]`.
    static func isWellFormed(_ id: String) -> Bool {
        guard (1...128).contains(id.utf8.count) else { return false }
        return id.utf8.allSatisfy { unit in
            switch unit {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}
