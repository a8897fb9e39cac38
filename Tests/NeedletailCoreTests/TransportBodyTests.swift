import NIOCore
import NeedletailCore
import Synchronization
import Testing

/// Hands out chunks, then an error or the end; counts what is asked of it.
private final class CountingSource: TransportBodySource {
    struct Counts {
        var chunks: [String]
        var reads = 0
        var cancels = 0
    }

    private let state: Mutex<Counts>
    private let failure: NeedletailError?
    private let isWhole: Bool

    init(_ chunks: [String], failure: NeedletailError? = nil, isWhole: Bool = false) {
        self.state = Mutex(Counts(chunks: chunks))
        self.failure = failure
        self.isWhole = isWhole
    }

    var counts: Counts { self.state.withLock { $0 } }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        let chunk = self.state.withLock { state -> String? in
            state.reads += 1
            return state.chunks.isEmpty ? nil : state.chunks.removeFirst()
        }
        if let chunk { return ByteBuffer(string: chunk) }
        if let failure = self.failure { throw failure }
        return nil
    }

    func takeWhole() -> ByteBuffer? {
        guard self.isWhole else { return nil }
        return self.state.withLock { state in
            defer { state.chunks = [] }
            return ByteBuffer(string: state.chunks.joined())
        }
    }

    func cancel() {
        self.state.withLock { $0.cancels += 1 }
    }
}

@Suite("TransportBody")
struct TransportBodyTests {
    @Test("collects everything up to the limit, exactly")
    func collect() async throws {
        #expect(String(buffer: try await TransportBody(CountingSource(["ab", "", "cd"])).collect(upTo: 4)) == "abcd")
        #expect(try await TransportBody(CountingSource([])).collect(upTo: 0).readableBytes == 0)
        let stored = TransportBody(ByteBuffer(string: "x"), ByteBuffer(string: "y"))
        #expect(String(buffer: try await stored.collect(upTo: 10)) == "xy")
        #expect(try await stored.next() == nil)
    }

    @Test(
        "refuses a body over the limit without reading on, and gives it up",
        arguments: [["abc"], ["ab", "c", "never"]])
    func tooLarge(_ chunks: [String]) async {
        let source = CountingSource(chunks)
        let body = TransportBody(source)
        let error = await #expect(throws: NeedletailError.self) { _ = try await body.collect(upTo: 2) }
        #expect(error?.code == .malformedReply)
        #expect(source.counts.cancels == 1)
        #expect(source.counts.reads <= 2)
    }

    @Test("takes a body that is all there at once, within the limit")
    func whole() async throws {
        let ready = CountingSource(["abc"], isWhole: true)
        #expect(String(buffer: try await TransportBody(ready).collect(upTo: 3)) == "abc")
        #expect(ready.counts.reads == 0)
        let large = CountingSource(["abcd"], isWhole: true)
        let error = await #expect(throws: NeedletailError.self) { _ = try await TransportBody(large).collect(upTo: 3) }
        #expect(error?.code == .malformedReply)
        #expect(large.counts.cancels >= 1)
    }

    @Test("passes on what broke the body")
    func broken() async {
        let body = TransportBody(CountingSource(["a"], failure: NeedletailError(.timedOut, "late")))
        let error = await #expect(throws: NeedletailError.self) { _ = try await body.collect(upTo: 10) }
        #expect(error?.code == .timedOut)
    }

    @Test("a prefix is cut to the limit, survives an error, and gives the rest up")
    func prefix() async {
        let long = CountingSource(["abc", "def", "never"])
        #expect(String(buffer: await TransportBody(long).prefix(4)) == "abcd")
        #expect(long.counts.reads == 2 && long.counts.cancels >= 1)
        let failing = CountingSource(["abc"], failure: NeedletailError(.unreachable, "cut"))
        #expect(String(buffer: await TransportBody(failing).prefix(10)) == "abc")
        #expect(await TransportBody(CountingSource([])).prefix(10).readableBytes == 0)
        #expect(await TransportBody(CountingSource(["abc"])).prefix(0).readableBytes == 0)
    }

    @Test("dropping the last copy gives the body up")
    func dropped() {
        let source = CountingSource(["a"])
        do {
            let body = TransportBody(source)
            let copy = body
            _ = copy
            #expect(source.counts.cancels == 0)
        }
        #expect(source.counts.cancels == 1)
    }

    @Test("a stored body that was given up is over")
    func cancelled() async throws {
        let body = TransportBody(ByteBuffer(string: "x"))
        body.cancel()
        body.cancel()
        #expect(try await body.next() == nil)
    }
}
