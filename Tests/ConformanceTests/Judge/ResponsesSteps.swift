import Foundation

/// The order of a Responses stream: numbers without a gap, items and parts that are added, filled and done.
struct ResponsesSteps {
    var seen = SeenReply()
    /// The text of all deltas, refusals included.
    var text = ""
    /// The items that are done, in order.
    var finishedItems: [[String: Any]] = []
    /// The response that the last event holds.
    var last: [String: Any]?
    private var number = 0
    private var nextItem = 0
    private var openItems: [Int: [String: Any]] = [:]
    /// The parts that are open, with what their deltas added up to.
    private var openParts: [String: String] = [:]
    /// Arguments and inputs, by item.
    private var streamed: [Int: String] = [:]

    mutating func step(_ event: RawEvent) {
        let json = event.json
        let type = json.text("type")
        self.seen.demand(type == event.name, "an event's name: \(event.name) for \(type)")
        guard self.last == nil else { return self.seen.demand(false, "\(type) after the end") }
        self.seen.demand(json.number("sequence_number") == self.number, "\(type) has no number \(self.number)")
        if self.number == 0 { self.seen.demand(type == "response.created" || type == "error", "begins with \(type)") }
        self.number += 1
        let index = json.number("output_index") ?? -1
        switch type {
        case "response.created", "response.in_progress", "response.queued":
            self.seen.demand(json.object("response").text("object") == "response", "\(type) without a response")
        case "response.output_item.added":
            self.seen.demand(index == self.nextItem, "item \(index) instead of \(self.nextItem)")
            self.nextItem += 1
            self.openItems[index] = json.object("item")
        case "response.output_item.done":
            let item = json.object("item")
            let added = self.openItems.removeValue(forKey: index)
            self.seen.demand(added != nil, "the end of no item")
            self.seen.demand(added?.text("type") == item.text("type"), "an item that changed its type")
            self.seen.demand(added?.text("id") == item.text("id"), "an item that changed its id")
            self.seen.demand(
                !self.openParts.keys.contains { $0.hasPrefix("\(index)/") }, "an item's end before its part's")
            if let streamed = self.streamed[index] {
                let whole = item["arguments"] as? String ?? item["input"] as? String
                self.seen.demand(streamed == whole, "arguments that differ from their deltas")
            }
            self.finishedItems.append(item)
        case "response.completed", "response.incomplete", "response.failed":
            self.seen.demand(self.openItems.isEmpty || type == "response.failed", "\(type) with open items")
            self.last = json.object("response")
        case "error": break
        default: self.stepInside(type, index, json)
        }
    }

    private mutating func stepInside(_ type: String, _ index: Int, _ json: [String: Any]) {
        let item = self.openItems[index]
        self.seen.demand(item != nil, "\(type) of no item")
        if let id = json["item_id"] as? String { self.seen.demand(id == item?.text("id"), "\(type) of another item") }
        let isSummary = type.contains("reasoning_summary")
        let place =
            "\(index)/\(isSummary ? "s" : "c")\(json.number(isSummary ? "summary_index" : "content_index") ?? -1)"
        let delta = json.text("delta")
        switch type {
        case "response.content_part.added", "response.reasoning_summary_part.added":
            self.seen.demand(self.openParts[place] == nil, "a part twice")
            self.openParts[place] = ""
        case "response.output_text.delta", "response.refusal.delta":
            self.seen.demand(self.openParts[place] != nil, "\(type) of no part")
            self.openParts[place, default: ""] += delta
            self.text += delta
        case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
            self.seen.demand(self.openParts[place] != nil, "\(type) of no part")
            self.openParts[place, default: ""] += delta
        case "response.output_text.done", "response.refusal.done", "response.reasoning_summary_text.done",
            "response.reasoning_text.done":
            let whole = json["text"] as? String ?? json.text("refusal")
            self.seen.demand(self.openParts[place] == whole, "\(type) differs from its deltas")
        case "response.content_part.done", "response.reasoning_summary_part.done":
            self.seen.demand(self.openParts.removeValue(forKey: place) != nil, "the end of no part")
        case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta":
            self.streamed[index, default: ""] += delta
        case "response.function_call_arguments.done", "response.custom_tool_call_input.done":
            let whole = json["arguments"] as? String ?? json.text("input")
            self.seen.demand(self.streamed[index, default: ""] == whole, "\(type) differs from its deltas")
        default: break
        }
    }
}
