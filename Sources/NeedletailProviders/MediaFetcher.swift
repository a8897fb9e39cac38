public import NeedletailCore

/// Fetches what a URL in a request points to, for upstreams that take only inline media.
///
/// There is one only where the operator allows it: the gateway then makes requests that its clients choose.
public protocol MediaFetcher: Sendable {
    /// - Returns: The media type and the data in base64.
    /// - Throws: `.invalidRequest` if the URL gives no such thing.
    func fetch(_ url: String, deadline: Instant?) async throws(NeedletailError) -> (mediaType: String, data: String)
}

/// How much media one request may have fetched.
private struct MediaAllowance {
    /// How many URLs.
    static let maximumURLs = 16
    /// How much data together, in bytes of base64.
    static let maximumSize = 40 << 20

    private var size = 0

    /// Refuses a request that names too many.
    static func check(urls: Int) throws(NeedletailError) {
        guard urls > Self.maximumURLs else { return }
        throw NeedletailError(
            .invalidRequest,
            "The request names \(urls) URLs of images and documents; at most \(Self.maximumURLs) are fetched.",
            parameter: "messages"
        )
    }

    /// Adds what was fetched.
    mutating func add(_ data: String) throws(NeedletailError) {
        self.size += data.utf8.count
        guard self.size > Self.maximumSize else { return }
        throw NeedletailError(
            .invalidRequest,
            "The images and documents behind the request's URLs are larger than "
                + "\(Self.maximumSize >> 20) MiB together in base64.",
            parameter: "messages"
        )
    }
}

extension ChatRequest {
    /// Whether an image or document is somewhere else than in the request.
    var namesMedia: Bool {
        self.messages.contains { $0.content.contains(where: Self.namesMedia) }
    }

    private static func namesMedia(_ part: ContentPart) -> Bool {
        switch part {
        case .image(let image): if case .url = image.source { true } else { false }
        case .document(let document): if case .url = document.source { true } else { false }
        case .toolResult(let result): result.content.contains(where: Self.namesMedia)
        default: false
        }
    }

    /// How many URLs there are, one that is there twice counted twice.
    private static func mediaURLs(_ content: [ContentPart]) -> Int {
        content.reduce(0) { count, part in
            if case .toolResult(let result) = part { return count + Self.mediaURLs(result.content) }
            return count + (Self.namesMedia(part) ? 1 : 0)
        }
    }

    /// Puts the media behind URLs into the request itself, those in the results of tools too.
    ///
    /// - Throws: `.unsupported` where there is a URL and no fetcher, `.invalidRequest` where there is too much.
    func inliningMedia(
        with fetcher: (any MediaFetcher)?,
        deadline: Instant?
    ) async throws(NeedletailError) -> ChatRequest {
        var copy = self
        var allowance = MediaAllowance()
        if fetcher != nil {
            try MediaAllowance.check(urls: self.messages.reduce(0) { $0 + Self.mediaURLs($1.content) })
        }
        for message in copy.messages.indices where copy.messages[message].content.contains(where: Self.namesMedia) {
            copy.messages[message].content = try await Self.inlined(
                copy.messages[message].content, fetcher, deadline, &allowance)
        }
        return copy
    }

    private static func inlined(
        _ content: [ContentPart],
        _ fetcher: (any MediaFetcher)?,
        _ deadline: Instant?,
        _ allowance: inout MediaAllowance
    ) async throws(NeedletailError) -> [ContentPart] {
        var content = content
        for part in content.indices {
            switch content[part] {
            case .image(var image):
                guard case .url(let url) = image.source else { continue }
                image.source = try await Self.inline(url, fetcher, deadline, &allowance)
                content[part] = .image(image)
            case .document(var document):
                guard case .url(let url) = document.source else { continue }
                document.source = try await Self.inline(url, fetcher, deadline, &allowance)
                content[part] = .document(document)
            case .toolResult(var result):
                guard result.content.contains(where: Self.namesMedia) else { continue }
                // Results of tools do not nest.
                result.content = try await Self.inlined(result.content, fetcher, deadline, &allowance)
                content[part] = .toolResult(result)
            default: continue
            }
        }
        return content
    }

    private static func inline(
        _ url: String,
        _ fetcher: (any MediaFetcher)?,
        _ deadline: Instant?,
        _ allowance: inout MediaAllowance
    ) async throws(NeedletailError) -> MediaSource {
        guard let fetcher else {
            throw NeedletailError(
                .unsupported,
                "This provider takes images and documents only inside the request (base64), "
                    + "and this gateway does not fetch URLs.",
                parameter: "messages"
            )
        }
        let (mediaType, data) = try await fetcher.fetch(url, deadline: deadline)
        try allowance.add(data)
        return .base64(mediaType: mediaType, data: data)
    }
}
