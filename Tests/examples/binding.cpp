// telemetry.hpp at its edges; what it records is looked at by cpp.sh.
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <telemetry.hpp>

#ifdef NDEBUG
#undef NDEBUG
#endif
#include <cassert>

class Refuser : public telemetry::Backend {
public:
    telemetry_verdict send(std::string_view json, std::size_t event_count, std::chrono::milliseconds timeout) noexcept override
    {
        assert(json.size() > 2 && json.front() == '[' && json.back() == ']' && timeout.count() > 0);
        events += event_count;
        return TELEMETRY_REJECTED;
    }
    std::size_t events = 0;
};

/** Metrics: of the tool binding-metrics, so that those of others are not disturbed. */
static void metrics(bool on)
{
    telemetry::Options options{"binding-metrics", "1"};
    if (on) assert(options.set_preference(true) == TELEMETRY_OK);
    assert(options.add_metric("1bad", TELEMETRY_COUNTER).status() == TELEMETRY_ERROR_ARGUMENT && options.error().find("1bad") != std::string::npos);
    telemetry::Options good{"binding-metrics", "1"};
    good.add_metric("requests", TELEMETRY_COUNTER, "{request}", std::string("Requests."));
    good.add_metric("latency", TELEMETRY_HISTOGRAM, "s", nullptr, {0.1, 1.0}).add_metric("level", TELEMETRY_GAUGE);
    assert(good.status() == TELEMETRY_OK);
    telemetry::Collector telemetry{good};
    const telemetry_status expected = on ? TELEMETRY_OK : TELEMETRY_DISABLED;
    telemetry::Metric requests = telemetry.metric("requests");
    assert(requests.add(2, {{"method", "GET"}, {"code", 200}}) == expected);
    telemetry::Series series = requests.bind({{"method", std::string_view("GET")}, {"code", 200}});
    assert(series.add() == expected && series.add(3) == expected && series.add_double(0.5) == expected);
    assert(telemetry.metric("latency").observe(0.5) == expected && telemetry.metric("latency").bind().observe(2) == expected);
    assert(telemetry.metric("level").set(-1.5) == expected && telemetry.metric("level").add_double(1) == expected);
    assert(telemetry.count("other") == expected && telemetry.count("other", 4, {{"k", "v"}}) == expected);
    assert(telemetry.gauge("now", 7) == expected && telemetry.observe("took", 0.25) == expected);
    assert(telemetry::Metric().add(1) == TELEMETRY_DISABLED && telemetry::Series().observe(1) == TELEMETRY_DISABLED);
    const char *type = nullptr;
    const std::string text = telemetry.metrics("application/openmetrics-text;version=1.0.0", &type);
    assert(std::string(type).find("openmetrics") != std::string::npos);
    assert(text.empty() == !on);
    if (on) {
        assert(text.find("requests_total{method=\"GET\",code=\"200\"} 6.5\n") != std::string::npos);
        assert(text.find("latency_seconds_bucket{le=\"1.0\"} 1\n") != std::string::npos && text.find("level -0.5\n") != std::string::npos);
        assert(telemetry.metrics().find("other_total{k=\"v\"} 4\n") != std::string::npos);
        assert(options.set_preference(false) == TELEMETRY_OK);
    }
}

/** The user's answer, and where events go. */
static void answers()
{
    telemetry_notice notice{};
    notice.size = sizeof notice;
    telemetry::Options options{"binding-answers", "1"};
    assert(options.notice(notice).status() == TELEMETRY_ERROR_ARGUMENT && !options.error().empty());
    telemetry::Options plain{"binding-answers", "1"};
    assert(plain.prompt() == TELEMETRY_OK); // nobody is there to be asked
    assert(plain.explain().find("default") != std::string::npos);
    assert(plain.explain(TELEMETRY_FORMAT_JSON).find("\"enabled\":false") != std::string::npos);
    assert(plain.set_preference(true) == TELEMETRY_OK);

    auto refuser = std::make_shared<Refuser>();
    assert(plain.backend(nullptr).status() == TELEMETRY_ERROR_ARGUMENT);
    assert(plain.backend(refuser, "refuser").status() == TELEMETRY_OK);
    assert(plain.backend(refuser).status() == TELEMETRY_ERROR_ARGUMENT);
    telemetry::Collector telemetry{plain};
    assert(telemetry.enabled() && telemetry.backend_info().find("refuser") != std::string::npos);
    assert(telemetry.track("feature.used", "x") == TELEMETRY_OK);
    telemetry.flush(std::chrono::seconds(5));
    assert(telemetry.statistics().dropped_rejected == 1 && refuser->events == 1);
    assert(plain.set_preference(false) == TELEMETRY_OK);
}

