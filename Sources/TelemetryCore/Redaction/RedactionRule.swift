// SPDX-License-Identifier: Apache-2.0

/// C7: the rules, each with what it finds and what it puts in its place. docs/redaction.md is this table for people. A
/// test keeps the two in step, and each case of the corpus names its rule.
package enum RedactionRule: Int, CaseIterable {
    case userInfo, secretValue, header, option, command, login, scheme, tokenPrefix, webToken, privateKey, opaqueRun,
        email, home

    package var name: StaticString {
        switch self {
        case .userInfo: "user-info"
        case .secretValue: "secret-value"
        case .header: "header"
        case .option: "option"
        case .command: "command"
        case .login: "login"
        case .scheme: "scheme"
        case .tokenPrefix: "token-prefix"
        case .webToken: "web-token"
        case .privateKey: "private-key"
        case .opaqueRun: "opaque-run"
        case .email: "email"
        case .home: "home"
        }
    }

    package var finds: StaticString {
        switch self {
        case .userInfo: "user and password in a URL: `scheme://user:password@`, `scheme://user@`"
        case .secretValue:
            "the value of a secret name: `token=…`, `?api_key=…&`, `\"password\": \"…\"`, `<password>…<`, `DB_PASSWORD=…`, `token%3D…`, `password: Some(\"…\")`"
        case .header:
            "`Authorization`, `Proxy-Authorization`, `Cookie`, `Set-Cookie` and `X-Api-Key` to the end of the line or of the quoted text"
        case .option: "the value of a secret option: `--password=…`, and `--password` with the next word or argument"
        case .command:
            "`-u NAME:PASSWORD`, and options of one letter with a password where the program before them takes one: `mysql -p…`, `sshpass -p`, `curl -b`"
        case .login:
            "passwords that are known by their place: `NAME:PASSWORD@tcp(…)`, lines of `.netrc` and `.pgpass`, `$6$…` and `{SSHA}…` of password files"
        case .scheme: "what follows the words `Bearer` and `Basic`, if it looks like credentials"
        case .tokenPrefix:
            "keys that are known by their first letters: `sk-`, `ghp_`, `github_pat_`, `glpat-`, `xoxb-`, `AKIA`, `AIza`, …"
        case .webToken: "JSON Web Tokens: `eyJ….eyJ….…`"
        case .privateKey: "whole PEM and PGP private key blocks"
        case .opaqueRun: "20 or more letters and digits that look random, or 24 or more that include signs"
        case .email: "e-mail addresses"
        case .home: "home directories: `/home/NAME`, `/Users/NAME`, `~NAME/`, `C:\\Users\\NAME`, and the user's own"
        }
    }

    package var replacement: StaticString {
        switch self {
        case .email: "[email]"
        case .home: "~"
        default: "[redacted]"
        }
    }
}
