import NIOCore
import NIOHTTP1
package import NeedletailCore
import Synchronization

/// Locks out who guesses clients' keys at the API listener.
///
/// A guesser sends different keys, a client with an old key the same one again: only different ones count, so that nobody is
/// locked out for a mistake. Behind one address there may be many: long keys go on, and short ones that were in use there
/// since the first guess.
package final class GuessGuard: Sendable {
    /// Different wrong keys of one client, within ``GuessGuardState/window``, that lock it out.
    package static let threshold = 30
    /// From how many characters on a key is not found by guessing, whatever the rate: twenty random letters and digits have
    /// 119 bits. Such keys, those that the gateway makes and signed tokens pass always, so that nobody can lock their
    /// users out from an address that they share.
    package static let safeLength = 20

    private let state = Mutex(GuessGuardState(threshold: GuessGuard.threshold))
    /// Until when a wrong key may matter, in nanoseconds; 0 where nobody has sent one of late: then right keys cost a look at
    /// this.
    private let noisyUntil = Atomic<Int64>(0)
    private let time: TimeSource

    package init(time: TimeSource) {
        self.time = time
    }

    /// What is to be said of a right key; `nil` where it may pass.
    func refusal(
        rightKey name: String, _ head: HTTPRequestHead, from peer: @autoclosure () -> SocketAddress?,
        behind proxies: [ClientNetwork]
    ) -> NeedletailError? {
        let until = self.noisyUntil.load(ordering: .relaxed)
        guard until != 0 else { return nil }
        let now = self.time.now()
        guard now.nanoseconds < until else {
            // Unless another wrong key has come meanwhile.
            _ = self.noisyUntil.compareExchange(expected: until, desired: 0, ordering: .relaxed)
            return nil
        }
        guard let secret = Credential.find(in: head), secret.utf8.count < Self.safeLength else { return nil }
        let client = Self.client(head, peer(), proxies)
        return self.state.withLock { $0.pass(client, key: name.hashValue, now: now) }.map(Self.locked)
    }

    /// Takes note of a wrong key.
    ///
    /// - Returns: What is to be said, where the client is locked out.
    func refusal(
        wrongKey secret: String, _ head: HTTPRequestHead, from peer: SocketAddress?, behind proxies: [ClientNetwork]
    ) -> NeedletailError? {
        let (client, now) = (Self.client(head, peer, proxies), self.time.now())
        let wait: Duration? = self.state.withLock { state in
            if let wait = state.wait(of: client, now: now) { return wait }
            let locks = state.fail(client, guess: secret.hashValue, now: now)
            let memory = GuessGuardState.window + GuessGuardState.lockTime
            self.noisyUntil.max(now.advanced(by: memory).nanoseconds, ordering: .relaxed)
            return locks ? GuessGuardState.lockTime : nil
        }
        return wait.map(Self.locked)
    }

    private static func locked(_ wait: Duration) -> NeedletailError {
        NeedletailError(.rateLimited, "Too many wrong API keys came from here; try again later.", retryAfter: wait)
    }

    private static func client(
        _ head: HTTPRequestHead, _ peer: SocketAddress?, _ proxies: [ClientNetwork]
    ) -> String {
        ClientAddress.find(head, from: peer, behind: proxies)?.clientNetwork ?? ""
    }
}
