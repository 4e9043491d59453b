import CSystem
import XCTest

@testable import TelemetryCore

/// A11
final class ContinuousIntegrationTests: XCTestCase {
    private var home: ScratchHome!

    override func setUp() { home = ScratchHome() }
    override func tearDown() { home.restore() }

    func testDetection() {
        let table: [([String: String], Bool)] = [
            ([:], false), (["CI": "true"], true), (["CI": "1"], true), (["CI": "woodpecker"], true),
            (["CI": "false"], false),
            (["CI": "0"], false), (["CI": "No"], false), (["CI": "OFF"], false), (["CI": ""], false),
            (["CI": "false", "GITHUB_ACTIONS": "true"], false), (["CI": "", "TRAVIS": "true"], false),
            (["GITHUB_ACTIONS": "true"], true), (["GITHUB_ACTIONS": "false"], false), (["GITLAB_CI": ""], false),
            (["JENKINS_URL": "https://ci/"], true), (["TEAMCITY_VERSION": "2024.1"], true),
            (["TF_BUILD": "True"], true),
            (["BITBUCKET_BUILD_NUMBER": "0"], false), (["PROW_JOB_ID": "x"], true), (["bamboo_buildKey": "x"], true),
        ]
        for (variables, expected) in table {
            for (name, value) in variables { home.set(name, value) }
            XCTAssertEqual(ContinuousIntegration.isDetected, expected, "\(variables)")
            for name in variables.keys { home.set(name, nil) }
        }
    }
}
