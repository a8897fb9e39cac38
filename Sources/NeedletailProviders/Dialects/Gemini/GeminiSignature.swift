import NeedletailCore

/// Thought signatures, which are bytes: Google's SDKs refuse what is no base64, and send back the URL-safe alphabet.
enum GeminiSignature {
    /// As the provider gave it.
    static func read(_ spelled: String) -> String { Base64State.read(self.standard(spelled)) }

    /// Whether it is what a client was given of another provider's.
    static func isMarked(_ spelled: String) -> Bool { self.read(spelled) != self.standard(spelled) }

    /// As a client can keep it.
    static func write(_ signature: String) -> String { Base64State.write(signature) }

    /// Base64 in the standard alphabet, padded.
    static func standard(_ text: String) -> String {
        let isStandard = !text.utf8.contains { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        guard !isStandard || text.utf8.count % 4 != 0 else { return text }
        guard text.utf8.allSatisfy(self.isDigit) else { return text }
        var out = ""
        for unit in text.unicodeScalars {
            switch unit {
            case "-": out.unicodeScalars.append("+")
            case "_": out.unicodeScalars.append("/")
            default: out.unicodeScalars.append(unit)
            }
        }
        while out.utf8.count % 4 != 0 { out += "=" }
        return out
    }

    private static func isDigit(_ unit: UInt8) -> Bool {
        switch unit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "-"),
            UInt8(ascii: "_"), UInt8(ascii: "="):
            true
        default: false
        }
    }
}
