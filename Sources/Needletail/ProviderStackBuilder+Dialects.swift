public import NeedletailCore
import NeedletailProviders
public import NeedletailRouting

/// The layers that must read requests and replies, with the dialects that the library has.
extension ProviderStackBuilder {
    /// Answers equal requests from `cache`.
    public func withCache(_ cache: ResponseCache) -> Self {
        self.withCache(cache, codec: DialectCacheCodec())
    }

    /// Keeps replies for a time and answers equal requests from them.
    public func withCache(_ options: ResponseCache.Options = .init(), time: TimeSource = .live) -> Self {
        self.withCache(ResponseCache(options, time: time))
    }

    /// Lets streams that break go on from where they were, by what is tried again inside.
    public func withContinuation(time: TimeSource = .live) -> Self {
        self.withContinuation(dialects: { $0.dialect }, time: time)
    }

    /// Counts an answer that breaks `contract` as a failure, so that another may follow.
    public func withReplyContract(_ contract: ReplyContract) -> Self {
        self.withReplyContract(contract, dialects: { $0.dialect })
    }

    /// Answers equal requests that are under way at the same time from one call, which `jobs` makes.
    public func withCoalescing(_ jobs: BackgroundJobs, time: TimeSource = .live) -> Self {
        self.withCoalescing(FlightTable(runner: jobs.runner), time: time)
    }

    /// Sends copies of some requests to `target` and compares what comes back; `jobs` makes the calls.
    ///
    /// - Parameter onMade: Gets what has the comparisons, ``ShadowTraffic/snapshot()``.
    public func withShadow(
        of target: any Provider, settings: ShadowTraffic.Settings, jobs: BackgroundJobs,
        time: TimeSource = .live, random: RandomSource = .live,
        onMade: (ShadowTraffic) -> Void = { _ in }
    ) -> Self {
        let shadow = ShadowTraffic(
            name: target.id.rawValue, destination: target.id.rawValue, target: target, settings: settings,
            runner: jobs.runner,
            outline: { bytes, dialect, isStream throws(NeedletailError) in
                try ReplyOutline(bytes, dialect: dialect, isStream: isStream)
            }, time: time, random: random)
        onMade(shadow)
        return self.withShadow(shadow)
    }
}
