// A tool that ships its manifest, ../../c/06-manifest/convert.yaml. The program does not repeat what it may collect.
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
    // This is for the author. The tool works as usual, and records nothing.
    if (options.load_manifest().status() != TELEMETRY_OK) std::cerr << "convert: " << options.error() << '\n';
    telemetry::Collector telemetry{options};

    std::cout << "converted from " << arguments[1] << " to " << arguments[2] << '\n';
    // A format that the manifest does not list is left out of the event.
    telemetry.track(TELEMETRY_FEATURE_USED, "convert", {{"from", arguments[1]}, {"to", arguments[2]}, {"rows", 1200}});
    // An event that the manifest does not list is refused and counted.
    telemetry.track(TELEMETRY_FEATURE_USED, "undeclared");
    std::cerr << "convert: " << telemetry.statistics().refused_undeclared << " refused\n";
}
