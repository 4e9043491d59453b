// A scope times the command that the program was run for. Its exit code comes from the return or from an exception.
#include <cstring>
#include <iostream>
#include <stdexcept>
#include <string_view>
#include <telemetry.hpp>

static int add(std::string_view text)
{
    if (text.empty()) throw std::invalid_argument("nothing to add");
    std::cout << "added\n";
    return 0;
}

static int run(telemetry::Collector &telemetry, int count, char **arguments)
{
    telemetry::Command command = telemetry.command();
    if (count < 3 || std::strcmp(arguments[1], "add") != 0) {
        std::cerr << "usage: notes add TEXT\n";
        command.set("notes add");
        return command.finish(2);
    }
    command.set("notes add");
    return command.finish(add(arguments[2]), {{"argument_count", count - 1}});
}

int main(int count, char **arguments)
{
    telemetry::Collector telemetry{telemetry::Options{"notes", "1.0"}};
    try {
        return run(telemetry, count, arguments);
    } catch (const std::exception &error) {
        std::cerr << "notes: " << error.what() << '\n';
        return 1;
    }
}
