import NeedletailCore

/// The arguments of a tool call, for dialects that have them as a JSON object and not as text.
enum ToolArguments {
    /// Arguments as the JSON object they are; empty ones as `{}`; `nil` for everything else.
    ///
    /// Some models and servers encode the object twice, so that the arguments are a JSON string which holds it.
    static func object(_ arguments: String) -> JSONText? {
        guard arguments.contains(where: { !$0.isWhitespace }) else { return JSONText(unchecked: "{}") }
        guard let text = try? JSONText(arguments), let view = try? text.view() else { return nil }
        if view.kind == .object { return text }
        return view.string.flatMap(Self.plainObject)
    }

    /// A text as the JSON object that it is; `nil` for everything else.
    static func plainObject(_ text: String) -> JSONText? {
        guard let text = try? JSONText(text), let view = try? text.view(), view.kind == .object else { return nil }
        return text
    }
}
