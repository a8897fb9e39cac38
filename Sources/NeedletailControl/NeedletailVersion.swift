/// The version of this program.
public enum NeedletailVersion {
    /// As `needletail --version` and the metrics show it.
    public static let current = "0.1.0"
}
