// A tool that ships its manifest, ../../c/06-manifest/convert.yaml: nothing of what it may collect stands in the program.
// Try it: TELEMETRY_MANIFEST=examples/c/06-manifest/convert.yaml CONVERT_TELEMETRY_ENABLED=1 ./convert csv json
#include <iostream>
#include <telemetry.hpp>

int main(int count, char **arguments)
{
    if (count != 3) {
        std::cerr << "usage: convert FROM TO\n";
        return 2;
    }
    telemetry::Options options{"convert"};
    // For the author. The tool itself works on; it records nothing.
    if (options.load_manifest().status() != TELEMETRY_OK) std::cerr << "convert: " << options.error() << '\n';
    telemetry::Collector telemetry{options};

    std::cout << "converted from " << arguments[1] << " to " << arguments[2] << '\n';
    // A format that the manifest does not list is left out of the event.
    telemetry.track(TELEMETRY_FEATURE_USED, "convert", {{"from", arguments[1]}, {"to", arguments[2]}, {"rows", 1200}});
    // An event that it does not list is refused and counted.
    telemetry.track(TELEMETRY_FEATURE_USED, "undeclared");
    std::cerr << "convert: " << telemetry.statistics().refused_undeclared << " refused\n";
}
