import Foundation

/// One run of the built binary, in an empty folder and with nothing in its environment but what a test sets.
final class CommandRun: Sendable {
    /// How a run ended.
    struct Result: Sendable {
        var status: Int32
        var output: String
        var errors: String
    }

    struct Failure: Error {
        var message: String
    }

    /// The binary beside the test bundle.
    static let binary = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appendingPathComponent("needletail")

    private let process: Process
    private let folder: TemporaryFolder
    private let output: Lines
    private let errors: Lines

    private init(_ arguments: [String], _ environment: [String: String], niceness: Int = 0) throws {
        self.process = Process()
        self.folder = try TemporaryFolder()
        self.process.executableURL = URL(fileURLWithPath: "/usr/bin/nice")
        self.process.arguments = ["-n", String(niceness), Self.binary.path] + arguments
        self.process.environment = environment.merging(["PATH": "/usr/bin:/bin"]) { own, _ in own }
        self.process.currentDirectoryURL = URL(fileURLWithPath: self.folder.path)
        let (output, errors) = (Pipe(), Pipe())
        self.process.standardInput = FileHandle.nullDevice
        self.process.standardOutput = output
        self.process.standardError = errors
        try self.process.run()
        self.output = Lines(output.fileHandleForReading)
        self.errors = Lines(errors.fileHandleForReading)
    }

    deinit {
        if self.process.isRunning { kill(self.process.processIdentifier, SIGKILL) }
    }

    /// Runs to the end.
    static func finished(_ arguments: [String], environment: [String: String] = [:]) async throws -> Result {
        let run = try CommandRun(arguments, environment)
        let status = try await run.ended()
        return Result(status: status, output: run.output.rest(), errors: run.errors.rest())
    }

    /// Starts and goes on.
    static func started(
        _ arguments: [String], environment: [String: String] = [:], niceness: Int = 0
    ) async throws -> CommandRun {
        try CommandRun(arguments, environment, niceness: niceness)
    }

    /// The nice value that it was given.
    var niceness: Int {
        Int(getpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(self.process.processIdentifier)))
    }

    /// The nice values of the threads whose names begin so.
    func niceness(ofThreads name: String) throws -> [Int] {
        let tasks = "/proc/\(self.process.processIdentifier)/task"
        return try FileManager.default.contentsOfDirectory(atPath: tasks).compactMap { task in
            let line = try String(contentsOfFile: "\(tasks)/\(task)/stat", encoding: .utf8)
            // "pid (name) state …"; the nice value is the 19th field.
            guard let open = line.firstIndex(of: "("), let close = line.lastIndex(of: ")"),
                line[open...].dropFirst().hasPrefix(name)
            else { return nil }
            return Int(line[close...].split(separator: " ")[17])
        }
    }

    var isRunning: Bool { self.process.isRunning }

    func signal(_ signal: Int32) {
        kill(self.process.processIdentifier, signal)
    }

    /// Sends a signal and waits for the end.
    ///
    /// - Returns: The status; `nil` if a signal ended it.
    func stopped(by signal: Int32) async throws -> Int32? {
        self.signal(signal)
        let status = try await self.ended()
        return self.process.terminationReason == .exit ? status : nil
    }

    /// The lines of standard output up to one that fits.
    func lines(until isLast: @escaping @Sendable (String) -> Bool) async throws -> [String] {
        try await Self.blocking { try self.output.take(until: isLast) }
    }

    /// The lines of standard error up to one that fits.
    func errorLines(until isLast: @escaping @Sendable (String) -> Bool) async throws -> [String] {
        try await Self.blocking { try self.errors.take(until: isLast) }
    }

    /// What nobody has read of standard error, after the end.
    func restOfErrors() -> String { self.errors.rest() }

    private func ended() async throws -> Int32 {
        try await Self.blocking {
            self.process.waitUntilExit()
            return self.process.terminationStatus
        }
    }

    /// Runs what blocks on a thread of its own: the tests' own threads are few.
    private static func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Swift.Result { try body() }) }
        }
    }

    /// Reads a pipe line by line.
    private final class Lines: Sendable {
        private let handle: FileHandle

        init(_ handle: FileHandle) {
            self.handle = handle
        }

        func take(until isLast: (String) -> Bool) throws -> [String] {
            var lines: [String] = []
            var line: [UInt8] = []
            while let byte = try self.handle.read(upToCount: 1)?.first {
                guard byte == 10 else {
                    line.append(byte)
                    continue
                }
                lines.append(String(decoding: line, as: UTF8.self))
                line = []
                if isLast(lines[lines.count - 1]) { return lines }
            }
            throw Failure(message: "ended with: \(lines)")
        }

        func rest() -> String {
            String(decoding: (try? self.handle.readToEnd()) ?? Data(), as: UTF8.self)
        }
    }
}

/// A folder that goes away with its last reference.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("needletail-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        self.path = url.path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: self.path)
    }

    /// Takes a file away.
    func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: self.path + "/" + name)
    }

    /// Writes a file and returns its path.
    func write(_ name: String, _ text: String) throws -> String {
        let file = self.path + "/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
        return file
    }
}
