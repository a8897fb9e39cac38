import NeedletailCore

/// Waits that servers ask for in words, and in the members of their errors.
enum RetryProse {
    /// What `try again in 11.054s`, `retry after 20 seconds`, `wait 7 seconds before retrying` and the like ask for.
    static func delay(_ message: String?) -> Duration? {
        guard let message else { return nil }
        let words = message.split { $0 == " " || $0.isNewline }.map { $0.lowercased() }
        for index in words.indices.dropLast() where Self.leads(to: index, words) {
            let spelled = Self.bare(words[index + 1])
            guard let value = Self.seconds(spelled) else { continue }
            let unit = index + 2 < words.count ? Self.unit(words[index + 2]) : nil
            // A bare number counts only with the unit behind it: `in 5 regions` asks for nothing.
            if Double(spelled) != nil, unit == nil, words[index] == "in" { continue }
            return RetryAfter.duration(value * (Double(spelled) != nil ? unit ?? 1 : 1))
        }
        return nil
    }

    /// Whether a wait follows the word at `index`: `try again in`, `retry after`, `available in`, `wait for`.
    private static func leads(to index: Int, _ words: [String]) -> Bool {
        let before = index > 0 ? words[index - 1] : ""
        return switch words[index] {
        case "in", "after": Self.openings.contains(before)
        case "wait": true
        case "for", "about", "at-least": before == "wait"
        default: false
        }
    }

    private static let openings: Set<String> = ["again", "retry", "retrying", "available", "reset", "resets"]

    private static func bare(_ word: String) -> String {
        var word = word[...]
        while let first = word.first, !first.isLetter, !first.isNumber { word = word.dropFirst() }
        while let last = word.last, !last.isLetter, !last.isNumber { word = word.dropLast() }
        return String(word)
    }

    private static func unit(_ word: String) -> Double? {
        switch Self.bare(word) {
        case "ms", "millisecond", "milliseconds": 0.001
        case "s", "sec", "secs", "second", "seconds": 1
        case "m", "min", "mins", "minute", "minutes": 60
        case "h", "hour", "hours": 3600
        case "d", "day", "days": 86_400
        default: nil
        }
    }

    /// `11.284s`, `120ms`, `11m31.2s`, `1h2m`, `500`.
    static func seconds(_ spelled: String) -> Double? {
        var total = 0.0
        var number = ""
        var rest = Substring(spelled)
        while let character = rest.first {
            if character.isASCII, character.isNumber || character == "." {
                number.append(character)
                rest = rest.dropFirst()
                continue
            }
            guard let value = Double(number) else { return nil }
            number = ""
            let letters = rest.prefix { $0.isLetter }
            guard let unit = Self.unit(String(letters)) else { return nil }
            total += value * unit
            rest = rest[letters.endIndex...]
        }
        if !number.isEmpty {
            guard let value = Double(number) else { return nil }
            total += value
        }
        return spelled.isEmpty ? nil : total
    }

    /// What an error's members ask for: Google's `RetryInfo`
    /// (<https://cloud.google.com/apis/design/errors#error_payloads>), a `retry_after` beside the message or under
    /// `metadata`, and else the message's words.
    static func delay(in root: JSONView) -> Duration? {
        var root = root
        if root.kind == .array {
            var elements = root.elements
            root = elements.next() ?? root
        }
        let error = root.present("error") ?? root
        for detail in error.present("details")?.elements ?? root.elements {
            if let spelled = detail.present("retryDelay")?.string, let seconds = Self.seconds(spelled) {
                return RetryAfter.duration(seconds)
            }
        }
        for holder in [error, error.present("metadata"), root].compactMap({ $0 }) {
            let value = holder.present("retry_after") ?? holder.present("retry_after_seconds")
            if let seconds = value?.double ?? value?.string.flatMap(Self.seconds), seconds >= 0 {
                return RetryAfter.duration(seconds)
            }
        }
        let messages = [
            error.present("message")?.string, error.string, error.present("metadata")?.present("raw")?.string,
            root.present("detail")?.string,
        ]
        return messages.lazy.compactMap(Self.delay).first
    }
}
