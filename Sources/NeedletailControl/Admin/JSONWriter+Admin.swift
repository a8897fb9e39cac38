import NeedletailCore
import NeedletailGateway

/// What the admin API's answers are made of, beside the writer's own.
extension JSONWriter {
    /// Writes a key and a list of strings.
    mutating func member(_ key: StaticString, texts: some Sequence<String>) {
        self.key(key)
        self.beginArray()
        for text in texts { self.string(text) }
        self.endArray()
    }

    /// Writes a key and an object.
    mutating func member(_ key: StaticString, _ write: (inout JSONWriter) -> Void) {
        self.key(key)
        self.beginObject()
        write(&self)
        self.endObject()
    }

    /// Writes a key and a list of objects.
    mutating func member<Item>(
        _ key: StaticString, objects items: some Sequence<Item>, _ write: (inout JSONWriter, Item) -> Void
    ) {
        self.key(key)
        self.beginArray()
        for item in items {
            self.beginObject()
            write(&self, item)
            self.endObject()
        }
        self.endArray()
    }

    /// Writes a key and a number with at most `decimals` digits after the point; `null` for what is no number.
    mutating func member(_ key: StaticString, number: Double?, decimals: Int = 3) {
        self.key(key)
        guard let number, number.isFinite, abs(number) < 1e15 else { return self.null() }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let rounded = (number * scale).rounded() / scale
        self.raw(JSONText(unchecked: rounded == rounded.rounded() ? String(Int(rounded)) : "\(rounded)"))
    }

    /// Writes a key and a point of time, given in seconds since 1970, as RFC 3339 has it.
    mutating func member(_ key: StaticString, time: Int64) {
        self.member(key, HTTPDate.internetText(time))
    }

    /// Writes a key and seconds, with milliseconds after the point.
    mutating func member(_ key: StaticString, seconds duration: Duration?) {
        self.member(key, number: duration.map { Double($0.wholeNanoseconds) / 1e9 })
    }
}
