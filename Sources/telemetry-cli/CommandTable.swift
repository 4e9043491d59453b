// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Every command and option of `telemetry`, with its help. The only place that lists them: parser, help,
/// manual and completions are made from it.
enum CommandTable {
    static let syntax = CommandLineSyntax(
        options: [
            OptionSyntax(id: .tool, name: "--tool", value: "NAME", summary: "the tool (default: $TELEMETRY_TOOL)"),
            OptionSyntax(
                id: .toolVersion, name: "--tool-version", value: "VERSION",
                summary: "the tool's version, sent with its events"),
            OptionSyntax(
                id: .manifest, name: "--manifest", value: "FILE",
                summary: "the tool's manifest (default: $TELEMETRY_MANIFEST, else looked up by tool)"),
            OptionSyntax(id: .noTelemetry, name: "--no-telemetry", summary: "telemetry is off for this run"),
            OptionSyntax(id: .json, name: "--json", summary: "print JSON"),
            OptionSyntax(id: .quiet, name: "--quiet", summary: "no confirmations and no warnings"),
            OptionSyntax(id: .help, name: "--help", short: "-h", summary: "print help and exit"),
            OptionSyntax(id: .version, name: "--version", summary: "print the version and exit"),
        ],
        commands: [
            CommandSyntax(
                id: .track, name: "track", forms: ["NAME [OPTION]..."], summary: "record an event",
                details:
                    "Records the event NAME and returns at once; delivery happens in the background.\nWhile telemetry is off, nothing is recorded, and the exit code is 0 as well.",
                options: [
                    OptionSyntax(
                        id: .type, name: "--type", value: "TYPE",
                        summary: "type of the event (default: " + TELEMETRY_FEATURE_USED + ")"),
                    property, properties, errorCategory, error, dryRun,
                ], words: 1),
            CommandSyntax(
                id: .command, name: "command",
                forms: [
                    "NAME --duration-ms N --exit-code N [OPTION]...", "[NAME] [OPTION]... -- PROGRAM [ARGUMENT]...",
                ],
                summary: "record a command that has run, or run one and record it",
                details:
                    "With '--', runs PROGRAM and records its duration and exit code, and with extended collection its\narguments, redacted; its exit code, signals and streams are passed through. NAME defaults to PROGRAM's\nfile name.",
                options: [
                    OptionSyntax(
                        id: .durationMs, name: "--duration-ms", value: "N",
                        summary: "how long the command took, in milliseconds"),
                    OptionSyntax(id: .exitCode, name: "--exit-code", value: "N", summary: "the command's exit code"),
                    OptionSyntax(
                        id: .argument, name: "--argument", value: "A", repeats: true,
                        summary:
                            "an argument that the command had; recorded, redacted, only with extended collection"),
                    property, properties, errorCategory, error, dryRun,
                ], words: 1, runsProgram: true),
            CommandSyntax(
                id: .count, name: "count",
                forms: ["NAME [--by N] [--attribute K=V]...", "--batch -"], summary: "add to a counter",
                details:
                    "Adds 1, or N, to the counter NAME of the tool. The sum is kept on this machine, over all runs.\nWhile telemetry is off, nothing is recorded, and the exit code is 0 as well.",
                options: [
                    OptionSyntax(
                        id: .by, name: "--by", value: "N", summary: "how much to add (default: 1)"),
                    attribute, batch,
                ], words: 2),
            CommandSyntax(
                id: .gauge, name: "gauge", forms: ["NAME VALUE [--attribute K=V]...", "--batch -"],
                summary: "set a gauge",
                details: "Sets the gauge NAME of the tool to VALUE. It has the value that was set last.",
                options: [attribute, batch], words: 2),
            CommandSyntax(
                id: .observe, name: "observe", forms: ["NAME VALUE [--attribute K=V]...", "--batch -"],
                summary: "count a value in a histogram",
                details:
                    "Counts VALUE in the histogram NAME of the tool. One that the manifest does not declare has bounds\nfor durations in seconds.",
                options: [attribute, batch], words: 2),
            CommandSyntax(
                id: .time, name: "time", forms: ["NAME [--attribute K=V]... -- PROGRAM [ARGUMENT]..."],
                summary: "run a program and count its duration in a histogram",
                details:
                    "Runs PROGRAM and counts how long it ran, in seconds, in the histogram NAME of the tool. Its exit code,\nsignals and streams are passed through.",
                options: [attribute], words: 1, runsProgram: true),
            CommandSyntax(
                id: .span, name: "span",
                forms: [
                    "[--name NAME] [--kind KIND] [--attribute K=V]... [--parent PARENT] -- PROGRAM [ARGUMENT]...",
                    "begin --name NAME [--kind KIND] [--attribute K=V]... [--parent PARENT] [--print FORM] [--expires SECONDS]",
                    "event TRACEPARENT --name NAME [--attribute K=V]...",
                    "end TRACEPARENT [--exit-code N] [--status STATUS] [--message TEXT] [--attribute K=V]...",
                ],
                summary: "record a span of a trace: of a program that it runs, or from 'begin' to 'end'",
                details:
                    "With '--', runs PROGRAM, whose environment says which span it is part of; its exit code, signals and\nstreams are passed through. 'begin' prints the span's traceparent, by which 'event' and 'end' know it,\nin any process. Nothing runs in between. The parent is $TRACEPARENT.\nWhile telemetry is off, nothing is recorded, and 'begin' prints the parent.",
                options: [
                    OptionSyntax(
                        id: .spanName, name: "--name", value: "NAME",
                        summary: "what is done, or happened; one of few values (default: PROGRAM's file name)"),
                    OptionSyntax(
                        id: .kind, name: "--kind", value: "KIND", choices: SpanWords.kinds,
                        summary:
                            "internal (the default of 'begin'), server, client (the default with '--'), producer or consumer"
                    ),
                    spanAttribute,
                    OptionSyntax(
                        id: .parent, name: "--parent", value: "PARENT",
                        summary: "a traceparent, or none to begin a new trace (default: $TRACEPARENT)"),
                    OptionSyntax(
                        id: .print, name: "--print", value: "FORM", choices: SpanWords.forms,
                        summary:
                            "traceparent (the default); export, for eval; header, for curl -H; headers, for curl -H @FILE; dotenv, for $GITHUB_ENV"
                    ),
                    OptionSyntax(
                        id: .expires, name: "--expires", value: "SECONDS",
                        summary: "when a span that nobody ends counts as abandoned (default: 86400)"),
                    OptionSyntax(
                        id: .exitCode, name: "--exit-code", value: "N",
                        summary: "of what was done, recorded as that of a program; other than 0, it has failed"),
                    OptionSyntax(
                        id: .status, name: "--status", value: "STATUS", choices: SpanWords.statuses,
                        summary: "how it went: unset (the default), ok or error"),
                    OptionSyntax(
                        id: .message, name: "--message", value: "TEXT",
                        summary: "of an error: why; recorded redacted"),
                ], actions: SpanWords.actions, words: 2, runsProgram: true),
            CommandSyntax(
                id: .metrics, name: "metrics",
                forms: [
                    "[--format FORMAT] [--delivery] [--audience author|own] [--textfile FILE]",
                    "--listen ADDRESS [--delivery] [--audience author|own]",
                    "--push URL [--job NAME] [--grouping K=V]... [--timeout-ms N] [--delivery] [--audience author|own]",
                ],
                summary: "print the tool's metrics, or let a Prometheus server have them",
                details:
                    "Prints the sums over all runs, as they are now. Creates nothing and needs no consent. Sends nothing,\nexcept with --push. With --listen it serves them until Ctrl-C or SIGTERM.",
                options: [
                    OptionSyntax(
                        id: .format, name: "--format", value: "FORMAT",
                        choices: MetricsReport.Format.allCases.map { $0.name },
                        summary: "prometheus (the default), openmetrics, json or otlp-json"),
                    OptionSyntax(
                        id: .audience, name: "--audience", value: "WHO", choices: ["author", "own"],
                        summary: "author: with the user's consent; own: kept for the user (the default, if asked for)"),
                    OptionSyntax(
                        id: .delivery, name: "--delivery",
                        summary: "also the counts of the tool's events and spans, and their deliveries"),
                    OptionSyntax(
                        id: .textfile, name: "--textfile", value: "FILE",
                        summary: "write to FILE at once, for the textfile collector of node_exporter"),
                    OptionSyntax(
                        id: .listen, name: "--listen", value: "ADDRESS",
                        summary: "serve /metrics on 127.0.0.1:PORT, [::1]:PORT, localhost:PORT or the Unix socket /PATH"
                    ),
                    OptionSyntax(
                        id: .push, name: "--push", value: "URL",
                        summary: "replace the group of metrics at this Pushgateway"),
                    OptionSyntax(
                        id: .job, name: "--job", value: "NAME",
                        summary: "with --push: the group's job (default: the tool)"),
                    OptionSyntax(
                        id: .grouping, name: "--grouping", value: "K=V", repeats: true,
                        summary: "with --push: another label of the group"),
                    OptionSyntax(
                        id: .timeoutMs, name: "--timeout-ms", value: "N",
                        summary: "with --push: longest time to take, in milliseconds (default: 5000)"),
                ]),
            CommandSyntax(
                id: .flush, name: "flush", forms: ["[--timeout-ms N]"],
                summary: "deliver what is waiting, and wait for it",
                details:
                    "In the pause after a failed attempt it ends at once, with exit code 4. 'telemetry deliver --now' tries nevertheless.",
                options: [
                    OptionSyntax(
                        id: .timeoutMs, name: "--timeout-ms", value: "N",
                        summary: "longest time to take, in milliseconds (default: 5000)")
                ]),
            CommandSyntax(
                id: .deliver, name: "deliver", forms: ["[--now] [--time-limit-ms N]"],
                summary: "deliver what is waiting",
                details: "Started in the background when delivery is due. Run it by hand to try again.",
                options: [
                    OptionSyntax(id: .now, name: "--now", summary: "do not wait for the next attempt to be due"),
                    OptionSyntax(
                        id: .timeLimitMs, name: "--time-limit-ms", value: "N",
                        summary: "longest time to take, in milliseconds (default: 60000)"),
                ]),
            CommandSyntax(
                id: .agent, name: "agent",
                forms: ["[--idle-exit SECONDS] [--listen ADDRESS] [--statsd ADDRESS]", "status", "stop"],
                summary: "deliver for every tool, as long as it runs; say what it does; end it",
                details:
                    "Runs until Ctrl-C, SIGTERM or 'telemetry agent stop', one for each user. It needs no --tool.\n'status' ends with exit code 12 if no agent is running.",
                options: [
                    OptionSyntax(
                        id: .idleExit, name: "--idle-exit", value: "SECONDS",
                        summary: "end after so many seconds without a client and without a delivery"),
                    OptionSyntax(
                        id: .listen, name: "--listen", value: "ADDRESS",
                        summary: "take requests of this user on 127.0.0.1:PORT, [::1]:PORT or localhost:PORT too"),
                    OptionSyntax(
                        id: .statsD, name: "--statsd", value: "ADDRESS",
                        summary: "take datagrams of StatsD of this user on such a port too"),
                ], actions: ["status", "stop"], words: 1),
            CommandSyntax(
                id: .view, name: "view", forms: ["[--no-browser]"],
                summary: "open a page in your browser with all that the tools keep and send, and a switch for each",
                details:
                    "The agent shows the page, to this user alone; one is started if none is running. Without a\ndesktop the address is printed. It counts once, for 10 minutes.",
                options: [
                    OptionSyntax(
                        id: .noBrowser, name: "--no-browser", summary: "print the address, and open nothing")
                ]),
            CommandSyntax(
                id: .show, name: "show",
                forms: [
                    "[--signal events|spans] [--audience author|own]",
                    "--wire [--signal events|spans] [--audience author|own]",
                    "--sent [--verify] [--signal events|spans] [--audience author|own]",
                    "--open [--audience author|own]", "--schema",
                ],
                summary: "show what is waiting to be sent, as it will be sent, or what was sent",
                details: "With --json, one event per line; 'show --wire --json' is one array of requests.",
                options: [
                    OptionSyntax(
                        id: .wire, name: "--wire",
                        summary: "the bytes of each request, as the tool's backends would send it"),
                    OptionSyntax(id: .sent, name: "--sent", summary: "the copies of what was delivered"),
                    OptionSyntax(
                        id: .verify, name: "--verify",
                        summary: "with --sent: say whether the copies are complete and unaltered"),
                    OptionSyntax(
                        id: .open, name: "--open",
                        summary: "the spans that are open, with what was said of them so far"),
                    OptionSyntax(
                        id: .audience, name: "--audience", value: "WHO", choices: ["author", "own"],
                        summary: "author (the default): what the author gets; own: what your own receivers get"),
                    OptionSyntax(
                        id: .signal, name: "--signal", value: "SIGNAL", choices: ["events", "spans"],
                        summary: "events (the default), with the metrics that were sent; or spans"),
                    OptionSyntax(
                        id: .schema, name: "--schema",
                        summary: "what may ever be collected, as the tool's manifest says"),
                ]),
            CommandSyntax(
                id: .export, name: "export",
                forms: [
                    "[--format csv|jsonl] [--since TIME] [--type TYPE]... [--log FILE]",
                    "--signal spans [--format csv|jsonl] [--since TIME] [--log FILE]",
                    "--columns [--signal events|spans]",
                ],
                summary: "print the local log as a table, for spreadsheets and databases",
                details:
                    "One row per event, or per span, oldest file first, with the same columns in every row.\nThe exit code is 7 if a line was damaged and left out.",
                options: [
                    OptionSyntax(
                        id: .format, name: "--format", value: "FORMAT", choices: ["csv", "jsonl"],
                        summary: "csv (the default) or jsonl"),
                    OptionSyntax(
                        id: .since, name: "--since", value: "TIME",
                        summary:
                            "only what is from then on: 2026-05-12, 2026-05-12T14:30:00Z, or 90s, 30m, 24h, 7d, 4w ago"),
                    OptionSyntax(
                        id: .type, name: "--type", value: "TYPE", repeats: true, summary: "only events of this type"),
                    OptionSyntax(
                        id: .signal, name: "--signal", value: "SIGNAL", choices: ["events", "spans"],
                        summary: "what the rows are: events (the default) or spans"),
                    OptionSyntax(
                        id: .columns, name: "--columns", summary: "print the names and types of the columns instead"),
                    OptionSyntax(
                        id: .log, name: "--log", value: "FILE",
                        summary: "the log to read, or - for standard input (default: the tool's own)"),
                ]),
            CommandSyntax(
                id: .status, name: "status", forms: ["", "--check"],
                summary: "say whether telemetry is on, who decided it, and what was sent",
                details:
                    "Creates nothing and sends nothing. With --check, a program asks with its own environment whether it\nmay send to the agent.",
                options: [
                    OptionSyntax(
                        id: .check, name: "--check",
                        summary: "print nothing: exit code 0 if telemetry is on, 13 if it is off")
                ]),
            CommandSyntax(
                id: .explain, name: "explain", forms: [""],
                summary: "say what each source of consent says, and which one decides",
                details: "Creates nothing and sends nothing."),
            CommandSyntax(
                id: .enable, name: "enable", forms: ["", "--all"], summary: "agree to telemetry for the tool",
                details:
                    "Stores the answer in the preference file. A source above it still wins.\nWith --all, removes a refusal for all tools: each tool's own answer counts again.",
                options: [
                    OptionSyntax(
                        id: .all, name: "--all", summary: "remove the refusal for all tools; agrees to none of them")
                ]),
            CommandSyntax(
                id: .disable, name: "disable", forms: ["", "--all"],
                summary: "refuse telemetry for the tool and erase what is waiting",
                details:
                    "Takes effect at once, in running processes too. With --all, for every tool, also\nfuture ones, whatever was answered for one of them.",
                options: [
                    OptionSyntax(id: .all, name: "--all", summary: "for every tool of this user; needs no --tool")
                ]),
            CommandSyntax(
                id: .prompt, name: "prompt", forms: [""],
                summary: "show the tool's notice and, if it is opt-in, ask, unless that was done",
                details:
                    "For a tool's first run. Does something only at a terminal, and if the user has not answered\nyet. Writes only to standard error."
            ),
            CommandSyntax(
                id: .machineID, name: "machine-id", forms: [""],
                summary: "print the identifier sent with the tool's events",
                details: "Prints nothing when telemetry is off: no identifier is in use."),
            CommandSyntax(
                id: .requestDeletion, name: "request-deletion", forms: ["[ID]", "--list"],
                summary: "ask for the erasure of what was sent",
                details:
                    "For every identifier that was in use, or for ID alone: over HTTP, by an e-mail that you send, or with\nan event, as the tool's author provides. Works while telemetry is off.",
                options: [
                    OptionSyntax(id: .list, name: "--list", summary: "print the receipts of earlier requests instead")
                ], words: 1),
            CommandSyntax(
                id: .reset, name: "reset", forms: ["", "--all", "--audience own"],
                summary: "refuse telemetry for the tool, ask for erasure, and erase all it kept here",
                details:
                    "Asks no question. Keeps your refusal, and the receipts of deletion requests.\nWith --all, for each tool that has kept something here or that you have answered for, and refuses for\nevery tool, also future ones.\nWith --audience own, erases only what is kept for receivers of your own: no answer changes, and nobody is asked.",
                options: [
                    OptionSyntax(id: .all, name: "--all", summary: "for every tool of this user; needs no --tool"),
                    OptionSyntax(
                        id: .audience, name: "--audience", value: "WHO", choices: ["own"],
                        summary: "own: erase only what is kept for the user, and refuse nothing"),
                ]),
            CommandSyntax(
                id: .doctor, name: "doctor", forms: ["[--offline]"], summary: "look for what is wrong",
                details:
                    "Asks each receiver for an answer (HEAD), with no event, no identifier and no key; creates nothing.\nThe exit code is 8 when there is a problem.",
                options: [OptionSyntax(id: .offline, name: "--offline", summary: "do not connect to any receiver")]),
            CommandSyntax(
                id: .manifest, name: "manifest", forms: ["check FILE", "docs [FILE]"],
                summary: "check a tool's manifest, or write a page of what it lets be collected",
                details:
                    "'check' says on standard error where the first mistake is, with exit code 3, or what is probably\na mistake. 'docs' writes Markdown for the tool's users; without FILE, of the manifest in use.",
                actions: ["check", "docs"], words: 2),
            CommandSyntax(id: .version, name: "version", forms: [""], summary: "print the version", details: ""),
            CommandSyntax(
                id: .help, name: "help", forms: ["[COMMAND]"], summary: "print help",
                details: "With --json, the table of all commands and options, or what it says of COMMAND.", words: 1),
        ])

