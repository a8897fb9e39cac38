import NIOCore
public import NeedletailCore

/// What a file of application default credentials holds:
/// <https://cloud.google.com/docs/authentication/application-default-credentials>.
public enum GoogleCredentials: Sendable, Hashable {
    /// A key of a service account.
    case serviceAccount(ServiceAccount)
    /// A person's consent, as `gcloud auth application-default login` stores it.
    case authorizedUser(clientID: String, clientSecret: String, refreshToken: String)

    /// A service account and one of its keys.
    public struct ServiceAccount: Sendable, Hashable {
        /// Who it is.
        public var email: String
        /// The key's name.
        public var keyID: String?
        /// The key in PEM.
        public var privateKey: String
        /// Where tokens come from.
        public var tokenURL: String
        /// The project that it belongs to.
        public var projectID: String?
    }

    /// Where tokens come from when a file does not say.
    public static let tokenURL = "https://oauth2.googleapis.com/token"

    /// Reads a file.
    ///
    /// - Throws: `.credentialRejected` with what is wrong, never with what the file holds.
    public init(file: String) throws(NeedletailError) {
        guard let root = try? JSONDocument(ByteBuffer(string: file)).root, root.kind == .object else {
            throw Self.fault("is not JSON")
        }
        switch root.present("type")?.string {
        case "service_account":
            guard let email = root.present("client_email")?.string, let key = root.present("private_key")?.string else {
                throw Self.fault("has no client_email or private_key")
            }
            self = .serviceAccount(
                ServiceAccount(
                    email: email, keyID: root.present("private_key_id")?.string, privateKey: key,
                    tokenURL: root.present("token_uri")?.string ?? Self.tokenURL,
                    projectID: root.present("project_id")?.string))
        case "authorized_user":
            guard let id = root.present("client_id")?.string, let secret = root.present("client_secret")?.string,
                let token = root.present("refresh_token")?.string
            else { throw Self.fault("has no client_id, client_secret or refresh_token") }
            self = .authorizedUser(clientID: id, clientSecret: secret, refreshToken: token)
        case let type?:
            throw Self.fault("is of the type '\(type.prefix(40))'; service_account and authorized_user are known")
        case nil: throw Self.fault("has no type")
        }
    }

    /// Where tokens come from.
    public var tokenURL: String {
        switch self {
        case .serviceAccount(let account): account.tokenURL
        case .authorizedUser: Self.tokenURL
        }
    }

    /// The project that the file names.
    public var projectID: String? {
        if case .serviceAccount(let account) = self { account.projectID } else { nil }
    }

    private static func fault(_ what: String) -> NeedletailError {
        NeedletailError(.credentialRejected, "The credentials file \(what).")
    }
}
