// SPDX-License-Identifier: Apache-2.0

/// A value of a metadata attribute given ahead of time.
package enum AttributeValue: Equatable {
    case string(String)
    case int(Int64)
    case double(Double)
    case bool(Bool)
}
