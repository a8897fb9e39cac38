import Logging

/// How text lines look on a terminal.
struct LogStyle: Sendable {
    private let isColored: Bool

    init(_ isColored: Bool) {
        self.isColored = isColored
    }

    /// The beginning of a line: time and level.
    func start(_ wallNanoseconds: Int64, _ level: Logger.Level) -> String {
        let word = level.rawValue.padding(7)
        return "\(self.faint(LogTime.clock(wallNanoseconds))) \(self.color(word, Self.color(of: level))) "
    }

    /// Text that matters less.
    func faint(_ text: String) -> String { self.color(text, 2) }

    /// Text in one of the terminal's colours, by its SGR number.
    func color(_ text: String, _ code: Int?) -> String {
        guard self.isColored, let code else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }

    private static func color(of level: Logger.Level) -> Int? {
        switch level {
        case .trace, .debug: 2
        case .info, .notice: nil
        case .warning: 33
        case .error, .critical: 31
        }
    }

    /// Text without what would move the cursor, begin a new line or write right to left: it may be a stranger's.
    static func plain(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: Self.isHidden) else { return text }
        var plain = ""
        for scalar in text.unicodeScalars { plain.unicodeScalars.append(Self.isHidden(scalar) ? " " : scalar) }
        return plain
    }

    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}

extension String {
    /// The text with spaces behind it up to a width.
    fileprivate func padding(_ width: Int) -> String {
        self.utf8.count < width ? self + String(repeating: " ", count: width - self.utf8.count) : self
    }
}
