import CNeedletailSystem

/// Settings of the allocator for a process that serves.
enum MemoryTuning {
    /// glibc returns large blocks to the system at once and fetches them anew for the next request, which doubles the
    /// cost of a 100 KB body. Blocks up to 4 MiB stay; a larger body is rare enough to pay for itself.
    static func apply() {
        needletail_keep_freed_blocks(4 << 20)
    }
}
