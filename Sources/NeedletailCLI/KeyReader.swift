import Foundation

/// Reads the keys of standard input on a thread of its own, so that they are heard whatever else is under way.
struct KeyReader {
    /// What is typed. Who types faster than anybody listens loses the oldest: no more than this many wait.
    let keys: AsyncStream<KeyParser.Key>
    private static let waiting = 64

    init() {
        let (keys, continuation) = AsyncStream.makeStream(
            of: KeyParser.Key.self, bufferingPolicy: .bufferingNewest(Self.waiting))
        self.keys = keys
        Thread.detachNewThread {
            var parser = KeyParser()
            var bytes = [UInt8](repeating: 0, count: 64)
            while true {
                let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(STDIN_FILENO, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                for key in parser.keys(bytes.prefix(count)) { continuation.yield(key) }
            }
            // Nobody can type any more.
            continuation.yield(.quit)
            continuation.finish()
        }
    }
}
