/// The `data:` URLs that pictures and files come as (RFC 2397), in which there is no text to look at.
enum DataURL {
    /// What stands before the data is a media type with parameters; longer ones are none.
    private static let longestHead = 128

    /// Whether all of a raw JSON string is one URL in Base64. Whoever writes `data: ` and a sentence writes text.
    static func isWhole(_ bytes: Span<UInt8>) -> Bool {
        guard TextBytes.matches(bytes, 0, "data:") else { return false }
        var index = 5
        while index < min(bytes.count, Self.longestHead), bytes[index] != UInt8(ascii: ",") {
            guard bytes[index] > 0x20, bytes[index] < 0x7F else { return false }
            index += 1
        }
        guard index < bytes.count, bytes[index] == UInt8(ascii: ","), TextBytes.matches(bytes, index - 7, ";base64")
        else { return false }
        for place in (index + 1)..<bytes.count where !Self.isData(bytes[place]) { return false }
        return true
    }

    /// Base64 in either alphabet; JSON may write a slash as a backslash and a slash.
    private static func isData(_ byte: UInt8) -> Bool {
        TextBytes.isAlphanumeric(byte) || TextBytes.isOne(byte, of: "+/=-_\\")
    }
}
