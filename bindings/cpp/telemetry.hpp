/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * libtelemetry for C++17: owners for the handles of telemetry.h. Header only. telemetry.h is the reference: its
 * rules about threads, blocking and limits apply here too. No function throws, and none needs exceptions or run-time
 * type information. Without memory an event is left out, and the program goes on.
 *
 *     telemetry::Collector telemetry{telemetry::Options{"mytool", "1.0.0"}};
 *     telemetry.track(TELEMETRY_FEATURE_USED, "export", {{"format", "csv"}, {"rows", 1200}});
 */
#ifndef TELEMETRY_HPP
#define TELEMETRY_HPP

#include <telemetry.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace telemetry {

/** A text that ends in NUL, for the length of a call. A `std::string_view` is copied. A `const char *` and a
    `std::string` are not copied, and must outlive the text. A NUL inside does not end the text. It counts as a byte
    that is not UTF-8: it is replaced and reported (TELEMETRY_ADJUSTED), or refused where such a byte is refused. */
class Text {
public:
    Text(const char *text) noexcept : text_(text) {}
    Text(const std::string &text) noexcept
    {
        if (text.find('\0') == std::string::npos)
            text_ = text.c_str();
        else
            copy(text);
    }
    Text(std::string_view text) noexcept { copy(text); }
    Text(const Text &) = delete;
    Text &operator=(const Text &) = delete;

    /** NULL: none was given, or there was no memory for it. */
    const char *c_str() const noexcept { return text_; }

private:
    void copy(std::string_view text) noexcept
    {
        char *copy = text.size() < small_.size() ? small_.data() : new (std::nothrow) char[text.size() + 1];
        if (!copy) return;
        if (copy != small_.data()) large_.reset(copy);
        if (!text.empty()) std::memcpy(copy, text.data(), text.size());
        std::replace(copy, copy + text.size(), '\0', '\xff');
        copy[text.size()] = '\0';
        text_ = copy;
    }

    const char *text_ = nullptr;
    std::unique_ptr<char[]> large_;
    std::array<char, 48> small_;
};

/** One key and value, for the length of a call. Numbers wider than 64 signed bits are cut to the nearest. */
class Attribute {
public:
    template <typename Key, typename Value>
    Attribute(const Key &key, const Value &value) noexcept : key_(key), text_(text(value)), made_(make(value)) {}
    Attribute(const Attribute &) = delete;
    Attribute &operator=(const Attribute &) = delete;

    telemetry_attribute get() const noexcept
    {
        telemetry_attribute attribute = made_;
        attribute.key = key_.c_str();
        if (attribute.type == TELEMETRY_STRING) attribute.value.string = text_.c_str();
        return attribute;
    }

private:
    template <typename Value> static decltype(auto) text(const Value &value) noexcept
    {
        if constexpr (std::is_arithmetic_v<Value>)
            return static_cast<const char *>(nullptr);
        else if constexpr (std::is_convertible_v<const Value &, const char *>)
            return static_cast<const char *>(value);
        else
            return (value);
    }

    template <typename Value> static telemetry_attribute make(const Value &value) noexcept
    {
        if constexpr (std::is_same_v<Value, bool>)
            return telemetry_bool(nullptr, value);
        else if constexpr (std::is_floating_point_v<Value>)
            return telemetry_double(nullptr, static_cast<double>(value));
        else if constexpr (std::is_integral_v<Value> && std::is_unsigned_v<Value>)
            return telemetry_int(nullptr, value > static_cast<std::uint64_t>(INT64_MAX) ? INT64_MAX : static_cast<std::int64_t>(value));
        else if constexpr (std::is_integral_v<Value> && sizeof(Value) > sizeof(std::int64_t))
            return telemetry_int(nullptr, value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : static_cast<std::int64_t>(value));
        else if constexpr (std::is_integral_v<Value>)
            return telemetry_int(nullptr, value);
        else
            return telemetry_string(nullptr, nullptr);
    }

    Text key_, text_;
    telemetry_attribute made_;
};

using Attributes = std::initializer_list<Attribute>;

