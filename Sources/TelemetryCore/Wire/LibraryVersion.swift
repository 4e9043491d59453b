/// The version of this library, as it introduces itself to receivers.
enum LibraryVersion {
    static let text = "0.1.0"
}
