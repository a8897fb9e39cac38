import Foundation
import Yams

/// Reads YAML text into a ``ConfigurationNode``, within bounds that no operator's file comes near.
struct YAMLReader {
    /// A file larger than this is no configuration.
    static let sizeLimit = 4 << 20
    /// What aliases may blow a file up to (the "billion laughs").
    static let nodeLimit = 200_000
    /// How deep values may nest.
    static let depthLimit = 64
    /// How many repeated keys are reported.
    private static let duplicateLimit = 64
    /// The start of Unicode's private use area, from which a repeated key gets a first letter of its own.
    private static let marker: UInt32 = 0xE000

    let file: String
    let expansion: VariableExpansion
    private var nodes = 0
    private var exceeded = false
    /// What a repeated key was called before it got its own first letter, in the order of the letters.
    private var renamed: [(name: String, position: SourcePosition)] = []

    init(file: String, environment: [String: String]) {
        self.file = file
        self.expansion = VariableExpansion(environment: environment)
    }

    /// The root, or `nil` when the text is no YAML, which is then among the faults.
    mutating func read(_ text: String, into faults: inout FaultCollector) -> ConfigurationNode? {
        let start = SourcePosition(file: self.file, line: 1, column: 1)
        guard text.utf8.count <= Self.sizeLimit else {
            faults.error(at: start, "the file is larger than \(Self.sizeLimit >> 20) MiB", "write a smaller one")
            return nil
        }
        if let position = self.complexKey(in: text) {
            faults.error(
                at: position,
                "a key must be a plain word",
                "write `name: value` without `?` or an alias as key"
            )
            return nil
        }
        guard let root = self.compose(text, into: &faults) else { return nil }
        let node = self.convert(root, depth: 0, into: &faults)
        if self.exceeded {
            faults.error(
                at: start,
                "the file nests deeper than \(Self.depthLimit) levels or grows past \(Self.nodeLimit) values",
                "use fewer aliases"
            )
            return nil
        }
        return node
    }

    // MARK: Syntax

    /// Parses, and goes on after a repeated key by giving the first of the two another first letter.
    private mutating func compose(_ original: String, into faults: inout FaultCollector) -> Node? {
        var text = original
        while true {
            do {
                guard let node = try Yams.compose(yaml: text, .basic), !Self.isEmpty(node) else {
                    faults.error(
                        at: SourcePosition(file: self.file, line: 1, column: 1),
                        "the file is empty",
                        "write `providers:` with at least one provider, or leave the file away"
                    )
                    return nil
                }
                return node
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                let position = self.position(context.mark)
                self.renamed.append((names.first ?? "", position))
                let letter = UnicodeScalar(Self.marker + UInt32(self.renamed.count - 1))
                guard self.renamed.count < Self.duplicateLimit, let next = Self.renaming(text, context.mark, letter)
                else {
                    for (name, position) in self.renamed { Self.reportRepeated(name, at: position, into: &faults) }
                    return nil
                }
                text = next
            } catch {
                for (name, position) in self.renamed { Self.reportRepeated(name, at: position, into: &faults) }
                self.report(error, text: original, into: &faults)
                return nil
            }
        }
    }