namespace detail {

/** The attributes as telemetry.h takes them; of more than it keeps, the first. */
class List {
public:
    explicit List(const Attributes &attributes) noexcept
    {
        for (const Attribute &attribute : attributes) {
            if (count_ == list_.size()) break;
            list_[count_++] = attribute.get();
        }
    }
    const telemetry_attribute *data() const noexcept { return count_ ? list_.data() : nullptr; }
    std::size_t size() const noexcept { return count_; }

private:
    /** One more than are kept, so that the library sees that there were too many. */
    std::array<telemetry_attribute, 65> list_;
    std::size_t count_ = 0;
};

/** A text that a function of telemetry.h writes into a buffer and whose length it returns. Empty without memory. */
template <typename Function> std::string text(Function function)
{
    std::array<char, 512> buffer;
    std::size_t length = function(buffer.data(), buffer.size());
    if (length < buffer.size()) return std::string(buffer.data(), length);
    std::unique_ptr<char[]> large(new (std::nothrow) char[length + 1]);
    if (!large) return std::string();
    length = std::min(length, function(large.get(), length + 1));
    return std::string(large.get(), length);
}

struct Release {
    void operator()(telemetry_options *options) const noexcept { telemetry_options_free(options); }
    void operator()(telemetry_command *command) const noexcept { telemetry_command_free(command); }
};

} // namespace detail

/** An event of a batch, in EventBackend::send(). A copy is the same event. What it gives is valid until send() returns. */
class Event {
public:
    explicit Event(const telemetry_event *handle) noexcept : handle_(handle) {}
    /** A field by its name in JSON, as telemetry_event_field(); none, if the event has no such text. */
    std::optional<std::string_view> text(const char *name) const noexcept
    {
        telemetry_attribute value;
        if (telemetry_event_field(handle_, name, &value) != TELEMETRY_OK || value.type != TELEMETRY_STRING) return std::nullopt;
        return std::string_view(value.value.string);
    }
    /** The same for a number. */
    std::optional<std::int64_t> integer(const char *name) const noexcept
    {
        telemetry_attribute value;
        if (telemetry_event_field(handle_, name, &value) != TELEMETRY_OK || value.type != TELEMETRY_INT) return std::nullopt;
        return value.value.integer;
    }
    std::string_view type() const noexcept { return text("type").value_or(std::string_view()); }
    std::string_view name() const noexcept { return text("name").value_or(std::string_view()); }
    std::chrono::system_clock::time_point timestamp() const noexcept
    {
        using namespace std::chrono;
        return system_clock::time_point(duration_cast<system_clock::duration>(nanoseconds(integer("timestamp").value_or(0))));
    }
    /** Its attributes, with the tool's metadata. */
    std::size_t attribute_count() const noexcept { return telemetry_event_attribute_count(handle_); }
    std::optional<telemetry_attribute> attribute(std::size_t index) const noexcept
    {
        telemetry_attribute attribute;
        if (telemetry_event_attribute(handle_, index, &attribute) != TELEMETRY_OK) return std::nullopt;
        return attribute;
    }
    std::size_t argument_count() const noexcept { return telemetry_event_argument_count(handle_); }
    std::optional<std::string_view> argument(std::size_t index) const noexcept
    {
        const char *argument = telemetry_event_argument(handle_, index);
        return argument ? std::optional<std::string_view>(argument) : std::nullopt;
    }
    const telemetry_event *get() const noexcept { return handle_; }

private:
    const telemetry_event *handle_;
};

/** The events of a batch. */
class Events {
public:
    Events(const telemetry_event *const *events, std::size_t count) noexcept : events_(events), count_(count) {}
    std::size_t size() const noexcept { return count_; }
    Event operator[](std::size_t index) const noexcept { return Event(events_[index]); }

private:
    const telemetry_event *const *events_;
    std::size_t count_;
};

/** A backend that reads events one by one, in place of JSON; see Backend. */
class EventBackend {
public:
    virtual ~EventBackend() = default;
    /** telemetry_backend::send_events() */
    virtual telemetry_verdict send(const Events &events, std::chrono::milliseconds timeout) noexcept = 0;
};

/** A telemetry_backend as a class: events go to an object of the program. Its destructor runs when the options are gone
    and every collector opened with them has ended. If a `send()` is still running when a collector stops waiting, the
    destructor runs on the thread that delivers. */
