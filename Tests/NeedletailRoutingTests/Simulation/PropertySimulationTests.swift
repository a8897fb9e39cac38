import Glibc
import NeedletailCore
import Synchronization
import Testing

@testable import NeedletailRouting

/// Random worlds, one for each seed, held against what must always be true. `Scripts/simulate-seeds` runs more of them.
@Suite("Property simulation")
struct PropertySimulationTests {
    /// How many seeds each part runs, and from which: set by `Scripts/simulate-seeds`.
    private static let parts = 2
    static let seeds = Self.number("NEEDLETAIL_SEEDS") ?? 300
    static let first = Self.number("NEEDLETAIL_FIRST_SEED") ?? 1

    private static func number(_ name: String) -> Int? {
        unsafe getenv(name).flatMap { unsafe Int(String(cString: $0)) }
    }

    @Test("whatever happens, the promises hold", arguments: 0..<Self.parts)
    func invariants(part: Int) {
        var (requests, calls, failed) = (0, 0, 0)
        for offset in stride(from: part, to: Self.seeds, by: Self.parts) {
            let seed = UInt64(Self.first + offset)
            let result = SeedRun(seed: seed).run()
            requests += result.requests
            calls += result.calls
            // Every twentieth is run again: it must be the same, event by event.
            if offset / Self.parts % 20 == 0 {
                #expect(SeedRun(seed: seed).run().trace == result.trace, "seed \(seed) is not deterministic")
            }
            guard !result.violations.isEmpty else { continue }
            failed += 1
            Issue.record("seed \(seed): \(result.violations.joined(separator: "; "))")
            if failed == 20 { return }
        }
        #expect(requests > 0 && calls > 0)
        print(
            "seeds \(Self.first) to \(Self.first + Self.seeds - 1), part \(part): \(requests) requests, \(calls) calls")
    }

    /// Each bug with the number of seeds within which it is found. Two have worlds of their own:
    /// ``QueueFairnessSimulationTests``, ``SlowStartSimulationTests``.
    static let bugs: [(PlantedBug, within: UInt64)] = PlantedBug.allCases
        .filter { $0 != .queueUnfair && $0 != .slowStartSkipped }.map {
            ($0, $0 == .refusedRequestConsumes ? 1_000 : 100)
        }

    @Test("a planted bug is found", arguments: Self.bugs)
    func planted(bug: PlantedBug, within most: UInt64) {
        for seed in 1...most {
            let result = SeedRun(seed: seed, bug: bug).run()
            let isOther = bug == .randomSourceNotSeeded && SeedRun(seed: seed, bug: bug).run().trace != result.trace
            if isOther || !result.violations.isEmpty {
                print("\(bug) is found by seed \(seed): \(result.violations.first ?? "another trace")")
                return
            }
        }
        Issue.record("\(bug) is not found within \(most) seeds")
    }
}
