import Synchronization

/// Facts of models that are known without asking anybody.
///
/// One line a model, sorted by bytes: `type model context output flags`. A lookup is a binary search through the text as
/// it lies in the program.
enum ModelCatalogue {
    private struct Question: Hashable {
        var type: String
        var model: String
    }

    /// What clients may make it remember; beyond it answers are looked up anew.
    private static let maximumRemembered = 4_096
    /// Answers that were given, since clients ask for few models and often.
    private static let remembered = Mutex<[Question: ModelFacts?]>([:])

    /// The facts of a model as one type of provider serves it; `nil` if there are none.
    static func facts(type: String, model: String) -> ModelFacts? {
        let question = Question(type: type, model: model)
        if let known = self.remembered.withLock({ $0[question] }) { return known }
        let found = SortedLines(self.facts).line(of: type, model).map { Self.read($0) }
        self.remembered.withLock { remembered in
            if remembered.count < Self.maximumRemembered { remembered[question] = .some(found) }
        }
        return found
    }

    private static func read(_ line: String) -> ModelFacts {
        let fields = line.split(separator: " ")
        guard fields.count == 3 else { return ModelFacts() }
        let number = { (text: Substring) in Int(text).flatMap { $0 > 0 ? $0 : nil } }
        let flag = { (letter: Character) -> Bool? in
            if fields[2].contains(letter) { return true }
            return fields[2].contains(letter.uppercased()) ? false : nil
        }
        return ModelFacts(
            contextWindow: number(fields[0]),
            maxOutputTokens: number(fields[1]),
            vision: flag("v"),
            tools: flag("t"),
            structuredOutput: flag("s"),
            reasoning: flag("r")
        )
    }
}