class Backend {
public:
    virtual ~Backend() = default;
    /** telemetry_backend::send(): one batch, a JSON array. Called from one thread at a time, which is not the caller's. */
    virtual telemetry_verdict send(std::string_view json, std::size_t event_count, std::chrono::milliseconds timeout) noexcept = 0;
};

namespace detail {

/** A backend, kept as long as options or a collector may use it. */
class Held {
public:
    explicit Held(std::shared_ptr<Backend> backend) noexcept : backend_(std::move(backend)) {}
    explicit Held(std::shared_ptr<EventBackend> backend) noexcept : events_(std::move(backend)) {}
    Held *retain() noexcept
    {
        uses_.fetch_add(1, std::memory_order_relaxed);
        return this;
    }
    /** telemetry_backend::close() */
    static void release(void *context) noexcept
    {
        Held *held = static_cast<Held *>(context);
        if (held->uses_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete held;
    }
    static telemetry_verdict send(void *context, const char *json, std::size_t length, std::size_t event_count, std::uint32_t timeout_ms)
    {
        return static_cast<Held *>(context)->backend_->send({json, length}, event_count, std::chrono::milliseconds(timeout_ms));
    }
    static telemetry_verdict send_events(void *context, const telemetry_event *const *events, std::size_t count, std::uint32_t timeout_ms)
    {
        return static_cast<Held *>(context)->events_->send(Events(events, count), std::chrono::milliseconds(timeout_ms));
    }
    bool takes_events() const noexcept { return events_ != nullptr; }

private:
    std::shared_ptr<Backend> backend_;
    std::shared_ptr<EventBackend> events_;
    std::atomic<std::size_t> uses_{1};
};

struct ReleaseHeld {
    void operator()(Held *held) const noexcept { Held::release(held); }
};

} // namespace detail

/** The settings of a collector. Each setting returns the options. error() is the first mistake, which leaves telemetry
    off. get() is for the functions of telemetry.h that have no member here. */
class Options {
public:
    explicit Options(const Text &tool_name, const Text &tool_version = nullptr) noexcept
        : handle_(telemetry_options_new(tool_name.c_str(), tool_version.c_str()))
    {
    }

    /** telemetry_options_load_manifest(); NULL: the manifest is looked for where it is installed. */
    Options &load_manifest(const Text &path = nullptr) noexcept { return set(telemetry_options_load_manifest(get(), path.c_str())); }
    Options &consent(telemetry_consent consent) noexcept { return set(telemetry_options_set_consent(get(), consent)); }
    /** The tool's own `--no-telemetry`. */
    Options &no_telemetry(bool off) noexcept { return set(telemetry_options_set_no_telemetry(get(), off)); }
    Options &extended_collection(bool on) noexcept { return set(telemetry_options_set_extended_collection(get(), on)); }
    Options &delivery(telemetry_delivery delivery) noexcept { return set(telemetry_options_set_delivery(get(), delivery)); }
    /** telemetry_options_set_log() */
    Options &log(telemetry_log_function function, void *context = nullptr) noexcept
    {
        return set(telemetry_options_set_log(get(), function, context));
    }
    /** telemetry_options_set_flush_at_exit(); what is out of range is refused. */
    Options &flush_at_exit(std::chrono::milliseconds timeout) noexcept
    {
        const bool fits = timeout.count() >= 0 && timeout.count() <= UINT32_MAX;
        return set(telemetry_options_set_flush_at_exit(get(), fits ? static_cast<std::uint32_t>(timeout.count()) : UINT32_MAX));
    }
    Options &guarantee(telemetry_guarantee guarantee) noexcept { return set(telemetry_options_set_guarantee(get(), guarantee)); }
    Options &metadata(Attributes metadata) noexcept
    {
        const detail::List list(metadata);
        return set(telemetry_options_set_metadata(get(), list.data(), list.size()));
    }
    /** telemetry_options_set_operator_metrics() */
    Options &operator_metrics(bool is_on = true) noexcept { return set(telemetry_options_set_operator_metrics(get(), is_on)); }
    /** telemetry_options_add_operator_backend() */
    Options &add_operator_backend(const Text &kind, Attributes settings = {}) noexcept
    {
        const detail::List list(settings);
        return set(telemetry_options_add_operator_backend(get(), kind.c_str(), list.data(), list.size()));
    }
    /** telemetry_options_add_backend() */
    Options &add_backend(const Text &kind, Attributes settings = {}) noexcept
    {
        const detail::List list(settings);
        return set(telemetry_options_add_backend(get(), kind.c_str(), list.data(), list.size()));
    }

