// Spans end with their scopes: by a return or by an exception. A span that is active is the parent of what its thread begins.
#include <iostream>
#include <stdexcept>
#include <string>
#include <telemetry.hpp>
#include <thread>

static void resize(telemetry::Collector &telemetry, int width)
{
    telemetry::Span span = telemetry.span("resize"); // below the active span
    span.attributes({{"width", width}});
    if (width <= 0) throw std::invalid_argument("no width");
}

// The name says what is done, and an attribute with what: so all requests have one name.
static int answer(telemetry::Collector &telemetry, const std::string &traceparent, int width)
{
    telemetry::Span request = telemetry.remote_span("GET /thumbnail", traceparent);
    telemetry::ActiveSpan active{request};
    try {
        resize(telemetry, width);
    } catch (const std::exception &error) {
        request.record_error("usage", error);
        return 400;
    }
    request.event("resized");
    return 200;
}

int main()
{
    telemetry::Collector telemetry{telemetry::Options{"thumbnails", "1.0"}};
    telemetry::Span client = telemetry.span("fetch", TELEMETRY_SPAN_CLIENT);

    std::cout << answer(telemetry, client.traceparent(), 200) << '\n';
    std::cout << answer(telemetry, client.traceparent(), 0) << '\n';

    std::thread thread([&telemetry, &client] {
        telemetry::Span store = telemetry.span("store", client); // in another thread the parent is named
    });
    thread.join();
}
