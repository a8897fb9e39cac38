import Foundation
import NIOCore
import NeedletailCore
import Testing

/// Nicolas Seriot's JSONTestSuite, read in place beside the checkout.
@Suite("JSONTestSuite")
struct JSONTestSuiteTests {
    static let directory: URL? = {
        let shared =
            ProcessInfo.processInfo.environment["NEEDLETAIL_SHARED"].map { URL(fileURLWithPath: $0) }
            ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared")
        let suite = shared.appendingPathComponent("json-test-suite")
        return FileManager.default.fileExists(atPath: suite.path) ? suite : nil
    }()

    static func files(_ folder: String, _ prefix: String) throws -> [URL] {
        guard let directory else { return [] }
        return try FileManager.default.contentsOfDirectory(
            at: directory.appendingPathComponent(folder), includingPropertiesForKeys: nil
        ).filter { $0.lastPathComponent.hasPrefix(prefix) }.sorted { $0.path < $1.path }
    }

    static func accepts(_ file: URL) throws -> Bool {
        (try? JSONDocument(ByteBuffer(bytes: Data(contentsOf: file)))) != nil
    }

    @Test("accepts every y_ and refuses every n_", .enabled(if: Self.directory != nil))
    func decided() throws {
        let good = try Self.files("test_parsing", "y_")
        let bad = try Self.files("test_parsing", "n_")
        #expect(good.count >= 90 && bad.count >= 180)
        for file in good { #expect(try Self.accepts(file), "\(file.lastPathComponent)") }
        for file in bad { #expect(try !Self.accepts(file), "\(file.lastPathComponent)") }
    }

    /// What the standard leaves open is accepted, except for bytes that are not UTF-8 and a byte-order mark, which RFC
    /// 8259 section 8.1 forbids to add. Numbers of any size are kept as spelled, lone surrogates are escapes like others.
    static let refusedOptions = [
        "i_string_UTF-16LE_with_BOM", "i_string_UTF-8_invalid_sequence", "i_string_UTF8_surrogate_U+D800",
        "i_string_invalid_utf-8", "i_string_iso_latin_1", "i_string_lone_utf8_continuation_byte",
        "i_string_not_in_unicode_range", "i_string_overlong_sequence_2_bytes", "i_string_overlong_sequence_6_bytes",
        "i_string_overlong_sequence_6_bytes_null", "i_string_truncated-utf-8", "i_string_utf16BE_no_BOM",
        "i_string_utf16LE_no_BOM", "i_structure_UTF-8_BOM_empty_object",
    ]

    @Test("has a settled answer for every i_", .enabled(if: Self.directory != nil))
    func open() throws {
        let files = try Self.files("test_parsing", "i_")
        #expect(files.count >= 35)
        for file in files {
            let name = file.deletingPathExtension().lastPathComponent
            #expect(try Self.accepts(file) == !Self.refusedOptions.contains(name), "\(name)")
        }
    }

    @Test("gives every transform file back as it was spelled", .enabled(if: Self.directory != nil))
    func transforms() throws {
        let files = try Self.files("test_transform", "")
        #expect(files.count >= 20)
        for file in files {
            let bytes = ByteBuffer(bytes: try Data(contentsOf: file))
            guard let document = try? JSONDocument(bytes) else {
                #expect(file.lastPathComponent.contains("invalid_codepoint"), "\(file.lastPathComponent)")
                continue
            }
            let text = String(buffer: bytes).trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(document.root.text.description == text, "\(file.lastPathComponent)")
        }
    }
}
