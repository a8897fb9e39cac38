import Foundation

private var schema: [String: Any] { ["type": "object", "properties": ["a": ["type": "string"]]] }
private var function: [String: Any] {
    ["type": "function", "function": ["name": "look", "parameters": schema] as [String: Any]]
}

extension ChatJudge {
    static var wishes: [String: Any] { ["tools": [function], "reasoning_effort": "low"] }
}

extension MessagesJudge {
    static var wishes: [String: Any] {
        ["tools": [["name": "look", "input_schema": schema]], "thinking": ["type": "enabled", "budget_tokens": 1024]]
    }
}

extension ResponsesJudge {
    static var wishes: [String: Any] {
        ["tools": [["type": "function", "name": "look", "parameters": schema]], "reasoning": ["effort": "low"]]
    }
}

extension GeminiJudge {
    static var wishes: [String: Any] {
        [
            "tools": [["functionDeclarations": [["name": "look", "parametersJsonSchema": schema]]]],
            "generationConfig": ["thinkingConfig": ["includeThoughts": true, "thinkingBudget": 1024]],
        ]
    }
}

extension ConverseJudge {
    static var wishes: [String: Any] {
        ["toolConfig": ["tools": [["toolSpec": ["name": "look", "inputSchema": ["json": schema]] as [String: Any]]]]]
    }
}

extension OllamaJudge {
    static var wishes: [String: Any] { ["tools": [function], "think": true] }
}

extension GenerateJudge {
    static var wishes: [String: Any] { ["think": true] }
}

extension CohereJudge {
    static var wishes: [String: Any] { ["tools": [function]] }
}

extension CompletionsJudge {
    static var wishes: [String: Any] { [:] }
}