/** A backend whose send() still runs when the patience ends is kept until it has returned, and gone then. */
static void outlived()
{
    static std::atomic<int> sending{0}, gone{0};
    class Slow : public telemetry::Backend {
    public:
        ~Slow() override { gone++; }
        telemetry_verdict send(std::string_view, std::size_t, std::chrono::milliseconds) noexcept override
        {
            sending++;
            std::this_thread::sleep_for(std::chrono::milliseconds(700));
            return text == "whole" ? TELEMETRY_ACCEPTED : TELEMETRY_REJECTED;
        }
        std::string text = "whole";
    };
    telemetry::Options plain{"binding-answers", "1"};
    assert(plain.set_preference(true) == TELEMETRY_OK);
    {
        telemetry::Options options{"binding-answers", "1"};
        options.backend(std::make_shared<Slow>());
        telemetry::Collector slow{options, std::chrono::milliseconds(100)}, idle{options};
        slow.track("feature.used", "x");
    }
    assert(sending == 1 && gone == 0);
    for (int i = 0; i < 1000 && gone == 0; i++) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    assert(gone == 1);
    assert(plain.set_preference(false) == TELEMETRY_OK);
}

/** What is asked and said besides recording, and events that are read one by one. */
static void surface()
{
    class Reader : public telemetry::EventBackend {
    public:
        telemetry_verdict send(const telemetry::Events &events, std::chrono::milliseconds timeout) noexcept override
        {
            assert(events.size() == 1 && timeout.count() > 0);
            const telemetry::Event event = events[0];
            if (event.type() == TELEMETRY_DATA_DELETION_REQUEST) {
                requests++;
                return TELEMETRY_ACCEPTED;
            }
            assert(event.type() == "feature.used" && event.name() == "x" && event.text("tool_name") == "binding-surface");
            assert(event.text("runtime") == "node/22" && event.text("machine_id") == id && !event.text("error") && !event.text("timestamp"));
            assert(!event.integer("duration_ms") && event.integer("schema_version") == TELEMETRY_SCHEMA_VERSION);
            const auto age = std::chrono::system_clock::now() - event.timestamp();
            assert(age >= std::chrono::seconds(-5) && age < std::chrono::minutes(10));
            assert(event.attribute_count() == 1 && event.argument_count() == 0 && !event.argument(0) && !event.attribute(1));
            const std::optional<telemetry_attribute> attribute = event.attribute(0);
            assert(attribute && attribute->type == TELEMETRY_INT && std::string_view(attribute->key) == "n" && attribute->value.integer == 7);
            read++;
            return TELEMETRY_RETRY;
        }
        std::string id;
        int read = 0, requests = 0;
    };
    static std::string said;
    telemetry::Options options{"binding-surface", "1"};
    assert(options.preference() == TELEMETRY_PREFERENCE_UNSET && options.set_preference(true) == TELEMETRY_OK);
    assert(options.preference() == TELEMETRY_PREFERENCE_ENABLED && options.preference_path().find("/binding-surface/enabled") != std::string::npos);
    assert(options.data_directory().find("/telemetry/binding-surface") != std::string::npos);
    auto reader = std::make_shared<Reader>();
    options.event_backend(reader, "reader").backend_info("words").runtime("node", "22");
    options.log([](void *, telemetry_log_level, const char *text) { said += text; });
    assert(options.flush_at_exit(std::chrono::milliseconds(100)).status() == TELEMETRY_OK);
    {
        telemetry::Collector telemetry{options};
        assert(telemetry.backend_info() == "words (custom: reader)" && said.find("is on, decided by preference file") != std::string::npos);
        reader->id = telemetry.machine_id();
        assert(telemetry.track("feature.used", "x", {{"n", 7}}) == TELEMETRY_OK && telemetry.last_error().empty());
        assert(telemetry.flush(std::chrono::seconds(5)) == TELEMETRY_ERROR_DELIVERY && reader->read == 1);
        assert(telemetry.last_error() == "the custom backend asked to retry");
        assert(telemetry.disable() == TELEMETRY_OK && !telemetry.enabled() && telemetry.track("feature.used", "x") == TELEMETRY_DISABLED);
    }
    std::string report;
    assert(options.request_deletion(std::chrono::seconds(5), reader->id, &report) == TELEMETRY_OK && reader->requests == 1);
    assert(report.find("asked reader") == 0 || report.find("asked custom") == 0);
    assert(options.flush_at_exit(std::chrono::seconds(11)).status() == TELEMETRY_ERROR_ARGUMENT);
    assert(options.set_preference(false) == TELEMETRY_OK && options.preference() == TELEMETRY_PREFERENCE_DISABLED);
}