    private static let dryRun = OptionSyntax(
        id: .dryRun, name: "--dry-run", summary: "print what would be sent; record nothing and send nothing")
    private static let attribute = OptionSyntax(
        id: .attribute, name: "--attribute", value: "K=V", repeats: true,
        summary: "an attribute of the series; k:int=5, k:double=1.5, k:bool=true are typed")
    private static let spanAttribute = OptionSyntax(
        id: .attribute, name: "--attribute", value: "K=V", repeats: true,
        summary: "an attribute; k:int=5, k:double=1.5, k:bool=true are typed")
    private static let batch = OptionSyntax(
        id: .batch, name: "--batch", value: "-", choices: ["-"],
        summary: "read NAME [VALUE] [K=V]... from each line of standard input")
    private static let property = OptionSyntax(
        id: .property, name: "--property", value: "K=V", repeats: true,
        summary: "a property; k:int=5, k:double=1.5, k:bool=true are typed")
    private static let errorCategory = OptionSyntax(
        id: .errorCategory, name: "--error-category", value: "CATEGORY",
        choices: ErrorCategory.allCases.map { String(cString: $0.text) },
        summary: "what kind of failure it was; 'track' then records a command.error")
    private static let error = OptionSyntax(
        id: .error, name: "--error", value: "TEXT",
        summary:
            "the error message, or - to read it from standard input; recorded, redacted, only with extended collection")
    private static let properties = OptionSyntax(
        id: .properties, name: "--properties", value: "-", choices: ["-"],
        summary: "read properties from standard input: K=V lines or a JSON object")
}
