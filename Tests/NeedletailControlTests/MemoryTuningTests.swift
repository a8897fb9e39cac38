#if os(Linux)
import Foundation
import Testing

@testable import NeedletailControl

@Suite("Memory tuning")
struct MemoryTuningTests {
    /// Pages of files that this process has mapped and read, in KiB.
    private static func residentFilePages() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssFile:") })
        return try #require(Int(line.split(separator: " ")[1]))
    }

    @Test("the end of a start gives back what only the start has read, and the program runs on")
    func releases() throws {
        let before = try Self.residentFilePages()
        MemoryTuning.startIsOver()
        let after = try Self.residentFilePages()
        #expect(after < before * 3 / 4, "\(before) KiB before, \(after) KiB after")
    }
}
#endif