/** Spans end with their scopes, move, and are parents; without consent all of it does nothing. */
static void spans(bool is_on)
{
    telemetry::Options options{"binding", "1.0"};
    options.command_spans(true);
    telemetry::Collector telemetry{options};
    const telemetry_status ok = is_on ? TELEMETRY_OK : TELEMETRY_DISABLED;

    telemetry::Span nothing;
    assert(nothing.traceparent().empty() && nothing.tracestate().empty() && nothing.environment().empty());
    nothing.end();
    telemetry::ActiveSpan inactive{nothing};

    telemetry::Span remote = telemetry.remote_span("remote", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "vendor=a");
    assert(remote.traceparent().substr(0, 35) == "00-0af7651916cd43dd8448eb211c80319c" && remote.tracestate() == "vendor=a");
    const std::vector<std::string> entries = remote.environment();
    assert(entries.size() == 2 && entries[0] == "TRACEPARENT=" + remote.traceparent() && entries[1] == "TRACESTATE=vendor=a");
    assert(remote.link("00-" + std::string(32, '1') + "-" + std::string(16, '2') + "-01", "v=1", {{"why", "retry"}}) == ok);
    assert(remote.link("no context") == TELEMETRY_ERROR_ARGUMENT);
    assert(remote.status(TELEMETRY_SPAN_ERROR) == ok);
    {
        telemetry::Span outer = telemetry.root_span(std::string("outer"), TELEMETRY_SPAN_PRODUCER);
        assert(outer.traceparent().empty() == !is_on);
        assert(outer.attributes({{"text", "a"}, {"number", 3}}) == ok);
        assert(outer.event("now", {{"attempt", 1}}) == ok);
        telemetry::ActiveSpan active{outer};
        {
            telemetry::Span inner = telemetry.span("inner");
        }
        telemetry::Span moved = telemetry.span("moved");
        {
            telemetry::Span target{std::move(moved)};
            assert(moved.traceparent().empty() && target.end() == ok && target.end() == TELEMETRY_DISABLED);
        }
        {
            telemetry::Command command = telemetry.command("binding spanned");
            telemetry::SpanHandle handle = command.span(), copy = handle;
            telemetry::Span below = telemetry.span("below a command", copy);
        }
        telemetry::Span target = telemetry.root_span("replaced");
        target.status(TELEMETRY_SPAN_OK);
        target = telemetry.span("replacing", remote);
        target.status(TELEMETRY_SPAN_ERROR, "why");
        target.end();
#ifdef __cpp_exceptions
        try {
            telemetry::Span thrown = telemetry.span("thrown");
            throw std::runtime_error("x");
        } catch (const std::exception &error) {
            assert(outer.record_error("data", error) == ok);
        }
#else
        assert(outer.record_error("data") == ok);
#endif
        outer.status(TELEMETRY_SPAN_OK);
    }
    remote.end();
}

