// One tool in four languages: this, ../../c/09-same-tool, ../../shell/06-same-tool.sh and ../../python/04-same-tool.py record the
// same events.
// Try it: TELEMETRY_MANIFEST=examples/c/09-same-tool/greet.yaml GREET_TELEMETRY_ENABLED=1 ./greet hello World
#include <cctype>
#include <iostream>
#include <string>
#include <telemetry.hpp>
#include <vector>

static int hello(telemetry::Collector &telemetry, std::vector<std::string> names)
{
    const bool loud = !names.empty() && names.front() == "--loud";
    if (loud) names.erase(names.begin());
    std::string text = "hello";
    for (const std::string &name : names) text += ' ' + name;
    if (loud)
        for (char &letter : text) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    std::cout << text << (loud ? "!\n" : ".\n");

    telemetry.track(TELEMETRY_FEATURE_USED, "greeting",
        {{"names", names.size()}, {"loud", loud}, {"ending", loud ? "!" : "."}, {"effort", loud ? 0.75 : 0.5}});
    return 0;
}

int main(int count, char **arguments)
{
    telemetry::Options options{"greet"};
    telemetry::Collector telemetry{options.load_manifest()};
    telemetry::Command command = telemetry.command();
    const std::vector<std::string> words(arguments + 1, arguments + count);
    int exit_code = 2;
    if (!words.empty() && words.front() == "hello") {
        command.set("hello");
        exit_code = hello(telemetry, {words.begin() + 1, words.end()});
    } else {
        command.set("unknown"); // not what the user typed
        std::cerr << "usage: greet hello [--loud] NAME...\n";
    }
    return command.finish(exit_code, {{"arguments", words.size()}});
}
