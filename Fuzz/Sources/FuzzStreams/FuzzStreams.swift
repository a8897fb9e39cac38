import FuzzDriver
import NIOCore
import NeedletailCore
import NeedletailProviders

/// A stream is read the same whole and split, and what is written of it for another dialect that dialect reads.
///
/// The first bytes choose the upstream's dialect, the client's, and how the stream is split.
func fuzzStreams(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count > 6 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    let source = DialectID.allCases[Int(input[0]) % DialectID.allCases.count]
    let target = DialectID.allCases[Int(input[1]) % DialectID.allCases.count]
    let stream = ByteBuffer(bytes: input[6...])
    let whole = decode(stream, source, [stream.readableBytes])
    let split = decode(stream, source, input[2..<6].map { Int($0 % 32) + 1 })
    guard whole.isWhole == split.isWhole, whole.text == split.text else { fatalError("split it differs") }
    tap(stream, source)

    var encoder = target.dialect.makeStreamEncoder(
        StreamEncoderOptions(includesUsage: true, model: "m", created: 1, replyID: "i"))
    var out = ByteBuffer()
    for event in whole.events { encoder.encode(event, into: &out) }
    guard whole.isWhole else { return 0 }
    encoder.finish(into: &out)
    guard decode(out, target, [out.readableBytes]).isWhole else {
        fatalError("\(target) does not read what it wrote of \(source): \(String(buffer: out))")
    }
    return 0
}

private struct Reading {
    var events: [ChatEvent] = []
    var isWhole = false
    /// All text, in its order: how it is cut follows the chunks.
    var text = ""
}

private func decode(_ stream: ByteBuffer, _ dialect: DialectID, _ sizes: [Int]) -> Reading {
    var decoder = dialect.dialect.makeStreamDecoder()
    var reading = Reading()
    var rest = stream
    var turn = 0
    do {
        while rest.readableBytes > 0 {
            let size = min(rest.readableBytes, sizes[turn % sizes.count])
            turn += 1
            if let chunk = rest.readSlice(length: size) { try decoder.decode(chunk, into: &reading.events) }
        }
        try decoder.finish(into: &reading.events)
        reading.isWhole = true
    } catch {
        _ = decoder.salvage(into: &reading.events)
    }
    for case .text(let text, _) in reading.events { reading.text += text }
    return reading
}

private func tap(_ stream: ByteBuffer, _ dialect: DialectID) {
    var tap = dialect.dialect.makeStreamTap()
    for line in stream.readableBytesView.split(separator: UInt8(ascii: "\n")) {
        let data = line.starts(with: "data:".utf8) ? line.dropFirst(5) : line
        guard (try? tap.observe(name: ByteBuffer(), data: ByteBuffer(bytes: data))) != nil else { return }
    }
    var out = ByteBuffer()
    tap.writeEnd(into: &out)
}

/// SwiftPM makes this symbol the program's `main`; libFuzzer's own would not be linked.
@_cdecl("FuzzStreams_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    var (count, arguments) = (count, arguments)
    return LLVMFuzzerRunDriver(&count, &arguments, { fuzzStreams($0, Int($1)) })
}