    /** telemetry_options_set_backend_custom(). The object is kept alive while it is used. With such options, only
        Collector opens collectors, not telemetry_open(). Once for each options. */
    Options &backend(std::shared_ptr<Backend> backend, const Text &name = nullptr) noexcept { return hold(std::move(backend), name); }
    /** The same with one that reads events one by one. */
    Options &event_backend(std::shared_ptr<EventBackend> backend, const Text &name = nullptr) noexcept
    {
        return hold(std::move(backend), name);
    }
    /** telemetry_options_set_backend_info() */
    Options &backend_info(const Text &text) noexcept { return set(telemetry_options_set_backend_info(get(), text.c_str())); }
    /** telemetry_options_set_runtime() */
    Options &runtime(const Text &name, const Text &version = nullptr) noexcept
    {
        return set(telemetry_options_set_runtime(get(), name.c_str(), version.c_str()));
    }
    Options &process_metrics(bool on) noexcept { return set(telemetry_options_set_process_metrics(get(), on)); }
    Options &command_spans(bool on) noexcept { return set(telemetry_options_set_command_spans(get(), on)); }
    /** telemetry_options_add_metric(). `bounds`: of a histogram; none: for durations in seconds. */
    Options &add_metric(const Text &name, telemetry_metric_type type, const Text &unit = nullptr, const Text &description = nullptr,
                        std::initializer_list<double> bounds = {}) noexcept
    {
        telemetry_metric_declaration declaration{};
        declaration.size = sizeof declaration;
        declaration.name = name.c_str();
        declaration.type = type;
        declaration.unit = unit.c_str();
        declaration.description = description.c_str();
        declaration.bounds = bounds.size() ? bounds.begin() : nullptr;
        declaration.bound_count = bounds.size();
        return set(telemetry_options_add_metric(get(), &declaration));
    }
    /** telemetry_options_set_metrics_listener() */
    Options &metrics_listener(const Text &address) noexcept { return set(telemetry_options_set_metrics_listener(get(), address.c_str())); }
    Options &notice(const telemetry_notice &notice) noexcept { return set(telemetry_options_set_notice(get(), &notice)); }

    /** telemetry_prompt(): call it before the collector is made. */
    telemetry_status prompt() const noexcept { return telemetry_prompt(get()); }
    /** telemetry_set_preference(): call it only when the user has decided. */
    telemetry_status set_preference(bool enabled) const noexcept { return telemetry_set_preference(get(), enabled); }
    /** telemetry_get_preference() */
    telemetry_preference preference() const noexcept { return telemetry_get_preference(get()); }
    std::string preference_path() const
    {
        return detail::text([this](char *buffer, std::size_t size) { return telemetry_preference_path(get(), buffer, size); });
    }
    std::string data_directory() const
    {
        return detail::text([this](char *buffer, std::size_t size) { return telemetry_data_directory(get(), buffer, size); });
    }
    /** telemetry_request_deletion() of every known identifier, or of one. `report`: what was done or why it was not. */
    telemetry_status request_deletion(std::chrono::milliseconds timeout, const Text &machine_id = nullptr, std::string *report = nullptr) const
    {
        std::array<char, 1024> buffer{};
        telemetry_deletion deletion{};
        deletion.size = sizeof deletion;
        deletion.machine_id = machine_id.c_str();
        deletion.report = buffer.data();
        deletion.report_size = buffer.size();
        const std::int64_t limit = UINT32_MAX;
        const auto milliseconds = static_cast<std::uint32_t>(std::clamp<std::int64_t>(timeout.count(), 0, limit));
        const telemetry_status status = telemetry_request_deletion(get(), &deletion, milliseconds);
        if (report) *report = buffer.data();
        return status;
    }
    std::string explain(telemetry_format format = TELEMETRY_FORMAT_TEXT) const
    {
        return detail::text([this, format](char *buffer, std::size_t size) { return telemetry_explain(get(), format, buffer, size); });
    }

    /** The first mistake; empty if there is none. */
    std::string error() const
    {
        return detail::text([this](char *buffer, std::size_t size) { return telemetry_options_error(get(), buffer, size); });
    }

