import Foundation
import NeedletailCore

/// Runs the program that prints a master key.
struct MasterKeyCommand {
    /// How long it may take: such programs ask a service over the network.
    static let limit = Duration.seconds(10)
    /// How often it is looked whether it has ended, in milliseconds: it ends about when its output does.
    private static let pause: Int32 = 5

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
        defer {
            // One that takes too long may well not listen to a request to end.
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
            try? pipe.fileHandleForReading.close()
        }
        // The reader would wait for its own end of the pipe.
        try? pipe.fileHandleForWriting.close()
        let end = time.now().advanced(by: Self.limit)
        var bytes: [UInt8] = []
        defer { bytes.wipe() }
        while true {
            let left = end.duration(since: time.now()).wholeNanoseconds / 1_000_000
            guard left > 0, Self.isReadable(pipe.fileHandleForReading.fileDescriptor, milliseconds: left) else {
                throw self.lateness
            }
            let chunk = pipe.fileHandleForReading.availableData
            if chunk.isEmpty { break }
            bytes += chunk
            guard bytes.count <= limit else { throw self.failure("it prints more than a key") }
        }
        // It may have closed its output and go on.
        while process.isRunning {
            guard time.now() < end else { throw self.lateness }
            _ = poll(nil, 0, Self.pause)
        }
        guard process.terminationStatus == 0 else { throw self.failure("it ends with \(process.terminationStatus)") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw self.failure("it prints no text") }
        return text
    }

    private static func isReadable(_ descriptor: Int32, milliseconds: Int64) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&entry, 1, Int32(clamping: milliseconds)) > 0
    }

    private var lateness: NeedletailError {
        self.failure("it takes longer than \(Self.limit.components.seconds) s")
    }

    private func failure(_ reason: String) -> NeedletailError {
        NeedletailError(
            .unavailable,
            "The vault's master key cannot be had from the command '\(self.words.first ?? "")': \(reason).")
    }
}
