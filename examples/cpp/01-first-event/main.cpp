// A collector is closed at the end of its scope. Attributes are written where the event is recorded.
#include <iostream>
#include <string>
#include <telemetry.hpp>

int main()
{
    telemetry::Collector telemetry{telemetry::Options{"mytool", "1.2.0"}};
    const std::string format = "csv";
    telemetry.track(TELEMETRY_FEATURE_USED, "import", {{"format", format}, {"rows", 1200}, {"share", 0.5}, {"header", true}});
    std::cout << "imported 1200 rows\n";
}
