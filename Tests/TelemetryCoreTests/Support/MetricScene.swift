import XCTest

@testable import TelemetryCore

/// Metrics in memory, recorded by name.
final class MetricScene {
    let map: MetricMap
    private var metrics: [String: (entry: Int, declaration: MetricDeclaration, bounds: UnsafeMutablePointer<Double>)] =
        [:]

    init() throws { map = try XCTUnwrap(MetricMap.inMemory()) }

    deinit { for metric in metrics.values { metric.bounds.deallocate() } }

    func declare(
        _ name: String, _ type: MetricType, unit: String = "", help: String = "", bounds: [Double]? = nil,
        limit: Int = MetricLimits.series
    ) {
        var declaration = MetricDeclaration(name: name, type: type)
        declaration.unit = unit
        declaration.description = help
        declaration.seriesLimit = limit
        if let bounds { declaration.bounds = bounds }
        let area = UnsafeMutablePointer<Double>.allocate(capacity: max(1, declaration.bounds.count))
        for (index, bound) in declaration.bounds.enumerated() { area[index] = bound }
        metrics[name] = (map.metric(declaration), declaration, area)
    }

    @discardableResult
    func record(_ name: String, _ operation: MetricOperation, _ attributes: [(String, Value)] = []) -> Bool {
        record(name, operation, raw: Self.encode(attributes))
    }

    @discardableResult
    func record(_ name: String, _ operation: MetricOperation, raw: [UInt8]) -> Bool {
        guard let metric = metrics[name] else { return false }
        let shape = metric.declaration.shape
        let entry = place(name, raw)
        return entry != 0
            && map.apply(
                operation, to: entry, UInt32(shape.type.rawValue), metric.bounds, metric.declaration.bounds.count)
                == true
    }

    private func place(_ name: String, _ raw: [UInt8]) -> Int {
        guard let metric = metrics[name] else { return 0 }
        return raw.withUnsafeBytes {
            map.seriesOrOverflow(
                $0, metric.entry, metric.declaration.shape, limit: metric.declaration.seriesLimit
            ).entry
        }
    }

    /// Observes the exemplar's value.
    func record(_ name: String, _ exemplar: Exemplar, _ attributes: [(String, Value)] = []) {
        guard record(name, .observe(exemplar.value), attributes), let metric = metrics[name] else { return }
        map.keep(exemplar, map.base + place(name, Self.encode(attributes)), metric.declaration.shape, metric.bounds)
    }

    func snapshot() throws -> MetricSnapshot { try XCTUnwrap(MetricSnapshot.of(map)) }

    enum Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
        ExpressibleByBooleanLiteral
    {
        case bytes([UInt8])
        case int(Int64)
        case double(Double)
        case bool(Bool)

        init(stringLiteral value: String) { self = .bytes(Array(value.utf8)) }
        init(integerLiteral value: Int64) { self = .int(value) }
        init(floatLiteral value: Double) { self = .double(value) }
        init(booleanLiteral value: Bool) { self = .bool(value) }
        static func text(_ value: String) -> Value { .bytes(Array(value.utf8)) }
    }

    /// As `EventInput` encodes them.
    static func encode(_ attributes: [(String, Value)]) -> [UInt8] {
        var result: [UInt8] = []
        for (key, value) in attributes {
            let (type, bytes): (UInt8, [UInt8]) =
                switch value {
                case .bytes(let bytes): (0, bytes)
                case .int(let number): (1, withUnsafeBytes(of: number) { Array($0) })
                case .double(let number): (2, withUnsafeBytes(of: number) { Array($0) })
                case .bool(let flag): (3, [flag ? 1 : 0])
                }
            result += [type, UInt8(key.utf8.count), UInt8(bytes.count & 0xFF), UInt8(bytes.count >> 8)]
            result += Array(key.utf8) + bytes
        }
        return result
    }
}
