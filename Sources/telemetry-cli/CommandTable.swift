/// Every command and option of `telemetry`, with its help. The only place that lists them.
enum CommandTable {
    static let syntax = CommandLineSyntax(
        options: [
            OptionSyntax(id: .tool, name: "--tool", value: "NAME", summary: "the tool concerned (default: $TELEMETRY_TOOL)"),
            OptionSyntax(id: .toolVersion, name: "--tool-version", value: "VERSION", summary: "the tool's version, sent with its events"),
            OptionSyntax(id: .manifest, name: "--manifest", value: "FILE", summary: "the tool's manifest (default: $TELEMETRY_MANIFEST, else looked up by tool)"),
            OptionSyntax(id: .noTelemetry, name: "--no-telemetry", summary: "telemetry is off for this run"),
            OptionSyntax(id: .json, name: "--json", summary: "print JSON"),
            OptionSyntax(id: .quiet, name: "--quiet", summary: "no confirmations and no warnings"),
            OptionSyntax(id: .help, name: "--help", summary: "print help and exit"),
            OptionSyntax(id: .version, name: "--version", summary: "print the version and exit"),
        ],
        commands: [
            CommandSyntax(
                id: .track, name: "track", forms: ["NAME [OPTION]..."], summary: "record an event",
                details: "Records the event NAME and returns at once; delivery happens in the background.\nWhen telemetry is off, nothing is recorded and the exit code is 0 all the same.",
                options: [
                    OptionSyntax(id: .type, name: "--type", value: "TYPE", summary: "type of the event (default: feature.used)"),
                    property, properties,
                ], words: 1),
            CommandSyntax(
                id: .command, name: "command",
                forms: ["NAME --duration-ms N --exit-code N [OPTION]...", "[NAME] [OPTION]... -- PROGRAM [ARGUMENT]..."],
                summary: "record a command that has run, or run one and record it",
                details: "With '--', runs PROGRAM and records its duration and exit code, never its arguments;\nits exit code, signals and streams are passed through. NAME defaults to PROGRAM's\nfile name.",
                options: [
                    OptionSyntax(id: .durationMs, name: "--duration-ms", value: "N", summary: "how long the command took, in milliseconds"),
                    OptionSyntax(id: .exitCode, name: "--exit-code", value: "N", summary: "the command's exit code"),
                    property, properties,
                ], words: 1, runsProgram: true),
            CommandSyntax(
                id: .flush, name: "flush", forms: ["[--timeout-ms N]"], summary: "deliver what is waiting, and wait for it",
                details: "After failures, waits for the next attempt to be due: 'telemetry deliver --now' does not.",
                options: [
                    OptionSyntax(id: .timeoutMs, name: "--timeout-ms", value: "N", summary: "longest time to take, in milliseconds (default: 5000)")
                ]),
            CommandSyntax(
                id: .deliver, name: "deliver", forms: ["[--now] [--time-limit-ms N]"], summary: "deliver what is waiting",
                details: "Started in the background when delivery is due; of use by hand to try again.",
                options: [
                    OptionSyntax(id: .now, name: "--now", summary: "do not wait for the next attempt to be due"),
                    OptionSyntax(id: .timeLimitMs, name: "--time-limit-ms", value: "N", summary: "longest time to take, in milliseconds (default: 60000)"),
                ]),
            CommandSyntax(
                id: .show, name: "show", forms: ["", "--schema"], summary: "show the events waiting to be sent, as they will be sent",
                details: "With --json, one event per line.",
                options: [
                    OptionSyntax(id: .schema, name: "--schema", summary: "show what may ever be collected instead, as the tool's manifest says")
                ]),
            CommandSyntax(
                id: .status, name: "status", forms: [""], summary: "say whether telemetry is on, who decided it, and what was sent",
                details: "Creates nothing and sends nothing."),
            CommandSyntax(
                id: .explain, name: "explain", forms: [""], summary: "say what each source of consent says, and which one decides",
                details: "Creates nothing and sends nothing."),
            CommandSyntax(
                id: .enable, name: "enable", forms: [""], summary: "agree to telemetry for the tool",
                details: "Stores the answer in the preference file; what was decided above it still wins."),
            CommandSyntax(
                id: .disable, name: "disable", forms: [""], summary: "refuse telemetry for the tool and erase what is waiting",
                details: "Takes effect at once, in running processes too."),
            CommandSyntax(
                id: .machineID, name: "machine-id", forms: [""], summary: "print the identifier sent with the tool's events",
                details: "Prints nothing when telemetry is off: no identifier is in use."),
            CommandSyntax(
                id: .manifest, name: "manifest", forms: ["check FILE", "docs [FILE]"],
                summary: "check a tool's manifest, or write a page of what it lets be collected",
                details: "'check' says where the first mistake is, with exit code 3, or what is likely one, on standard\nerror. 'docs' writes Markdown for the tool's users; without FILE, of the manifest in use.",
                actions: ["check", "docs"], words: 2),
            CommandSyntax(id: .version, name: "version", forms: [""], summary: "print the version", details: ""),
            CommandSyntax(id: .help, name: "help", forms: ["[COMMAND]"], summary: "print help", details: "", words: 1),
        ])

    private static let property = OptionSyntax(
        id: .property, name: "--property", value: "K=V", summary: "a property; k:int=5, k:double=1.5, k:bool=true are typed")
    private static let properties = OptionSyntax(
        id: .properties, name: "--properties", value: "-", summary: "read properties from standard input: K=V lines or a JSON object")
}
