/// A11: whether this process was started by a machine that builds and tests; and the variable that
/// tells. `CI` decides if it is set; else what the known services set.
package struct ContinuousIntegration: Equatable {
    let name: String
    let value: String
    /// False: `CI` is there and denies it.
    let isDetected: Bool

    package static var isDetected: Bool { current()?.isDetected == true }

    /// Nil when there is no sign of it.
    static func current() -> ContinuousIntegration? {
        if let value = Environment.value("CI") {
            return ContinuousIntegration(name: "CI", value: value, isDetected: affirms(value))
        }
        for name in services {
            guard let value = Environment.value(name), affirms(value) else { continue }
            return ContinuousIntegration(name: name, value: value, isDetected: true)
        }
        return nil
    }

    private static func affirms(_ value: String) -> Bool {
        switch AnswerWord(value) {
        case .empty, .no: false
        case .yes, .other: true
        }
    }

    /// What services say of themselves in their own documents; docs/consent.md lists them.
    private static var services: [String] {
        [
            "GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "TRAVIS", "JENKINS_URL", "TEAMCITY_VERSION",
            "TF_BUILD", "APPVEYOR", "BITBUCKET_BUILD_NUMBER", "CODEBUILD_BUILD_ID", "DRONE", "CIRRUS_CI",
            "SEMAPHORE", "NETLIFY", "VERCEL", "HEROKU_TEST_RUN_ID", "WOODPECKER_CI", "BUDDY_WORKSPACE_ID",
            "BITRISE_IO", "GOCD_SERVER_URL", "HUDSON_URL", "bamboo_buildKey", "PROW_JOB_ID",
        ]
    }
}
