import Foundation
import NIOCore
import NeedletailCore

/// The terminal: results go to standard output, everything else to standard error.
enum StandardStreams {
    static func output(_ line: String) {
        Self.write(line + "\n")
    }

    /// Without a line's end, and at once.
    static func write(_ text: String) {
        Self.put(text, FileHandle.standardOutput)
    }

    static func error(_ line: String) {
        Self.put(line.hasSuffix("\n") ? line : line + "\n", FileHandle.standardError)
    }

    /// To standard error, without a line's end, and at once.
    static func errorText(_ text: String) {
        Self.put(text, FileHandle.standardError)
    }

    /// One JSON object as a line.
    static func object(_ write: (inout JSONWriter) -> Void) {
        var json = JSONWriter()
        json.beginObject()
        write(&json)
        json.endObject()
        Self.output(String(buffer: json.bytes))
    }

    private static func put(_ text: String, _ handle: FileHandle) {
        // A reader that has gone away is not worth an error.
        try? handle.write(contentsOf: Data(text.utf8))
    }
}
