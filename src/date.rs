//! Days, in UTC.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::civil;
use jiff::tz::Offset;

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(civil::Date);

impl Date {
    /// The day that it is now, by the clock of the policy server. A clock that stands outside of the calendar gives the
    /// last day there is, on which everything has expired.
    #[must_use]
    pub fn today() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
        let now = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
        Self(Offset::UTC.to_datetime(now).date())
    }

    /// Reads `2027-06-30`, and nothing that is written in any other way.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let &[ref year @ .., b'-', m, n, b'-', d, e] = text.as_bytes() else { return None };
        if year.len() != 4 {
            return None;
        }
        let (month, day) = (i8::try_from(number(&[m, n])?).ok()?, i8::try_from(number(&[d, e])?).ok()?);
        civil::Date::new(number(year)?, month, day).ok().map(Self)
    }
}

/// Reads decimal digits, of which there are few.
fn number(digits: &[u8]) -> Option<i16> {
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i16::from(digit - b'0')))
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_days_of_the_calendar() {
        for text in ["2027-06-30", "2028-02-29", "0001-01-01", "9999-12-31"] {
            assert_eq!(Date::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_everything_else() {
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
    fn days_have_an_order() {
        let day = |text| Date::parse(text).unwrap();
        assert!(day("2027-06-30") < day("2027-07-01"));
        assert!(day("2027-12-31") < day("2028-01-01"));
        assert!(day("2026-01-01") < Date::today());
        assert!(Date::today() < day("9999-12-31"));
    }
}
