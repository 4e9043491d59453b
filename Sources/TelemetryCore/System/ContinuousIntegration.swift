// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A11: whether a machine that builds and tests has started this process, and the variable that tells. `CI` decides if
/// it is set; else the variables of the known services do.
package struct ContinuousIntegration: Equatable {
    let name: String
    let value: String
    /// False: `CI` is there and denies it.
    let isDetected: Bool

    package static var isDetected: Bool { current()?.isDetected == true }

    /// Nil when there is no sign of it.
    static func current() -> ContinuousIntegration? {
        // A denial is not a refusal.
        if let value = Environment.refusing("CI", affirms), affirms(value) || !Environment.isUntrusted {
            return ContinuousIntegration(name: "CI", value: value, isDetected: affirms(value))
        }
        // One literal, walked name by name: no array has to be made.
        var at = services.cString
        while at.pointee != 0 {
            if let value = Environment.refusing(at, affirms), affirms(value) {
                return ContinuousIntegration(name: String(cString: at), value: value, isDetected: true)
            }
            at += strlen(at) &+ 1
        }
        return nil
    }

    private static func affirms(_ value: String) -> Bool {
        AnswerWord(value).refuses
    }

    /// Variables that services name in their own documents; docs/consent.md lists them.
    package static var services: StaticString {
        """
        GITHUB_ACTIONS\0GITLAB_CI\0BUILDKITE\0CIRCLECI\0TRAVIS\0JENKINS_URL\0TEAMCITY_VERSION\0\
        TF_BUILD\0APPVEYOR\0BITBUCKET_BUILD_NUMBER\0CODEBUILD_BUILD_ID\0DRONE\0CIRRUS_CI\0\
        SEMAPHORE\0NETLIFY\0VERCEL\0HEROKU_TEST_RUN_ID\0WOODPECKER_CI\0BUDDY_WORKSPACE_ID\0\
        BITRISE_IO\0GO_SERVER_URL\0HUDSON_URL\0bamboo_buildKey\0PROW_JOB_ID\0
        """
    }
}
