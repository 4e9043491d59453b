// SPDX-License-Identifier: Apache-2.0

/// Days and dates of the proleptic Gregorian calendar, by the algorithms `civil_from_days` and
/// `days_from_civil` (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms"): years begin in
/// March, so that the leap day is the last, and eras of 400 years repeat.
struct CivilDate: Equatable {
    let year: Int
    let month: Int
    let day: Int

    private static let daysPerEra = 146_097
    /// From 0000-03-01 to 1970-01-01.
    private static let epochShift = 719_468

    init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// `days`: since 1970-01-01, between −2³² and 2³².
    @inline(__always)
    init(daysSinceEpoch days: Int) {
        let shifted = days &+ Self.epochShift
        let era = (shifted >= 0 ? shifted : shifted &- (Self.daysPerEra &- 1)) / Self.daysPerEra
        let dayOfEra = shifted &- era &* Self.daysPerEra
        let yearOfEra = (dayOfEra &- dayOfEra / 1460 &+ dayOfEra / 36_524 &- dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra &- (365 &* yearOfEra &+ yearOfEra / 4 &- yearOfEra / 100)
        let monthFromMarch = (5 &* dayOfYear &+ 2) / 153
        day = dayOfYear &- (153 &* monthFromMarch &+ 2) / 5 &+ 1
        month = monthFromMarch < 10 ? monthFromMarch &+ 3 : monthFromMarch &- 9
        year = yearOfEra &+ era &* 400 &+ (month <= 2 ? 1 : 0)
    }

    /// Days since 1970-01-01. The year must lie between −2³² and 2³².
    var daysSinceEpoch: Int {
        let marchYear = month <= 2 ? year &- 1 : year
        let era = (marchYear >= 0 ? marchYear : marchYear &- 399) / 400
        let yearOfEra = marchYear &- era &* 400
        let monthFromMarch = month > 2 ? month &- 3 : month &+ 9
        let dayOfYear = (153 &* monthFromMarch &+ 2) / 5 &+ day &- 1
        let dayOfEra = yearOfEra &* 365 &+ yearOfEra / 4 &- yearOfEra / 100 &+ dayOfYear
        return era &* Self.daysPerEra &+ dayOfEra &- Self.epochShift
    }
}
