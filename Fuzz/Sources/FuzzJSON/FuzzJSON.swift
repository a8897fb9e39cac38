import FuzzDriver
import NIOCore
import NeedletailCore

/// Parse, look at everything, write it again, parse that: the same value. The scanner and the document agree.
func fuzzJSON(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = ByteBuffer(bytes: UnsafeBufferPointer(start: start, count: count))
    let document: JSONDocument
    do { document = try JSONDocument(bytes) } catch {
        guard (0...count).contains(error.offset) else { fatalError("the offset \(error.offset) lies outside") }
        return 0
    }
    guard String(validating: bytes.readableBytesView, as: UTF8.self) != nil else { fatalError("not UTF-8") }
    let range = document.root.range
    guard let end = try? JSONScanner.value(bytes.readableBytesUInt8Span, range.lowerBound), end == range.upperBound
    else {
        fatalError("the scanner found another end")
    }
    var writer = JSONWriter()
    write(document.root, &writer)
    guard let again = try? JSONDocument(writer.bytes) else { fatalError("the rewritten text is refused") }
    guard same(document.root, again.root) else { fatalError("the rewritten value differs") }
    var third = JSONWriter()
    write(again.root, &third)
    guard third.bytes == writer.bytes else { fatalError("the second rewrite differs") }
    return 0
}

private func write(_ view: JSONView, _ writer: inout JSONWriter) {
    switch view.kind {
    case .null: writer.null()
    case .boolean: writer.bool(view.bool == true)
    case .number: writer.raw(view.text)
    case .string: writer.string(view.string ?? "")
    case .array:
        writer.beginArray()
        for element in view.elements { write(element, &writer) }
        writer.endArray()
    case .object:
        writer.beginObject()
        for member in view.members {
            writer.key(member.key)
            write(member.value, &writer)
        }
        writer.endObject()
    }
}

private func same(_ left: JSONView, _ right: JSONView) -> Bool {
    guard left.kind == right.kind else { return false }
    switch left.kind {
    case .null: return right.isNull
    case .boolean: return left.bool == right.bool
    case .number: return left.text == right.text && left.int == right.int && left.double == right.double
    case .string: return left.string.map { Array($0.utf8) } == right.string.map { Array($0.utf8) }
    case .array:
        var others = right.elements
        for element in left.elements {
            guard let other = others.next(), same(element, other) else { return false }
        }
        return others.next() == nil
    case .object:
        var others = right.members
        for member in left.members {
            guard let other = others.next(), Array(member.key.utf8) == Array(other.key.utf8),
                member.hasKey("a") == other.hasKey("a"), same(member.value, other.value)
            else { return false }
        }
        return others.next() == nil
    }
}

/// SwiftPM makes this symbol the program's `main`; libFuzzer's own would not be linked.
@_cdecl("FuzzJSON_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    var (count, arguments) = (count, arguments)
    return LLVMFuzzerRunDriver(&count, &arguments, { fuzzJSON($0, Int($1)) })
}
