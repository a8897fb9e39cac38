import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailProviders

/// Gives out `token-1`, `token-2`, … when told to.
private final class GatedSource: AccessTokenSource {
    private struct State {
        var asked = 0
        var gates: [CheckedContinuation<Result<AccessToken, NeedletailError>, Never>] = []
    }

    private let state = Mutex(State())

    var asked: Int { self.state.withLock { $0.asked } }

    func token(deadline: Instant?) async throws(NeedletailError) -> AccessToken {
        let result = await withCheckedContinuation { gate in
            self.state.withLock { state in
                state.asked += 1
                state.gates.append(gate)
            }
        }
        return try result.get()
    }

    /// Answers the fetch under way, as soon as there is one.
    func answer(_ result: Result<AccessToken, NeedletailError>) async {
        while !self.answerNow(result) { await Task.yield() }
    }

    /// Answers the fetch under way, if there is one.
    @discardableResult
    func answerNow(_ result: Result<AccessToken, NeedletailError>) -> Bool {
        guard let gate = self.state.withLock({ $0.gates.isEmpty ? nil : $0.gates.removeFirst() }) else { return false }
        gate.resume(returning: result)
        return true
    }
}

/// Gives out tokens one after the other, each for as long as it is told.
private final class CountingSource: AccessTokenSource {
    private let results: Mutex<ArraySlice<Result<Duration?, NeedletailError>>>
    private let count = Mutex(0)
    private let time: JumpingTime

    init(_ time: JumpingTime, _ results: Result<Duration?, NeedletailError>...) {
        self.time = time
        self.results = Mutex(results[...])
    }

    var asked: Int { self.count.withLock { $0 } }

    func token(deadline: Instant?) async throws(NeedletailError) -> AccessToken {
        let number = self.count.withLock { count in
            count += 1
            return count
        }
        guard let result = self.results.withLock({ $0.popFirst() }) else {
            throw NeedletailError(.internalFailure, "asked too often")
        }
        let life = try result.get()
        return AccessToken("token-\(number)", expires: life.map { self.time.now.advanced(by: $0) })
    }
}

extension TokenAuthorizer {
    fileprivate func header(deadline: Instant? = nil) async throws(NeedletailError) -> String? {
        var request = TransportRequest(path: "/", deadline: deadline)
        try await self.authorize(&request)
        return request.headers[.authorization]
    }
}

@Suite("Access tokens")
struct TokenAuthorizerTests {
    private static let refused = NeedletailError(.credentialRejected, "no")

    @Test("a token is kept until five minutes before its end, then replaced")
    func refresh() async throws {
        let time = JumpingTime()
        let source = CountingSource(time, .success(.seconds(3600)), .success(.seconds(3600)))
        let tokens = TokenAuthorizer(source, time: time.source)
        #expect(try await tokens.header() == "Bearer token-1")
        time.advance(by: .seconds(3299))
        #expect(try await tokens.header() == "Bearer token-1")
        time.advance(by: .seconds(1))
        #expect(try await tokens.header() == "Bearer token-2")
        #expect(source.asked == 2)
    }

    @Test("one that cannot be replaced yet is used on, and its server left alone for a while")
    func keepsOld() async throws {
        let time = JumpingTime()
        let source = CountingSource(
            time, .success(.seconds(600)), .failure(Self.refused), .success(.seconds(600)))
        let tokens = TokenAuthorizer(source, time: time.source)
        #expect(try await tokens.header() == "Bearer token-1")
        time.advance(by: .seconds(301))
        #expect(try await tokens.header() == "Bearer token-1")
        #expect(try await tokens.header() == "Bearer token-1")
        #expect(source.asked == 2)
        time.advance(by: ExpiringCacheState<String>.pause)
        #expect(try await tokens.header() == "Bearer token-3")
    }

    @Test("one that has ended is never sent")
    func ended() async throws {
        let time = JumpingTime()
        let source = CountingSource(time, .success(.seconds(60)), .failure(Self.refused))
        let tokens = TokenAuthorizer(source, time: time.source)
        #expect(try await tokens.header() == "Bearer token-1")
        time.advance(by: .seconds(50))
        let error = await #expect(throws: NeedletailError.self) { try await tokens.header() }
        #expect(error?.code == .credentialRejected)
    }

    @Test("one that the upstream refused is fetched anew")
    func dropped() async throws {
        let time = JumpingTime()
        let source = CountingSource(time, .success(nil), .success(nil))
        let tokens = TokenAuthorizer(source, time: time.source)
        var request = TransportRequest(path: "/")
        try await tokens.authorize(&request)
        tokens.wasRefused(TransportRequest(path: "/", headers: [.authorization: "Bearer another"]))
        #expect(try await tokens.header() == "Bearer token-1")
        tokens.wasRefused(request)
        #expect(try await tokens.header() == "Bearer token-2")
    }

    @Test("many requests at once make one fetch")
    func single() async throws {
        let source = GatedSource()
        let tokens = TokenAuthorizer(source, time: JumpingTime().source)
        let seen = await withTaskGroup(of: String.self) { group in
            for _ in 0..<20 { group.addTask { (try? await tokens.header()) ?? "" } }
            await source.answer(.success(AccessToken("t", expires: nil)))
            return await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(seen == ["Bearer t"] && source.asked == 1)
    }

    @Test("those that wait for a fetch that fails fail with it")
    func shared() async throws {
        let source = GatedSource()
        let tokens = TokenAuthorizer(source, time: JumpingTime().source)
        // Whoever comes after the failure asks again, so there may be several fetches.
        async let _: Void = {
            while !Task.isCancelled {
                source.answerNow(.failure(Self.refused))
                await Task.yield()
            }
        }()
        let seen = await withTaskGroup(of: NeedletailError.Code?.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    do throws(NeedletailError) { _ = try await tokens.header() } catch { return error.code }
                    return nil
                }
            }
            return await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(seen == [.credentialRejected])
    }

    @Test("a request that goes away while it fetches leaves the fetching to the next")
    func cancelledFetch() async throws {
        let source = GatedSource()
        let tokens = TokenAuthorizer(source, time: JumpingTime().source)
        async let first: String? = { try? await tokens.header() }()
        while source.asked == 0 { await Task.yield() }
        async let second = tokens.header()
        await source.answer(.failure(NeedletailError(.cancelled, "gone")))
        await source.answer(.success(AccessToken("t", expires: nil)))
        #expect(await first == nil)
        #expect(try await second == "Bearer t")
        #expect(source.asked == 2)
    }

    @Test("a request that goes away while it waits ends at once")
    func cancelledWait() async throws {
        let source = GatedSource()
        let tokens = TokenAuthorizer(source, time: JumpingTime().source)
        async let first = tokens.header()
        while source.asked == 0 { await Task.yield() }
        let waiting = Task { () -> NeedletailError.Code? in
            do throws(NeedletailError) {
                _ = try await tokens.header()
                return nil
            } catch {
                return error.code
            }
        }
        waiting.cancel()
        #expect(await waiting.value == .cancelled)
        await source.answer(.success(AccessToken("t", expires: nil)))
        #expect(try await first == "Bearer t")
    }
}
