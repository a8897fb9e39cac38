import HTTPTypes
import NeedletailCore

/// How long a provider asks us to wait.
enum OpenAIChatRetry {
    static func header(_ headers: HTTPFields, _ name: String) -> String? {
        guard let name = HTTPField.Name(name) else { return nil }
        return headers[name]
    }

    /// `retry-after-ms` and `retry-after` first, then the resets of the limits that are used up, then the prose.
    static func delay(headers: HTTPFields, message: String?) -> Duration? {
        if let delay = RetryAfter.delay(headers) { return delay }
        var longest: Double?
        for kind in ["requests", "tokens"] {
            guard let spelled = self.header(headers, "x-ratelimit-reset-\(kind)"), let seconds = self.seconds(spelled)
            else { continue }
            if let left = self.header(headers, "x-ratelimit-remaining-\(kind)"), let left = Double(left), left > 0 {
                continue
            }
            longest = max(longest ?? 0, seconds)
        }
        if let longest { return RetryAfter.duration(longest) }
        return self.delay(message: message)
    }

    /// From prose such as `Please try again in 11.054s.`
    static func delay(message: String?) -> Duration? {
        let words = (message ?? "").split(separator: " ")
        for index in words.indices.dropFirst(2) where words[index] == "in" {
            guard words[index - 1] == "again", words[index - 2].lowercased() == "try", index + 1 < words.count else {
                continue
            }
            var spelled = words[index + 1]
            while let last = spelled.last, last == "." || last == "," { spelled = spelled.dropLast() }
            if let seconds = self.seconds(String(spelled)) { return RetryAfter.duration(seconds) }
        }
        return nil
    }

    /// `11.284s`, `120ms`, `11m31.2s`, `1h2m`, `500`.
    static func seconds(_ spelled: String) -> Double? {
        var total = 0.0
        var number = ""
        var units = Substring(spelled)
        while let character = units.first {
            if character.isASCII, character.isNumber || character == "." {
                number.append(character)
                units = units.dropFirst()
                continue
            }
            guard let value = Double(number) else { return nil }
            number = ""
            if units.hasPrefix("ms") {
                total += value / 1000
                units = units.dropFirst(2)
            } else if character == "s" {
                total += value
                units = units.dropFirst()
            } else if character == "m" {
                total += value * 60
                units = units.dropFirst()
            } else if character == "h" {
                total += value * 3600
                units = units.dropFirst()
            } else if character == "d" {
                total += value * 86_400
                units = units.dropFirst()
            } else {
                return nil
            }
        }
        if !number.isEmpty {
            guard let value = Double(number) else { return nil }
            total += value
        }
        return spelled.isEmpty ? nil : total
    }
}
