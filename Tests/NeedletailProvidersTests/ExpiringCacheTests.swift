import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailProviders

@Suite("Values that end", .timeLimit(.minutes(5)))
struct ExpiringCacheTests {
    private static func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    private static func word(_ step: ExpiringCacheState<String>.Step) -> String {
        switch step {
        case .use(let value): value
        case .fetch: "fetch"
        case .wait: "wait"
        }
    }

    @Test("one fetches, others wait; before the end one renews and others go on")
    func state() {
        var state = ExpiringCacheState<String>()
        #expect(Self.word(state.next(now: Self.at(0))) == "fetch")
        #expect(Self.word(state.next(now: Self.at(0))) == "wait")
        state.fetched("a", expires: Self.at(3600), now: Self.at(0))
        #expect(Self.word(state.next(now: Self.at(3299))) == "a")
        #expect(Self.word(state.next(now: Self.at(3300))) == "fetch")
        #expect(Self.word(state.next(now: Self.at(3300))) == "a")
        state.failed(now: Self.at(3301))
        #expect(Self.word(state.next(now: Self.at(3310))) == "a")
        #expect(Self.word(state.next(now: Self.at(3331))) == "fetch")
        #expect(Self.word(state.next(now: Self.at(3591))) == "wait")
    }

    @Test("a short life is renewed at its half, and never more often than every 30 seconds")
    func short() {
        var state = ExpiringCacheState<String>()
        _ = state.next(now: Self.at(0))
        state.fetched("a", expires: Self.at(100), now: Self.at(0))
        #expect(Self.word(state.next(now: Self.at(49))) == "a")
        #expect(Self.word(state.next(now: Self.at(50))) == "fetch")
        state.fetched("b", expires: Self.at(100), now: Self.at(50))
        #expect(Self.word(state.next(now: Self.at(79))) == "b")
        #expect(Self.word(state.next(now: Self.at(80))) == "fetch")
    }

    @Test("what was refused is forgotten, what has no end is kept")
    func drop() {
        var state = ExpiringCacheState<String>()
        _ = state.next(now: Self.at(0))
        state.fetched("a", expires: nil, now: Self.at(0))
        #expect(Self.word(state.next(now: Self.at(1_000_000))) == "a")
        state.drop { $0 == "b" }
        #expect(Self.word(state.next(now: Self.at(1_000_000))) == "a")
        state.drop { $0 == "a" }
        #expect(Self.word(state.next(now: Self.at(1_000_000))) == "fetch")
    }

    @Test("many callers, one fetch; a failure reaches all of them")
    func together() async throws {
        let count = Mutex(0)
        let time = TimeSource(now: { Self.at(0) }, wallSeconds: { 0 }, sleep: { _ in })
        let cache = ExpiringCache<Int>(time: time) { _ throws(NeedletailError) in
            let number = count.withLock { count in
                count += 1
                return count
            }
            for _ in 0..<50 { await Task.yield() }
            if number == 1 { throw NeedletailError(.unreachable, "no") }
            return (number, nil)
        }
        let failures = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    do {
                        _ = try await cache.value(deadline: nil)
                        return false
                    } catch {
                        return true
                    }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(failures >= 1)
        let value = try await cache.value(deadline: nil)
        #expect(value == 2)
        #expect(count.withLock { $0 } == 2)
    }

    @Test("who waits for another's fetch waits no longer than it may")
    func impatient() async throws {
        let begun = Atomic<Bool>(false)
        let isOpen = Atomic<Bool>(false)
        let cache = ExpiringCache<Int>(time: JumpingTime().source) { _ throws(NeedletailError) in
            begun.store(true, ordering: .sequentiallyConsistent)
            while !isOpen.load(ordering: .sequentiallyConsistent) { await Task.yield() }
            return (1, nil)
        }
        async let first = cache.value(deadline: nil)
        while !begun.load(ordering: .sequentiallyConsistent) { await Task.yield() }
        let error = await #expect(throws: NeedletailError.self) { try await cache.value(deadline: Self.at(5)) }
        #expect(error?.code == .timedOut)
        isOpen.store(true, ordering: .sequentiallyConsistent)
        #expect(try await first == 1)
        #expect(try await cache.value(deadline: Self.at(6)) == 1)
    }
}
