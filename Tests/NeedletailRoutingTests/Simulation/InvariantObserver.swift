import NeedletailCore
import NeedletailTesting
import Synchronization

@testable import NeedletailRouting

/// Holds the events of a run against what must always be true.
final class InvariantObserver: SimulationObserver {
    /// What is known of a request.
    struct Request {
        var group: Int
        var deadline: Instant?
        var tokens = 0
        var began: Instant
        var calls = 0
        var running: Set<Int> = []
        var asked: Set<Int> = []
        /// By place: before when it asked not to be called again.
        var pushback: [Int: Instant] = [:]
        /// The call that was answered with, and since when.
        var commit: (call: Int, at: Instant)?
        var last: NeedletailError?
        var ended: Instant?
    }

    struct State {
        var trace = SimulationTrace()
        var violations: [String] = []
        var requests: [String: Request] = [:]
        var breakers: [BreakerOracle?]
        var limits: [LimitOracle]
        /// The request of each running call, by place and call.
        var calls: [[Int: String]]
        var begun = 0
        var ended = 0
        var callCount = 0
        var retries: [Int: Int] = [:]
        var asked: [Int: Int] = [:]
        var last = Instant(nanoseconds: 0)
        var reloaded: Instant?
        /// Refusals of this very instant, and who may have had room: a permit that another request has just taken is seen
        /// here only when its call begins, which may be later in the same instant.
        var refusals: [(text: String, places: [Int])] = []
    }

    private let world: SimulatedWorld
    private let state: Mutex<State>

    init(_ world: SimulatedWorld) {
        self.world = world
        self.state = Mutex(
            State(
                breakers: world.places.map { place in
                    place.breaker.flatMap { $0.errorRate == nil ? BreakerOracle($0) : nil }
                },
                limits: world.places.map { LimitOracle($0.limits) },
                calls: world.places.map { _ in [:] }
            ))
    }

    /// What came of it.
    var result: (trace: SimulationTrace, violations: [String], requests: Int, calls: Int) {
        self.state.withLock { ($0.trace, $0.violations, $0.begun, $0.callCount) }
    }

    /// From now on the new configuration holds.
    func reloaded(at now: Instant) {
        self.state.withLock { $0.reloaded = now }
    }

    /// Notes a violation that was found elsewhere.
    func violate(_ text: String) {
        self.state.withLock { Self.violate(text, &$0) }
    }

    private static func violate(_ text: String, _ state: inout State) {
        if state.violations.count < 10 {
            state.violations.append("\(text) (at \(Double(state.last.nanoseconds) / 1e9) s)")
        }
    }

    func record(_ event: SimulationEvent, at now: Instant) {
        self.state.withLock { state in
            if now > state.last { self.judgeRefusals(&state) }
            event.add(to: &state.trace, at: now)
            state.last = now
            switch event {
            case .requestBegan(let id, let model, let tokens, let deadline):
                state.begun += 1
                let group = self.world.groups.firstIndex { $0.name == model } ?? 0
                state.asked[group, default: 0] += 1
                if state.requests[id] != nil { Self.violate("the request \(id) began twice", &state) }
                state.requests[id] = Request(
                    group: group, deadline: deadline, tokens: tokens.totalTokens, began: now)
            case .requestEnded(let id, let end, let attempts, _, _): self.end(id, end, attempts, now, &state)
            case .callBegan(let provider, let id, let call): self.begin(provider, id, call, now, &state)
            case .callCommitted(let provider, let id, let call):
                if state.requests[id]?.commit == nil {
                    state.requests[id]?.commit = (self.place(provider) << 32 | call, now)
                }
            case .callEnded(let provider, let id, let call, let end, _):
                self.endCall(provider, id, call, end, now, &state)
            }
        }
    }

    private func place(_ provider: ProviderID) -> Int {
        self.world.places.firstIndex { $0.name == provider.rawValue } ?? 0
    }

    /// Whether a place is not in the configuration that holds for a request.
    private func isRemoved(_ place: Int, for request: Request, _ state: State) -> Bool {
        guard place == self.world.removed, let reloaded = state.reloaded else { return false }
        return request.began > reloaded
    }

    private func begin(_ provider: ProviderID, _ id: String, _ call: Int, _ now: Instant, _ state: inout State) {
        let place = self.place(provider)
        state.callCount += 1
        state.calls[place][call] = id
        guard var request = state.requests[id] else { return Self.violate("a call for no request", &state) }
        request.calls += 1
        request.running.insert(place << 32 | call)
        request.asked.insert(place)
        if request.calls > 1 { state.retries[request.group, default: 0] += 1 }
        let most = self.world.groups[request.group].options.maximumAttempts
        if request.calls > most { Self.violate("\(id): \(request.calls) calls, and \(most) are allowed", &state) }
        if request.ended != nil { Self.violate("\(id): a call after the request's end", &state) }
        // At the very time of the commit a hedge may begin, which nobody can know.
        if let commit = request.commit, now > commit.at { Self.violate("\(id): a call after the commit", &state) }
        if self.isRemoved(place, for: request, state) {
            Self.violate("\(id): a call of \(provider), which the new configuration does not have", &state)
        }
        if let deadline = request.deadline, now >= deadline {
            Self.violate("\(id): a call at or after the deadline", &state)
        }
        if let until = request.pushback[place], now < until {
            Self.violate("\(id): \(provider) called again before its retry-after", &state)
        }
        state.requests[id] = request
        if let fault = state.breakers[place]?.begin(call, now: now) { Self.violate("\(provider): \(fault)", &state) }
        if let fault = state.limits[place].begin(tokens: request.tokens, now: now) {
            Self.violate("\(provider): \(fault)", &state)
        }
    }

