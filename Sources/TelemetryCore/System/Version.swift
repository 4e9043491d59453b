// SPDX-License-Identifier: Apache-2.0

/// The only place where the version is written; the Makefile and the packages read it from here.
package enum TelemetryVersion {
    package static let staticText: StaticString = "0.1.0"
    package static var text: String { staticText.description }
}
