@testable import TelemetryCore

/// What another process says of a trace. Each line is a field; its first character says which: `p` traceparent, `s`
/// tracestate, `b` baggage. What is sent on is within its limits, has no control character, and means the same when it
/// is read again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTraceContext(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let input = UnsafeRawBufferPointer(start: bytes, count: size)
    var (state, baggage) = (TraceState(), Baggage())
    var fields: [(name: String, value: String)] = []
    var start = 0
    while start < input.count {
        let end = input[start...].firstIndex(of: 0x0A) ?? input.count
        let field = UnsafeRawBufferPointer(rebasing: input[min(start + 1, end)..<end])
        switch input[start] {
        case UInt8(ascii: "p"):
            if let context = TraceContext(field) { check(context) }
            fields.append(("traceparent", String(decoding: field, as: UTF8.self)))
        case UInt8(ascii: "s"):
            state.add(field)
            fields.append(("tracestate", String(decoding: field, as: UTF8.self)))
        default:
            baggage.add(field)
            fields.append(("baggage", String(decoding: field, as: UTF8.self)))
        }
        start = end + 1
    }
    let list = written(state)
    check(list, limit: TraceState.limit, members: TraceState.memberLimit)
    precondition(
        list.withUnsafeBytes { list in
            var again = TraceState()
            again.add(list)
            return written(again)
        } == list)
    check(baggage)
    check(PropagatedContext(fields: fields), list)
    return 0
}

private func check(_ context: TraceContext) {
    let text = context.text
    precondition(text.utf8.count == TraceContext.textLength)
    precondition(Array(text.utf8).withUnsafeBytes { TraceContext($0) } == context)
    let child = TraceSampler.standard.begin(context)
    precondition(child.traceID == context.traceID && child.flags == context.flags && child.spanID != context.spanID)
}

/// AddressSanitizer sees a byte too many.
private func written(_ state: TraceState) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: TraceState.limit) { target, count in
        let exact = UnsafeMutablePointer<UInt8>.allocate(capacity: TraceState.limit)
        count = state.write(to: exact)
        target.baseAddress?.initialize(from: exact, count: count)
        exact.deallocate()
    }
}

private func check(_ text: [UInt8], limit: Int, members: Int) {
    precondition(text.count <= limit && text.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
    precondition(
        text.isEmpty || text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).count <= members)
}

private func check(_ baggage: Baggage) {
    let text = baggage.text
    check(text, limit: Baggage.limit, members: Baggage.memberLimit)
    var again = Baggage()
    text.withUnsafeBytes { again.add($0) }
    precondition(again.text == text && again.members.count == baggage.members.count)
    for (member, copy) in zip(baggage.members, again.members) {
        precondition(member.value == copy.value && member.key == copy.key)
        sink &+= member.properties.count
    }
    if let member = baggage.members.last { change(baggage, member) }
}

/// The last member of a name is the one that is found.
private func change(_ baggage: Baggage, _ member: BaggageMember) {
    let key = String(decoding: member.key, as: UTF8.self)
    precondition(baggage.value(key) == member.value)
    var changed = baggage
    if changed.set(key, member.value) {
        precondition(changed.value(key) == member.value && changed.text.count <= Baggage.limit)
    }
    changed.remove(key)
    precondition(changed.value(key) == nil)
}

private func check(_ received: PropagatedContext, _ list: [UInt8]) {
    let sent = PropagatedContext(fields: received.fields)
    precondition(
        sent.context == received.context && sent.state == received.state && sent.baggage.text == received.baggage.text)
    if received.context == nil {
        precondition(received.state.isEmpty)
    } else {
        precondition(received.state.isEmpty || received.state == list)
    }
    for entry in EnvironmentCarrier.entries(received) { precondition(EnvironmentCarrier.isCarried(entry)) }
    if received.context != nil && !received.state.isEmpty && !received.baggage.isEmpty { reached() }
}
