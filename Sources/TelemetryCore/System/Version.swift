// SPDX-License-Identifier: Apache-2.0

/// The one place where the version stands; the Makefile and the packages read it from here.
package enum TelemetryVersion {
    package static let staticText: StaticString = "0.1.0"
    package static var text: String { staticText.description }
}
