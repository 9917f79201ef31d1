//! Days in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

/// A day of the Gregorian calendar: the number of days since March 1 of the year 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(i64);

/// January 1, 1970.
const EPOCH: i64 = 719_468;

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

impl Date {
    /// Returns the current day by the clock of the policy server, or January 1, 1970 if the clock is before it.
    #[must_use]
    pub fn today() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let days = i64::try_from(since_epoch.as_secs() / SECONDS_PER_DAY).unwrap_or(i64::MAX);
        Self(days.saturating_add(EPOCH))
    }

    /// Parses a day in the form `2027-06-30`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return None };
        let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
        // Months since March of the year 0.
        let months = year * 12 + month - 3;
        let first = first_day(months);
        let is_in_calendar = (1..=12).contains(&month) && (1..=first_day(months + 1) - first).contains(&day);
        is_in_calendar.then_some(Self(first + day - 1))
    }
}

/// Parses a few decimal digits.
fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

/// Returns the first day of a month, both counted from March of the year 0. If years begin in March, the leap day is their last
/// day.
fn first_day(months: i64) -> i64 {
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // Five months have 153 days, from March to July as well as from August to December.
    year * 365 + leap_days + (153 * month + 2) / 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_calendar_are_parsed() {
        for text in ["2027-06-30", "2028-02-29", "0001-01-01", "9999-12-31"] {
            assert!(Date::parse(text).is_some(), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "2027",
            "2027-06",
            "2027-6-30",
            "27-06-30",
            "2027-06-31",
            "2027-02-29",
            "2027-13-01",
            "2027-00-10",
            "2027-06-30Z",
            "2027-06-30T00:00:00Z",
            "30-06-2027",
            "+027-06-30",
            "2027/06/30",
            "2027--6-30",
            "-027-06-30",
            "২০২৭-06-30",
            "20270630--",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }

    #[test]
    fn days_are_numbered_consecutively() {
        // The calendar repeats after 400 years, which have 146,097 days.
        let days = jiff::civil::date(1970, 1, 1).series(jiff::Span::new().days(1)).take(146_097);
        for (day, number) in days.zip(EPOCH..) {
            assert_eq!(Date::parse(&day.to_string()), Some(Date(number)), "{day}");
        }
        assert_eq!(Date::parse("0000-03-01"), Some(Date(0)));
    }

    #[test]
    fn today_is_the_day_of_the_clock() {
        let day_of_clock = || {
            let day = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
            Date::parse(&day.to_string()).unwrap()
        };
        let (before, today, after) = (day_of_clock(), Date::today(), day_of_clock());
        assert!((before..=after).contains(&today), "{today:?}");
    }

    #[test]
    fn days_have_an_order() {
        let day = |text| Date::parse(text).unwrap();
        assert!(day("2027-06-30") < day("2027-07-01"));
        assert!(day("2027-12-31") < day("2028-01-01"));
    }
}
