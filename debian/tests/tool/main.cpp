// The same tool in C++.
#include <telemetry.hpp>

int main()
{
    telemetry::Collector telemetry{telemetry::Options{"sametool", "1.2.0"}};
    telemetry.track(TELEMETRY_FEATURE_USED, "import", {{"format", "csv"}, {"rows", 1200}, {"share", 0.5}, {"header", true}});
    telemetry.track_command("sametool import", std::chrono::milliseconds(40), 3);
}
