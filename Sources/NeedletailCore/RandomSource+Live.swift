extension RandomSource {
    /// The system's randomness. The one place in `Sources/` where it is drawn from.
    public static let live = RandomSource {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
