import Foundation
import NeedletailCore

/// Runs the program that prints a master key.
struct MasterKeyCommand {
    /// How long it may take: such programs ask a service over the network.
    static let limit = Duration.seconds(10)

    private let words: [String]
    private let environment: [String: String]

    init(_ words: [String], environment: [String: String]) {
        self.words = words
        self.environment = environment
    }

    /// What it prints.
    ///
    /// - Throws: `.unavailable` when it does not run, fails, says too much or takes too long. What it says on standard
    ///   error goes to this process's own.
    func output(limit: Int, time: TimeSource = .live) throws(NeedletailError) -> String {
        let process = Process()
        // Finds the program as a shell would.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["--"] + self.words
        process.environment = self.environment
        process.standardInput = FileHandle.nullDevice
        let pipe = Pipe()
        process.standardOutput = pipe
        do { try process.run() } catch { throw self.failure("it cannot be run") }
        defer { try? pipe.fileHandleForReading.close() }
        // The reader would wait for its own end of the pipe.
        try? pipe.fileHandleForWriting.close()
        let end = time.now().advanced(by: Self.limit)
        var bytes: [UInt8] = []
        while true {
            let left = end.duration(since: time.now()).wholeNanoseconds / 1_000_000
            guard left > 0, Self.isReadable(pipe.fileHandleForReading.fileDescriptor, milliseconds: left) else {
                process.terminate()
                throw self.failure("it takes longer than \(Self.limit.components.seconds) s")
            }
            let chunk = pipe.fileHandleForReading.availableData
            if chunk.isEmpty { break }
            bytes += chunk
            guard bytes.count <= limit else {
                process.terminate()
                throw self.failure("it prints more than a key")
            }
        }
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw self.failure("it ends with \(process.terminationStatus)") }
        defer { bytes.wipe() }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw self.failure("it prints no text") }
        return text
    }

    private static func isReadable(_ descriptor: Int32, milliseconds: Int64) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&entry, 1, Int32(clamping: milliseconds)) > 0
    }

    private func failure(_ reason: String) -> NeedletailError {
        NeedletailError(
            .unavailable,
            "The vault's master key cannot be had from the command '\(self.words.first ?? "")': \(reason).")
    }
}