    private func report(_ error: any Error, text: String, into faults: inout FaultCollector) {
        let position: SourcePosition
        let problem: String
        switch error {
        case YamlError.scanner(let context, let text, let at, _), YamlError.parser(let context, let text, let at, _),
            YamlError.composer(let context, let text, let at, _):
            position = self.position(at)
            problem = (context.map { "\($0.text): " } ?? "") + text
        case YamlError.reader(let text, let offset, _, let yaml):
            let before = yaml.utf8.prefix(offset ?? 0)
            let line = before.reduce(into: 1) { count, byte in if byte == 10 { count += 1 } }
            faults.error(
                at: SourcePosition(file: self.file, line: line, column: 1),
                "this is not YAML: \(text)",
                "write plain UTF-8 text"
            )
            return
        default:
            position = self.position(nil)
            problem = "it cannot be parsed"
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let line = lines.indices.contains(position.line - 1) ? lines[position.line - 1] : ""
        let hasTab = line.prefix { $0 == " " || $0 == "\t" }.contains("\t")
        faults.error(
            at: position,
            "this is not YAML: \(problem)",
            hasTab ? "indent with spaces, not with tabs" : "look at the quotes, brackets and indentation here"
        )
    }

    private static func isEmpty(_ node: Node) -> Bool {
        guard case .scalar(let scalar) = node else { return false }
        return scalar.style == .plain && Self.isNull(scalar.string)
    }

    private static func isNull(_ text: String) -> Bool {
        text.isEmpty || text == "~" || text == "null" || text == "Null" || text == "NULL"
    }

    private static func renaming(_ text: String, _ mark: Mark, _ letter: UnicodeScalar?) -> String? {
        guard let letter else { return nil }
        var scalars = Array(text.unicodeScalars)
        var line = 1
        var index = 0
        while line < mark.line, index < scalars.count {
            if scalars[index] == "\n" { line += 1 }
            index += 1
        }
        index += mark.column - 1
        if scalars.indices.contains(index), scalars[index] == "\"" || scalars[index] == "'" { index += 1 }
        guard scalars.indices.contains(index), scalars[index].properties.isXIDContinue else { return nil }
        scalars[index] = letter
        var out = String.UnicodeScalarView()
        out.append(contentsOf: scalars)
        return String(out)
    }

    private static func reportRepeated(_ name: String, at position: SourcePosition, into faults: inout FaultCollector) {
        faults.error(at: position, "the key '\(name)' occurs more than once in this mapping", "keep one of them")
    }

    /// The name that a repeated key had in the file; `nil` for every other key.
    private func repeated(_ key: String) -> String? {
        guard let first = key.unicodeScalars.first, first.value >= Self.marker else { return nil }
        let index = Int(first.value - Self.marker)
        return self.renamed.indices.contains(index) ? self.renamed[index].name : nil
    }

    /// A key that is itself a collection or an alias: nothing here needs one, and comparing such keys takes the parser
    /// exponential time. Looked for only where aliases could do harm.
    private func complexKey(in text: String) -> SourcePosition? {
        guard text.utf8.contains(UInt8(ascii: "*")), text.utf8.contains(UInt8(ascii: "&")) else { return nil }
        var number = 0
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            number += 1
            var previous: Character = " "
            var characters = line[...]
            while let character = characters.first {
                let next = characters.dropFirst()
                let startsToken = " \t[{,-".contains(previous)
                if startsToken, character == "#" { break }
                let isExplicit = character == "?" && startsToken && (next.first.map { " \t".contains($0) } ?? true)
                let name = next.prefix { !" \t,[]{}:".contains($0) }
                let isAlias = character == "*" && startsToken && !name.isEmpty && Self.isKeyEnd(next[name.endIndex...])
                let isCollection = (character == "]" || character == "}") && Self.isKeyEnd(next)
                if isExplicit || isAlias || isCollection {
                    let column = line.unicodeScalars.distance(from: line.startIndex, to: characters.startIndex) + 1
                    return SourcePosition(file: self.file, line: number, column: column)
                }
                previous = character
                characters = next
            }
        }
        return nil
    }

    private static func isKeyEnd(_ rest: Substring) -> Bool {
        let rest = rest.drop { $0 == " " || $0 == "\t" }
        guard rest.first == ":" else { return false }
        return rest.dropFirst().first.map { " \t,]}".contains($0) } ?? true
    }

    // MARK: Conversion

