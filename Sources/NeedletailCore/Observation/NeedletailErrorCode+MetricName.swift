extension NeedletailError.Code {
    /// The code in the words of a label: `rate_limited`, `timed_out`.
    package var metricName: String {
        var name = ""
        for character in self.description {
            if character.isUppercase { name += "_" }
            name += character.lowercased()
        }
        return name
    }
}