    /** The status of the last setting. */
    telemetry_status status() const noexcept { return status_; }
    telemetry_options *get() const noexcept { return handle_.get(); }

private:
    friend class Collector;
    template <typename Kind> Options &hold(std::shared_ptr<Kind> backend, const Text &name) noexcept
    {
        if (!backend || held_) return set(TELEMETRY_ERROR_ARGUMENT);
        held_.reset(new (std::nothrow) detail::Held(std::move(backend)));
        if (!held_) return set(TELEMETRY_ERROR_MEMORY);
        telemetry_backend functions{};
        functions.size = sizeof functions;
        functions.name = name.c_str();
        functions.context = held_.get();
        functions.close = detail::Held::release;
        if (held_->takes_events())
            functions.send_events = detail::Held::send_events;
        else
            functions.send = detail::Held::send;
        return set(telemetry_options_set_backend_custom(get(), &functions));
    }

    /** The collector's own use of the backend ends with telemetry_backend::close(). */
    telemetry_collector *open() const noexcept
    {
        if (held_) held_->retain();
        telemetry_collector *opened = telemetry_open(get());
        if (held_ && !opened) detail::Held::release(held_.get());
        return opened;
    }

    Options &set(telemetry_status status) noexcept
    {
        status_ = status;
        return *this;
    }

    std::unique_ptr<telemetry_options, detail::Release> handle_;
    std::unique_ptr<detail::Held, detail::ReleaseHeld> held_;
    telemetry_status status_ = TELEMETRY_OK;
};

/** A span that somebody else ends, such as that of a command. A copy is the same span, and so a copy may be used after
    the original has moved. Without a span every function does nothing. */
class SpanHandle {
public:
    explicit SpanHandle(const telemetry_span *span = nullptr) noexcept
    {
        if (span) span_ = *span;
        is_begun_ = span != nullptr;
    }

    /** telemetry_span_set_attributes() */
    telemetry_status attributes(Attributes attributes) noexcept
    {
        const detail::List list(attributes);
        return telemetry_span_set_attributes(&span_, list.data(), list.size());
    }
    /** Something that happens now, as telemetry_span_add_event(). */
    telemetry_status event(const Text &name, Attributes attributes = {}) noexcept
    {
        const detail::List list(attributes);
        return telemetry_span_add_event(&span_, name.c_str(), list.data(), list.size());
    }
    /** telemetry_span_add_link() */
    telemetry_status link(const Text &traceparent, const Text &tracestate = nullptr, Attributes attributes = {}) noexcept
    {
        const detail::List list(attributes);
        return telemetry_span_add_link(&span_, traceparent.c_str(), tracestate.c_str(), list.data(), list.size());
    }
    telemetry_status status(telemetry_span_status status, const Text &message = nullptr) noexcept
    {
        return telemetry_span_set_status(&span_, status, message.c_str());
    }
    /** telemetry_span_record_error(). Of an exception what() is the text, and its type is not recorded. */
    telemetry_status record_error(const Text &category, const Text &error = nullptr) noexcept
    {
        return telemetry_span_record_error(&span_, category.c_str(), error.c_str());
    }
    telemetry_status record_error(const Text &category, const std::exception &error) noexcept
    {
        return telemetry_span_record_error(&span_, category.c_str(), error.what());
    }

    /** The value of the header field `traceparent`; empty: there is no trace to hand on. */
    std::string traceparent() const
    {
        return detail::text([this](char *buffer, std::size_t size) { return telemetry_span_traceparent(&span_, buffer, size); });
    }
    /** The value of the header field `tracestate`; empty: send none. */
    std::string tracestate() const
    {
        return detail::text([this](char *buffer, std::size_t size) { return telemetry_span_tracestate(&span_, buffer, size); });
    }
    /** What the environment of a child process needs, each as `NAME=value`; see telemetry_span_environment(). */
    std::vector<std::string> environment() const
    {
        std::vector<std::string> entries;
        const std::size_t size = telemetry_span_environment(&span_, nullptr, 0);
        std::unique_ptr<char[]> block(new (std::nothrow) char[size]);
        if (!block || telemetry_span_environment(&span_, block.get(), size) > size) return entries;
        for (const char *entry = block.get(); *entry; entry += std::strlen(entry) + 1) entries.emplace_back(entry);
        return entries;
    }

