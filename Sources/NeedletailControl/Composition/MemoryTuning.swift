import CNeedletailSystem

/// Settings of the allocator for a process that serves.
enum MemoryTuning {
    /// glibc returns large blocks to the system at once and fetches them anew for the next request, which doubles the
    /// cost of a 100 KB body. Blocks up to 4 MiB stay; a larger body is rare enough to pay for itself.
    static func apply() {
        needletail_keep_freed_blocks(4 << 20)
    }
    /// A start reads much that serving never needs: the configuration's parser, metadata, Foundation. Two fifths of the
    /// idle process are given back, and a first request maps again what it needs in well under a millisecond.
    static func startIsOver() {
        needletail_release_code()
    }
}
