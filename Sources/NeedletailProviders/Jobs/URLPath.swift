/// The part of a URL that a request names.
enum URLPath {
    /// Path and query; `/` if there is none.
    static func path(of url: String) -> String {
        let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        return parts.count > 3 ? "/" + parts[3].prefix { $0 != "#" } : "/"
    }
}
