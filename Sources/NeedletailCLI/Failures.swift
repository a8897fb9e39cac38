import NeedletailControl
import NeedletailCore

/// What a person at a terminal is told of an error.
enum Failures {
    static func text(_ error: any Error) -> String {
        switch error {
        case let error as NeedletailError: error.message
        case let error as ConfigurationError: error.description
        default: String(describing: error)
        }
    }
}
