extension String {
    /// How many Unicode scalars it has: its bytes but for those that continue one. Cheaper than a walk over the scalars.
    package var scalarCount: Int {
        var count = 0
        for unit in self.utf8 where unit & 0xC0 != 0x80 { count &+= 1 }
        return count
    }
}
