/// Models for which a picture is more input than for others.
enum ImageTokens {
    /// A price that is OpenAI's for the larger model, told in tokens of a cheaper one: 2,833 and 5,667 for each of up to eight
    /// tiles of 512 pixels, of a picture that fits 2,048 pixels square and has a short side of 768
    /// (<https://platform.openai.com/docs/guides/images-vision#calculating-costs>).
    private static let tiled = (model: "gpt-4o-mini", tokens: 2_833 + 8 * 5_667)

    /// The most tokens of a picture; `nil` for no more than usual.
    static func most(_ model: String) -> Int? {
        model.contains(Self.tiled.model) ? Self.tiled.tokens : nil
    }
}