    /** For functions of telemetry.h that have no member here. A span that this made active must not move meanwhile. */
    telemetry_span *get() noexcept { return &span_; }

protected:
    friend class ActiveSpan;
    friend class Collector;
    /** NULL: none, so that a span below it begins as one without a parent does. */
    const telemetry_span *parent() const noexcept { return is_begun_ ? &span_ : nullptr; }

    telemetry_span span_{};
    bool is_begun_ = false;
};

/** Makes a span the parent of what this thread begins without one, until the end of the scope. */
class [[nodiscard]] ActiveSpan {
public:
    explicit ActiveSpan(const SpanHandle &span) noexcept : span_(span) { activate(); }
    ActiveSpan(const ActiveSpan &) = delete;
    ActiveSpan &operator=(const ActiveSpan &) = delete;
    ~ActiveSpan() { telemetry_span_deactivate(span_.get()); }

private:
    void activate() noexcept
    {
        if (span_.parent()) telemetry_span_activate(span_.get());
    }

    /** A copy, which stays where it is. */
    SpanHandle span_;
};

/** A span that ends with its scope. If an exception leaves the scope, its status is TELEMETRY_SPAN_ERROR. Begun by
    Collector::span() and the like. */
class [[nodiscard]] Span : public SpanHandle {
public:
    /** A span that does nothing. */
    Span() noexcept = default;
    Span(Span &&other) noexcept : SpanHandle(other), exceptions_(other.exceptions_) { other.forget(); }
    Span &operator=(Span &&other) noexcept
    {
        if (this != &other) {
            end();
            SpanHandle::operator=(other);
            exceptions_ = other.exceptions_;
            other.forget();
        }
        return *this;
    }
    ~Span()
    {
        if (is_begun_ && std::uncaught_exceptions() > exceptions_) status(TELEMETRY_SPAN_ERROR);
        end();
    }

    /** telemetry_span_end(): the first call counts. The span still is a parent for others. */
    telemetry_status end() noexcept { return telemetry_span_end(&span_); }

private:
    friend class Collector;
    Span(telemetry_collector *collector, const Text &name, telemetry_span_kind kind, const telemetry_span *parent) noexcept
    {
        telemetry_span_begin(collector, &span_, name.c_str(), kind, parent);
        is_begun_ = true;
    }
    Span(telemetry_collector *collector, const Text &name, telemetry_span_kind kind, const Text &traceparent, const Text &tracestate) noexcept
    {
        telemetry_span_begin_remote(collector, &span_, name.c_str(), kind, traceparent.c_str(), tracestate.c_str());
        is_begun_ = true;
    }
    void forget() noexcept { SpanHandle::operator=(SpanHandle()); }

    int exceptions_ = std::uncaught_exceptions();
};

/** Times a command from its construction on, and records it at the end of the scope with the exit code 0. It records
    nothing there if finish() has done so, or no path is known. If an exception leaves the scope, the exit code is 1.
    Must not outlive its collector. */
class Command {
public:
    Command(Command &&) noexcept = default;
    Command &operator=(Command &&) = delete;
    ~Command()
    {
        if (handle_) finish(std::uncaught_exceptions() > exceptions_ ? 1 : 0);
    }

    /** telemetry_command_set() */
    telemetry_status set(const Text &path) noexcept { return telemetry_command_set(handle_.get(), path.c_str()); }
    telemetry_status error_category(const Text &category) noexcept
    {
        return telemetry_command_set_error_category(handle_.get(), category.c_str());
    }
    /** telemetry_command_finish(): the first call counts. Returns `exit_code`, for `return command.finish(code);`. */
    int finish(int exit_code, Attributes attributes = {}) noexcept
    {
        const detail::List list(attributes);
        telemetry_command_finish(handle_.get(), exit_code, list.data(), list.size());
        return exit_code;
    }
    /** Its span, if commands have spans (Options::command_spans()). The command ends it. */
    SpanHandle span() const noexcept { return SpanHandle(telemetry_command_span(handle_.get())); }

private:
    friend class Collector;
    explicit Command(telemetry_collector *collector) noexcept : handle_(telemetry_command_begin(collector)) {}

