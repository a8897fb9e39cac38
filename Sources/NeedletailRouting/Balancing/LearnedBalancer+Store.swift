public import NIOCore
public import NeedletailCore
import Synchronization

extension LearnedBalancer {
    /// What was learnt, as JSON, by the targets' names.
    ///
    ///     {"version":1,"classes":[{"class":"tools/small","latency_ns":8e8,"cost_pico":2e9,
    ///       "targets":[{"target":"openai/gpt-4o-mini","reward":41.2,"regret":9.8}]}]}
    public func exported(for targets: [Target]) -> ByteBuffer {
        let state = self.state.withLock { $0 }
        var json = JSONWriter()
        json.beginObject()
        json.member("version", 1)
        json.key("classes")
        json.beginArray()
        for (index, known) in state.classes.enumerated() {
            guard let known else { continue }
            json.beginObject()
            json.member("class", FeatureClass(index: index).name)
            json.member("latency_ns", Self.number(known.latency))
            json.member("cost_pico", Self.number(known.cost))
            json.key("targets")
            json.beginArray()
            for (target, arm) in zip(targets, known.arms) {
                json.beginObject()
                json.member("target", target.deployment.key.description)
                json.member("reward", Self.number(arm.reward))
                json.member("regret", Self.number(arm.regret))
                json.endObject()
            }
            json.endArray()
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return json.bytes
    }

    /// Takes over what was learnt earlier. Targets and classes that are not there any more are passed over.
    ///
    /// - Throws: `.invalidRequest` if the bytes are not what ``exported(for:)`` wrote; then nothing is taken over.
    public func restore(_ bytes: ByteBuffer, for targets: [Target]) throws(NeedletailError) {
        guard let root = (try? JSONDocument(bytes))?.root, root["version"]?.int == 1,
            let classes = root["classes"], classes.kind == .array
        else { throw NeedletailError(.invalidRequest, "This is no state of a learned balancer.") }
        var learnt: [(FeatureClass, LearnedState.Class)] = []
        for element in classes.elements {
            guard let kind = element["class"]?.string.flatMap(FeatureClass.init(name:)) else { continue }
            var known = LearnedState.Class(arms: Array(repeating: .init(), count: targets.count))
            known.latency = try Self.amount(element["latency_ns"])
            known.cost = try Self.amount(element["cost_pico"])
            guard let arms = element["targets"] else { continue }
            for arm in arms.elements {
                let name = arm["target"]?.string
                guard let place = targets.firstIndex(where: { $0.deployment.key.description == name }) else { continue }
                known.arms[place].reward = min(LearnedState.memory, try Self.amount(arm["reward"]))
                known.arms[place].regret = min(LearnedState.memory, try Self.amount(arm["regret"]))
            }
            learnt.append((kind, known))
        }
        self.state.withLock { state in
            for (kind, known) in learnt { state.restore(kind, known) }
        }
    }

    private static func number(_ value: Double) -> JSONText {
        JSONText(unchecked: ByteBuffer(string: "\(value)"))
    }

    private static func amount(_ view: JSONView?) throws(NeedletailError) -> Double {
        guard let value = view?.double, value.isFinite, value >= 0 else {
            throw NeedletailError(.invalidRequest, "A number of a learned balancer's state is missing or below zero.")
        }
        return value
    }
}