    private mutating func convert(_ node: Node, depth: Int, into faults: inout FaultCollector) -> ConfigurationNode {
        let position = self.position(node.mark)
        self.nodes += 1
        guard self.nodes <= Self.nodeLimit, depth <= Self.depthLimit else {
            self.exceeded = true
            return ConfigurationNode(position: position, content: .null)
        }
        switch node {
        case .scalar(let scalar):
            let isQuoted = scalar.style != .plain && scalar.style != .any
            if !isQuoted, Self.isNull(scalar.string) { return ConfigurationNode(position: position, content: .null) }
            let content = self.scalar(scalar.string, isQuoted: isQuoted, at: position, into: &faults)
            return ConfigurationNode(position: position, content: .scalar(content))
        case .sequence(let sequence):
            var elements: [ConfigurationNode] = []
            for element in sequence {
                guard !self.exceeded else { break }
                elements.append(self.convert(element, depth: depth + 1, into: &faults))
            }
            return ConfigurationNode(position: position, content: .sequence(elements))
        case .mapping(let mapping):
            let entries = self.entries(mapping, depth: depth, into: &faults)
            return ConfigurationNode(position: position, content: .mapping(entries))
        case .alias:
            return ConfigurationNode(position: position, content: .null)
        }
    }

    private mutating func entries(
        _ mapping: Node.Mapping,
        depth: Int,
        into faults: inout FaultCollector
    ) -> [ConfigurationNode.Entry] {
        var entries: [ConfigurationNode.Entry] = []
        var merged: [ConfigurationNode.Entry] = []
        for (key, value) in mapping {
            guard !self.exceeded else { break }
            let position = self.position(key.mark)
            guard case .scalar(let name) = key else {
                faults.error(at: position, "a key must be a plain word", "write `name: value`")
                continue
            }
            let converted = self.convert(value, depth: depth + 1, into: &faults)
            if let original = self.repeated(name.string) {
                let last = Array(mapping).last { $0.key.scalar?.string == original }
                Self.reportRepeated(original, at: last.map { self.position($0.key.mark) } ?? position, into: &faults)
                continue
            }
            if name.string == "<<", name.style == .plain {
                merged += self.merge(converted, at: position, into: &faults)
            } else {
                entries.append(ConfigurationNode.Entry(key: name.string, position: position, value: converted))
            }
        }
        guard !merged.isEmpty else { return entries }
        var known = Set(entries.map(\.key))
        for entry in merged where known.insert(entry.key).inserted { entries.append(entry) }
        return entries
    }

    private func merge(
        _ node: ConfigurationNode,
        at position: SourcePosition,
        into faults: inout FaultCollector
    ) -> [ConfigurationNode.Entry] {
        switch node.content {
        case .mapping(let entries): return entries
        case .sequence(let elements): return elements.flatMap { self.merge($0, at: position, into: &faults) }
        default:
            faults.error(at: position, "`<<` takes a mapping", "write `<<: *name` with the anchor of a mapping")
            return []
        }
    }

    private func scalar(
        _ raw: String,
        isQuoted: Bool,
        at position: SourcePosition,
        into faults: inout FaultCollector
    ) -> ConfigurationNode.Scalar {
        do {
            let (text, changed) = try self.expansion.expand(raw)
            return .init(raw: raw, text: text, isQuoted: isQuoted, isExpanded: changed, isBroken: false)
        } catch {
            switch error {
            case .unset(let name):
                faults.error(
                    at: position,
                    "the environment variable \(name) is not set",
                    "set it, or write ${\(name):-default}"
                )
            case .unfinished: faults.error(at: position, "`${` is not closed", "write ${NAME}, or $${ for a plain ${")
            case .badName:
                faults.error(
                    at: position,
                    "this is no variable",
                    "write ${NAME} or ${NAME:-default}, or $${ for a plain ${"
                )
            }
            return .init(raw: raw, text: "", isQuoted: isQuoted, isExpanded: true, isBroken: true)
        }
    }

    private func position(_ mark: Mark?) -> SourcePosition {
        SourcePosition(file: self.file, line: max(1, mark?.line ?? 1), column: max(1, mark?.column ?? 1))
    }
}
