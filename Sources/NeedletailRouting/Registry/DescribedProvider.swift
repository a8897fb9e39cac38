public import NeedletailCore

/// A provider that says of itself what is known beforehand, so that groups and registries need not be told.
public protocol DescribedProvider: Provider {
    /// What is known of it.
    var profile: ProviderProfile { get }
}