    std::unique_ptr<telemetry_command, detail::Release> handle_;
    int exceptions_ = std::uncaught_exceptions();
};

/** One series of a metric, as telemetry_metric_bind() gives it. A copy is the same series. It must not be used after its
    collector was closed. */
class Series {
public:
    explicit Series(telemetry_series *handle = nullptr) noexcept : handle_(handle) {}
    telemetry_status add(std::int64_t value = 1) noexcept { return telemetry_series_add(handle_, value); }
    telemetry_status add_double(double value) noexcept { return telemetry_series_add_double(handle_, value); }
    telemetry_status set(double value) noexcept { return telemetry_series_set(handle_, value); }
    telemetry_status observe(double value) noexcept { return telemetry_series_observe(handle_, value); }

private:
    telemetry_series *handle_;
};

/** A metric, as telemetry_metric_find() gives it. A copy is the same metric. It must not be used after its collector was
    closed. */
class Metric {
public:
    explicit Metric(telemetry_metric *handle = nullptr) noexcept : handle_(handle) {}
    telemetry_status add(std::int64_t value, Attributes attributes = {}) noexcept
    {
        const detail::List list(attributes);
        return telemetry_metric_add(handle_, value, list.data(), list.size());
    }
    telemetry_status add_double(double value, Attributes attributes = {}) noexcept
    {
        const detail::List list(attributes);
        return telemetry_metric_add_double(handle_, value, list.data(), list.size());
    }
    telemetry_status set(double value, Attributes attributes = {}) noexcept
    {
        const detail::List list(attributes);
        return telemetry_metric_set(handle_, value, list.data(), list.size());
    }
    telemetry_status observe(double value, Attributes attributes = {}) noexcept
    {
        const detail::List list(attributes);
        return telemetry_metric_observe(handle_, value, list.data(), list.size());
    }
    Series bind(Attributes attributes = {}) noexcept
    {
        const detail::List list(attributes);
        return Series(telemetry_metric_bind(handle_, list.data(), list.size()));
    }

private:
    telemetry_metric *handle_;
};

/** The collector of one tool in this process; its destructor closes it. */
class Collector {
public:
    /** `patience`: the longest time that its destructor waits. */
    explicit Collector(const Options &options, std::chrono::milliseconds patience = std::chrono::milliseconds(500)) noexcept
        : handle_(options.open()), patience_(patience)
    {
    }
    Collector(Collector &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)), patience_(other.patience_) {}
    Collector &operator=(Collector &&other) noexcept
    {
        if (this != &other) {
            close(patience_);
            handle_ = std::exchange(other.handle_, nullptr);
            patience_ = other.patience_;
        }
        return *this;
    }
    ~Collector() { close(patience_); }

    bool enabled() const noexcept { return telemetry_enabled(handle_); }

    telemetry_status track(const Text &type, const Text &name, Attributes attributes = {}) noexcept
    {
        const detail::List list(attributes);
        return telemetry_track(handle_, type.c_str(), name.c_str(), list.data(), list.size());
    }
    telemetry_status track_error(const Text &name, const Text &category, const Text &error = nullptr, Attributes attributes = {}) noexcept
    {
        const detail::List list(attributes);
        return telemetry_track_error(handle_, name.c_str(), category.c_str(), error.c_str(), list.data(), list.size());
    }
    /** Records a command that has run. */
    telemetry_status track_command(const Text &path, std::chrono::milliseconds duration, int exit_code, Attributes attributes = {}) noexcept
    {
        const detail::List list(attributes);
        return telemetry_track_command(handle_, path.c_str(), duration.count(), exit_code, list.data(), list.size());
    }
    /** Begins a command now. */
    [[nodiscard]] Command command() noexcept { return Command(handle_); }
    [[nodiscard]] Command command(const Text &path) noexcept
    {
        Command command(handle_);
        command.set(path);
        return command;
    }

