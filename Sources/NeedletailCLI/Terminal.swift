import Foundation

/// What stands at a standard stream, and what is typed there.
struct Terminal {
    /// Where results go.
    static let output = Terminal(descriptor: STDOUT_FILENO)
    /// Where keys come from.
    static let input = Terminal(descriptor: STDIN_FILENO)
    /// Where progress goes.
    static let error = Terminal(descriptor: STDERR_FILENO)

    let descriptor: Int32

    /// Whether a person may be looking.
    var isTerminal: Bool { isatty(self.descriptor) == 1 }

    /// How wide it is; $COLUMNS, else 80, where nobody says.
    var columns: Int { self.size.map { Int($0.ws_col) } ?? Self.variable("COLUMNS") ?? 80 }

    /// How high it is; $LINES, else 24, where nobody says.
    var rows: Int { self.size.map { Int($0.ws_row) } ?? Self.variable("LINES") ?? 24 }

    private var size: winsize? {
        var size = winsize()
        guard unsafe ioctl(self.descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return nil
        }
        return size
    }

    private static func variable(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    }

    /// A text from outside without what would move the cursor or change colours.
    static func plain(_ text: String) -> String {
        String(
            text.map { $0.unicodeScalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) } ? " " : $0 })
    }

    // MARK: Keys

    /// Keys come one by one and are not shown, until it ends.
    struct RawMode {
        private let before: termios?

        init() {
            var mode = termios()
            guard unsafe tcgetattr(STDIN_FILENO, &mode) == 0 else {
                self.before = nil
                return
            }
            self.before = mode
            mode.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
            _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &mode)
        }

        /// As it was.
        func end() {
            guard var before = self.before else { return }
            _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &before)
        }
    }
}
