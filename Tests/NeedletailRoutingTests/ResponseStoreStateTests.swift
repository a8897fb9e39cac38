import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailRouting

@Suite("The store of responses: bounds")
struct ResponseStoreStateTests {
    typealias Key = ResponseStoreState.Key

    private static func kept(_ bytes: Int) -> ResponseStoreState.Record {
        let text = #"{"id":"r","output":[],"x":"\#(String(repeating: "y", count: bytes))"}"#
        let creation = ResponseCreation(ByteBuffer(string: #"{"input":[]}"#))
        guard
            let response = KeptResponse(ByteBuffer(string: text), to: creation, continuing: nil, features: [])
        else { return .issued(by: "nobody") }
        return .kept(response)
    }

    private static func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    @Test("Responses live for their lifetime and no longer")
    func lifetime() {
        var state = ResponseStoreState(ResponseStore.Limits(lifetime: .seconds(10)))
        let key = Key(tenant: "a", id: "r")
        state.insert(.issued(by: "p"), as: key, now: Self.at(0))
        #expect(state.find(key, now: Self.at(9)) != nil)
        #expect(state.find(key, now: Self.at(10)) == nil)
        // What has expired goes when something else comes.
        state.insert(.issued(by: "p"), as: Key(tenant: "a", id: "s"), now: Self.at(10))
        #expect(state.count == 1)
    }

    @Test("The oldest make room by number")
    func count() {
        var state = ResponseStoreState(ResponseStore.Limits(count: 3))
        for number in 0..<10 {
            state.insert(.issued(by: "p"), as: Key(tenant: "a", id: "\(number)"), now: Self.at(0))
        }
        #expect(state.count == 3)
        #expect(state.find(Key(tenant: "a", id: "6"), now: Self.at(0)) == nil)
        #expect(state.find(Key(tenant: "a", id: "7"), now: Self.at(0)) != nil)
    }

    @Test("The oldest make room by bytes, and one that is too large is not kept")
    func size() {
        let limits = ResponseStore.Limits(size: 10_000, responseSize: 5_000)
        var state = ResponseStoreState(limits)
        for number in 0..<50 {
            state.insert(Self.kept(2_000), as: Key(tenant: "a", id: "\(number)"), now: Self.at(0))
            #expect(state.size <= limits.size)
        }
        #expect(state.count == 3)
        state.insert(Self.kept(6_000), as: Key(tenant: "a", id: "49"), now: Self.at(0))
        #expect(state.find(Key(tenant: "a", id: "49"), now: Self.at(0)) == nil)
        for number in 0..<50 { state.remove(Key(tenant: "a", id: "\(number)")) }
        #expect(state.size == 0)
        #expect(state.count == 0)
    }

    @Test("One key's responses are not another's")
    func tenants() {
        var state = ResponseStoreState(ResponseStore.Limits())
        state.insert(.issued(by: "p"), as: Key(tenant: "a", id: "r"), now: Self.at(0))
        #expect(state.find(Key(tenant: "b", id: "r"), now: Self.at(0)) == nil)
        let isRemoved = state.remove(Key(tenant: "b", id: "r"))
        #expect(!isRemoved)
        #expect(state.count == 1)
    }

    @Test("Bounds hold whatever comes", arguments: [1, 2, 3])
    func random(_ seed: UInt64) {
        let limits = ResponseStore.Limits(count: 20, size: 20_000, responseSize: 4_000, lifetime: .seconds(30))
        var state = ResponseStoreState(limits)
        let random = RandomSource.seeded(seed)
        for step in 0..<5_000 {
            let key = Key(tenant: "t\(random.next() % 2)", id: "\(random.next() % 40)")
            let now = Self.at(Int64(step) / 10)
            switch random.next() % 4 {
            case 0: state.remove(key)
            case 1: state.insert(.issued(by: "p"), as: key, now: now)
            default: state.insert(Self.kept(Int(random.next() % 5_000)), as: key, now: now)
            }
            #expect(state.size <= limits.size && state.size >= 0)
            #expect(state.count <= limits.count)
        }
    }
}
