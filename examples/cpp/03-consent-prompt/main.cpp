// Asks its user on the first run. `quote telemetry on | off | why` is its own switch for later.
// Try it: run it twice and answer; then `quote telemetry why`. Without a terminal it asks nothing.
#include <iostream>
#include <string_view>
#include <telemetry.hpp>

static telemetry::Options describe()
{
    telemetry_notice notice{};
    notice.size = sizeof notice;
    notice.collector = "The Quote Project";
    notice.data = "how often a quotation is printed";
    notice.purpose = "to see whether anyone reads them";
    telemetry::Options options{"quote", "1.0.0"};
    options.notice(notice);
    return options;
}

static int decide(const telemetry::Options &options, std::string_view answer)
{
    if (answer == "why") {
        std::cout << options.explain();
        return 0;
    }
    if (answer != "on" && answer != "off") {
        std::cerr << "usage: quote telemetry on | off | why\n";
        return 2;
    }
    const telemetry_status status = options.set_preference(answer == "on");
    if (status != TELEMETRY_OK) std::cerr << "quote: telemetry " << answer << ": " << telemetry_status_text(status) << '\n';
    return status >= 0 ? 0 : 1;
}

int main(int count, char **arguments)
{
    const telemetry::Options options = describe();
    if (count > 1 && std::string_view(arguments[1]) == "telemetry") return decide(options, count > 2 ? arguments[2] : "");

    options.prompt(); // before the collector, which reads the answer
    telemetry::Collector telemetry{options};
    std::cout << "Brevity is the soul of wit.\n";
    telemetry.track(TELEMETRY_FEATURE_USED, "quotation");
}