    private func endCall(
        _ provider: ProviderID, _ id: String, _ call: Int, _ end: SimulationEvent.End, _ now: Instant,
        _ state: inout State
    ) {
        let place = self.place(provider)
        guard state.calls[place].removeValue(forKey: call) == id else {
            return Self.violate("\(provider): the call \(call) ended twice", &state)
        }
        var isSuccess: Bool?
        switch end {
        case .finished: isSuccess = true
        case .abandoned: break
        case .failed(let error):
            isSuccess = error.disposition.blamesTarget ? false : nil
            state.requests[id]?.last = error
            if let wait = error.retryAfter { state.requests[id]?.pushback[place] = now.advanced(by: wait) }
        case .broken(let error):
            isSuccess = error.disposition.blamesTarget ? false : nil
        }
        state.breakers[place]?.end(call, isSuccess: isSuccess, now: now)
        state.limits[place].end(tokens: state.requests[id]?.tokens ?? 0)
        state.requests[id]?.running.remove(place << 32 | call)
        if let commit = state.requests[id]?.commit, commit.call != place << 32 | call, now > commit.at {
            Self.violate("\(id): a call of \(provider) went on after another had answered", &state)
        }
        if let ended = state.requests[id]?.ended, now > ended {
            Self.violate("\(id): a call of \(provider) went on after the request's end", &state)
        }
    }

    private func end(
        _ id: String, _ end: SimulationEvent.End, _ attempts: Int, _ now: Instant, _ state: inout State
    ) {
        guard var request = state.requests[id] else { return Self.violate("\(id) ended and never began", &state) }
        if request.ended != nil { return Self.violate("\(id) ended twice", &state) }
        state.ended += 1
        request.ended = now
        state.requests[id] = request
        if let deadline = request.deadline, now > deadline { Self.violate("\(id) ended after its deadline", &state) }
        guard case .failed(let error) = end else { return }
        self.judge(id, request, error, now, &state)
    }

    /// Whether a failure was inevitable.
    private func judge(
        _ id: String, _ request: Request, _ error: NeedletailError, _ now: Instant, _ state: inout State
    ) {
        let group = self.world.groups[request.group]
        guard request.deadline.map({ now < $0 }) ?? true else { return }
        // What every provider would refuse is final.
        guard request.last?.disposition.retry != .never else { return }
        let places = group.places.filter { !self.isRemoved($0, for: request, state) }
        for index in places where !request.asked.contains(index) {
            let place = self.world.places[index]
            let isClosed = place.breaker == nil || state.breakers[index]?.isClosed ?? false
            guard place.isSpotless, isClosed else { continue }
            let hasTries =
                request.calls == 0
                || (request.calls < group.options.maximumAttempts && group.options.retryBudget == nil)
            if hasTries {
                Self.violate(
                    "\(id): failed with \(error.code) (\(error.message)) though \(place.name) was healthy", &state)
            }
        }
        // Refused without a call, though somebody was there with room.
        guard request.calls == 0, !group.isNested, group.options.queue.size == 0 else { return }
        let free = self.free(places, state)
        if !free.isEmpty {
            state.refusals.append(
                ("\(id): refused with \(error.code) (\(error.message)) though somebody had room", free))
        }
    }

    /// Those of some places that are closed for nobody.
    private func free(_ places: [Int], _ state: State) -> [Int] {
        places.filter { index in
            let place = self.world.places[index]
            let isClosed = place.breaker == nil || state.breakers[index]?.isClosed ?? false
            return isClosed && place.model.base.rateLimit == nil && !place.canPushBack
        }
    }

    /// Judges the refusals of the last instant, now that all calls of it have begun.
    private func judgeRefusals(_ state: inout State) {
        for (text, places) in state.refusals
        where self.free(places, state).contains(where: { state.limits[$0].hasRoom(now: state.last) }) {
            Self.violate(text, &state)
        }
        state.refusals = []
    }

    /// What must be true when all is quiet.
    func finish() {
        self.state.withLock { state in
            self.judgeRefusals(&state)
            if state.ended != state.begun {
                Self.violate("\(state.begun) requests began and \(state.ended) ended", &state)
            }
            for (place, calls) in state.calls.enumerated() where !calls.isEmpty {
                Self.violate("\(self.world.places[place].name): \(calls.count) calls never ended", &state)
            }
            let seconds = Double(state.last.nanoseconds) / 1e9 + 1
            for (index, group) in self.world.groups.enumerated() where !group.isNested {
                // Requests of groups outside pay in as well.
                guard !self.world.groups.contains(where: { $0.members.contains(.group(index)) }) else { continue }
                guard let budget = group.options.retryBudget else { continue }
                let most = budget.ratio * Double(state.asked[index] ?? 0) + Double(budget.perSecond) * seconds
                let retries = state.retries[index] ?? 0
                if Double(retries) > most + 0.001 {
                    Self.violate("\(group.name): \(retries) retries, and the budget allows \(most)", &state)
                }
            }
        }
    }
}

extension SimulatedWorld.Place {
    /// Whether it ever asks not to be called for some time.
    var canPushBack: Bool {
        ([self.model.base] + self.model.phases.map(\.behaviour)).contains { $0.rateLimit != nil }
    }
}
