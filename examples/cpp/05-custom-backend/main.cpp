// Events go to an object of the program. Here it keeps each batch.
// A tool with its own connection to its author would send it.
// Try it: MYTOOL_TELEMETRY_ENABLED=1 ./custom-backend
#include <iostream>
#include <string>
#include <telemetry.hpp>

class Keeper : public telemetry::Backend {
public:
    // Called from the library's thread, for one batch at a time.
    telemetry_verdict send(std::string_view json, std::size_t event_count, std::chrono::milliseconds) noexcept override
    {
        batches += json;
        batches += '\n';
        events += event_count;
        return TELEMETRY_ACCEPTED;
    }

    std::string batches;
    std::size_t events = 0;
};

int main()
{
    auto keeper = std::make_shared<Keeper>(); // kept as long as the library uses it
    telemetry::Options options{"mytool", "1.2.0"};
    options.backend(keeper, "keeper");
    telemetry::Collector telemetry{options};
    telemetry.track(TELEMETRY_FEATURE_USED, "import");
    telemetry.track(TELEMETRY_FEATURE_USED, "export");

    // Closed without TELEMETRY_ERROR_TIMEOUT: no other thread is in keeper any more.
    const telemetry_status status = telemetry.close(std::chrono::seconds(1));
    std::cout << keeper->batches;
    std::cerr << keeper->events << " events sent: " << telemetry_status_text(status) << '\n';
    return status >= 0 ? 0 : 1;
}
