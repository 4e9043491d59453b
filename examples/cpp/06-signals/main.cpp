// Runs until SIGINT, SIGTERM or SIGHUP, delivers, and dies of the signal. A signal does not unwind scopes: the handler
// only makes a note, and the scopes end as usual. See ../../c/07-signals for the rules of such handlers.
// Try it: WATCH_TELEMETRY_ENABLED=1 ./watch, then Ctrl-C.
#include <chrono>
#include <csignal>
#include <iostream>
#include <telemetry.hpp>
#include <thread>

static volatile std::sig_atomic_t received = 0;
extern "C" void note(int number) { received = number; }

static void loop(telemetry::Collector &telemetry)
{
    for (int round = 1; received == 0; round++) {
        std::cout << "round " << round << std::endl;
        telemetry.track(TELEMETRY_FEATURE_USED, "round", {{"number", round}});
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

int main()
{
    for (int number : {SIGHUP, SIGINT, SIGTERM})
        if (std::signal(number, note) == SIG_IGN) std::signal(number, SIG_IGN); // nohup(1)
    {
        telemetry::Collector telemetry{telemetry::Options{"watch", "1.0.0"}};
        telemetry::Command command = telemetry.command("watch loop");
        loop(telemetry);
        command.finish(128 + received);
    } // recorded, delivered, closed
    std::signal(received, SIG_DFL);
    std::raise(received);
}
