// Numbers that add up over all runs of the tool: declared once, and recorded without asking whether the user has agreed.
#include <iostream>
#include <string>
#include <telemetry.hpp>

int main()
{
    telemetry::Options options{"words", "1.0"};
    options.add_metric("lines", TELEMETRY_COUNTER, "{line}", "Lines that were read.");
    options.add_metric("length", TELEMETRY_HISTOGRAM, "By", "Length of a line.", {10, 100, 1000});
    telemetry::Collector telemetry{options};

    telemetry::Metric lines = telemetry.metric("lines");
    telemetry::Series lengths = telemetry.metric("length").bind();
    for (std::string line; std::getline(std::cin, line);) {
        lines.add(1, {{"empty", line.empty()}});
        lengths.observe(static_cast<double>(line.size()));
    }
    telemetry.count("runs"); // by its name, without a declaration
}