    /** Begins a span below the one that is active in this thread, else below that of the environment. */
    Span span(const Text &name, telemetry_span_kind kind = TELEMETRY_SPAN_INTERNAL) noexcept { return Span(handle_, name, kind, nullptr); }
    /** Begins one below `parent`, also in another thread. */
    Span span(const Text &name, const SpanHandle &parent, telemetry_span_kind kind = TELEMETRY_SPAN_INTERNAL) noexcept
    {
        return Span(handle_, name, kind, parent.parent());
    }
    /** Begins a new trace. */
    Span root_span(const Text &name, telemetry_span_kind kind = TELEMETRY_SPAN_INTERNAL) noexcept
    {
        return Span(handle_, name, kind, TELEMETRY_SPAN_ROOT);
    }
    /** telemetry_span_begin_remote(): below the span of the caller, as the header fields of its request say. */
    Span remote_span(const Text &name, const Text &traceparent, const Text &tracestate = nullptr,
                     telemetry_span_kind kind = TELEMETRY_SPAN_SERVER) noexcept
    {
        return Span(handle_, name, kind, traceparent, tracestate);
    }

    /** A metric that was declared with Options::add_metric() or in the manifest. */
    Metric metric(const Text &name) noexcept { return Metric(telemetry_metric_find(handle_, name.c_str())); }
    telemetry_status count(const Text &name, std::int64_t by = 1, Attributes attributes = {}) noexcept
    {
        const detail::List list(attributes);
        return telemetry_count(handle_, name.c_str(), by, list.data(), list.size());
    }
    telemetry_status gauge(const Text &name, double value, Attributes attributes = {}) noexcept
    {
        const detail::List list(attributes);
        return telemetry_gauge(handle_, name.c_str(), value, list.data(), list.size());
    }
    telemetry_status observe(const Text &name, double value, Attributes attributes = {}) noexcept
    {
        const detail::List list(attributes);
        return telemetry_observe(handle_, name.c_str(), value, list.data(), list.size());
    }
    /** telemetry_metrics_write(), for the program's own HTTP server; `accept`: the request's header. */
    std::string metrics(const Text &accept = nullptr, const char **content_type = nullptr) const
    {
        return detail::text([&](char *buffer, std::size_t size) { return telemetry_metrics_write(handle_, accept.c_str(), buffer, size, content_type); });
    }
    /** telemetry_metrics_listener(). `text`: the address at which metrics can be scraped, or why they cannot be. */
    telemetry_status metrics_listener(std::string &text) const
    {
        char buffer[256];
        const telemetry_status status = telemetry_metrics_listener(handle_, buffer, sizeof buffer);
        text = buffer;
        return status;
    }

    telemetry_status flush(std::chrono::milliseconds timeout) noexcept { return telemetry_flush(handle_, milliseconds(timeout)); }
    /** Closes it before the destructor does, and returns the status. Nothing is recorded afterwards. */
    telemetry_status close(std::chrono::milliseconds timeout) noexcept
    {
        return telemetry_close(std::exchange(handle_, nullptr), milliseconds(timeout));
    }

    telemetry_statistics statistics() const noexcept
    {
        telemetry_statistics statistics{};
        statistics.size = sizeof statistics;
        telemetry_get_statistics(handle_, &statistics);
        return statistics;
    }
    telemetry_statistics span_statistics() const noexcept
    {
        telemetry_statistics statistics{};
        statistics.size = sizeof statistics;
        telemetry_get_span_statistics(handle_, &statistics);
        return statistics;
    }
    std::string backend_info() const
    {
        return detail::text([this](char *buffer, std::size_t size) { return telemetry_backend_info(handle_, buffer, size); });
    }
    /** telemetry_last_error(); empty: the last delivery went well. */
    std::string last_error() const
    {
        return detail::text([this](char *buffer, std::size_t size) { return telemetry_last_error(handle_, buffer, size); });
    }
    std::string machine_id() const
    {
        return detail::text([this](char *buffer, std::size_t size) { return telemetry_machine_id(handle_, buffer, size); });
    }
    /** telemetry_disable(): nothing is recorded or sent any more, in this process. */
    telemetry_status disable() noexcept { return telemetry_disable(handle_); }
    telemetry_collector *get() const noexcept { return handle_; }

private:
    static std::uint32_t milliseconds(std::chrono::milliseconds time) noexcept
    {
        return time.count() <= 0 ? 0 : time.count() >= UINT32_MAX ? UINT32_MAX : static_cast<std::uint32_t>(time.count());
    }

    telemetry_collector *handle_;
    std::chrono::milliseconds patience_;
};

} // namespace telemetry

#endif
