import NeedletailCore

extension ModelField {
    /// What an image or a document is called by where it is: Gemini, for one, has other words for what is somewhere else.
    func at(_ source: MediaSource) -> ModelField {
        switch source {
        case .base64, .text: self
        case .url: self == .image ? .imageURL : .documentURL
        case .fileID: .fileID
        }
    }
}