int main(int count, char **)
{
    telemetry::Options bad{"no such/name"};
    assert(bad.error().find("no such/name") != std::string::npos);
    assert(bad.add_backend("fax").status() == TELEMETRY_ERROR_ARGUMENT);
    {
        telemetry::Collector off{bad};
        assert(!off.enabled() && off.track("feature.used", "x") == TELEMETRY_DISABLED);
        telemetry::Command command = off.command("x");
        assert(command.finish(3) == 3);
    }

    telemetry::Options options{std::string("binding"), std::string_view("1.0-rc", 3)};
    options.metadata({{"channel", "beta"}}).guarantee(TELEMETRY_AT_LEAST_ONCE);
    assert(options.status() == TELEMETRY_OK && options.error().empty());
    telemetry::Collector first{options};
    telemetry::Collector telemetry{std::move(first)};
    assert(!first.enabled() && first.track("feature.used", "moved") == TELEMETRY_DISABLED);
    if (count > 1) {
        assert(!telemetry.enabled() && telemetry.statistics().recorded == 0);
        metrics(false);
        spans(false);
        return 0;
    }
    assert(telemetry.enabled());
    answers();
    metrics(true);
    outlived();
    surface();

    const std::string_view cut = std::string_view("name and more").substr(0, 4);
    const std::string large(900, 'x');
    const std::string_view view(large);
    telemetry_status status = telemetry.track(std::string("feature.used"), cut, {
        {"text", "a"}, {std::string("string"), std::string("b")}, {std::string_view("viewed", 4), view.substr(0, 850)}, {"empty", std::string_view()},
        {"short", static_cast<short>(-3)}, {"least", std::numeric_limits<std::int64_t>::min()},
        {"most", std::numeric_limits<std::uint64_t>::max()}, {"float", 0.25f}, {"yes", true}, {"no", false}});
    assert(status == TELEMETRY_OK);
    assert(telemetry.track("feature.used", "null", {{"gone", static_cast<const char *>(nullptr)}}) == TELEMETRY_ADJUSTED);
    assert(telemetry.track("feature.used", static_cast<const char *>(nullptr)) == TELEMETRY_ERROR_ARGUMENT);
    // A NUL inside is repaired as a byte is that is no UTF-8, or refused as one; nothing is cut off in silence.
    const std::string zero("a\0b", 3);
    assert(telemetry.track("feature.used", zero) == TELEMETRY_ADJUSTED);
    assert(telemetry.track("feature.used", std::string_view(zero)) == TELEMETRY_ADJUSTED);
    assert(telemetry.track(zero, "zero") == TELEMETRY_ERROR_ARGUMENT);
    assert(!telemetry::Options{zero}.error().empty());
#if defined(__SIZEOF_INT128__) && !defined(__STRICT_ANSI__)
    __extension__ typedef __int128 Wide;
    __extension__ typedef unsigned __int128 Unsigned;
    const Wide wide = static_cast<Wide>(1) << 64;
    assert(telemetry.track("feature.used", "wide", {{"most", wide}, {"least", -wide}, {"small", static_cast<Wide>(-7)},
        {"unsigned", static_cast<Unsigned>(wide)}}) == TELEMETRY_OK);
#endif
    assert(telemetry.track_error("import", "data") == TELEMETRY_OK);
    assert(telemetry.track_command("binding measured", std::chrono::seconds(2), 4) == TELEMETRY_OK);
    {
        telemetry::Command scoped = telemetry.command("binding scoped");
        telemetry::Command moved{std::move(scoped)};
        telemetry::Command nameless = telemetry.command();
    }
#ifdef __cpp_exceptions
    try {
        telemetry::Command thrown = telemetry.command("binding thrown");
        throw 1;
    } catch (int) {
        telemetry::Command caught = telemetry.command("binding caught");
    }
#endif
    assert(telemetry.flush(std::chrono::seconds(5)) == TELEMETRY_OK);
    assert(telemetry.statistics().pending == 0 && telemetry.span_statistics().pending == 0);
    assert(telemetry.backend_info().find("file: ") == 0);
    assert(telemetry.close(std::chrono::milliseconds(-1)) == TELEMETRY_OK);
    assert(telemetry.close(std::chrono::hours(9999)) == TELEMETRY_DISABLED);
    telemetry = telemetry::Collector{options};
    assert(telemetry.enabled());
    spans(true);
    return 0;
}
