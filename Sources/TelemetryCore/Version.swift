/// The one place where the version stands; the Makefile and the packages read it from here.
package enum TelemetryVersion {
    package static let text = "0.1.0"
}
