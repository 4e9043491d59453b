// SPDX-License-Identifier: Apache-2.0
import CSystem

/// D4: whether this process runs in something that is thrown away soon. There, an identifier that is kept would be a
/// new one each time, and look like a new user.
package struct Surroundings {
    package var isContinuousIntegration = false
    package var isContainer = false

    package var areShortLived: Bool { isContinuousIntegration || isContainer }

    package init(isContinuousIntegration: Bool, isContainer: Bool) {
        self.isContinuousIntegration = isContinuousIntegration
        self.isContainer = isContainer
    }

    package static func current() -> Surroundings {
        Surroundings(isContinuousIntegration: ContinuousIntegration.isDetected, isContainer: isInContainer)
    }

    /// What Docker, Podman and Kubernetes leave, and the variable `container` of systemd's container interface.
    private static var isInContainer: Bool {
        for name in ["container", "KUBERNETES_SERVICE_HOST"] {
            if let value = Environment.value(name), !value.utf8.isEmpty { return true }
        }
        return access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0
    }
}
