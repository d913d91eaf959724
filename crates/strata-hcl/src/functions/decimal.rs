//! Numbers as rows of decimal digits, rounded to some of them, as `format` needs them.

use strata_core::Number;

/// `0.digits × 10^point`.
pub(super) struct Decimal {
    pub(super) negative: bool,
    digits: Vec<u8>,
    point: i64,
}

impl Decimal {
    /// The fewest digits that tell the number from all others.
    pub(super) fn new(number: &Number) -> Self {
        Self::read(&number.to_string())
    }

    /// All digits of the number as it is kept.
    pub(super) fn exact(number: &Number) -> Self {
        Self::read(&number.to_exact_string())
    }

    fn read(text: &str) -> Self {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        let point = whole.len() as i64 - (all.len() - significant.len()) as i64;
        let digits = significant
            .trim_end_matches('0')
            .bytes()
            .map(|digit| digit - b'0')
            .collect::<Vec<_>>();
        let point = if digits.is_empty() { 1 } else { point };
        Self {
            negative,
            digits,
            point,
        }
    }

    /// Keeps some digits; a half goes to the even digit.
    fn round(&mut self, keep: i64) {
        let Ok(keep) = usize::try_from(keep) else {
            self.digits.clear();
            return;
        };
        if keep >= self.digits.len() {
            return;
        }
        let half = self.digits[keep] == 5 && self.digits.len() == keep + 1;
        let odd = keep > 0 && self.digits[keep - 1] % 2 == 1;
        let up = if half { odd } else { self.digits[keep] >= 5 };
        self.digits.truncate(keep);
        if up {
            self.increase();
        }
    }

    fn increase(&mut self) {
        for digit in self.digits.iter_mut().rev() {
            if *digit < 9 {
                *digit += 1;
                return;
            }
            *digit = 0;
        }
        self.digits.insert(0, 1);
        self.point += 1;
    }

    fn digit(&self, at: i64) -> char {
        let digit = usize::try_from(at).ok().and_then(|at| self.digits.get(at));
        char::from(b'0' + digit.copied().unwrap_or(0))
    }

    /// `%f`, without the sign.
    pub(super) fn fixed(mut self, places: usize) -> String {
        self.round(self.point + places as i64);
        let whole: String = (0..self.point).map(|at| self.digit(at)).collect();
        let fraction: String = (0..places as i64)
            .map(|at| self.digit(self.point + at))
            .collect();
        let whole = if whole.is_empty() { "0" } else { &whole };
        if places == 0 {
            whole.to_owned()
        } else {
            format!("{whole}.{fraction}")
        }
    }

    /// `%e`, without the sign.
    pub(super) fn scientific(mut self, places: usize) -> String {
        self.round(places as i64 + 1);
        let fraction: String = (0..places as i64).map(|at| self.digit(1 + at)).collect();
        let dot = if places == 0 { "" } else { "." };
        let exponent = if self.digits.is_empty() {
            0
        } else {
            self.point - 1
        };
        let sign = if exponent < 0 { '-' } else { '+' };
        format!(
            "{}{dot}{fraction}e{sign}{:02}",
            self.digit(0),
            exponent.abs()
        )
    }

    /// `%g`, without the sign: the shorter of the two, with all digits unless told how many.
    pub(super) fn general(mut self, precision: Option<usize>) -> String {
        if let Some(precision) = precision {
            self.round(precision.max(1) as i64);
        }
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
        let count = self.digits.len();
        let limit = match precision {
            Some(precision) if precision.max(1) > count && count as i64 >= self.point => {
                count.max(1)
            }
            Some(precision) => precision.max(1),
            None => 6,
        } as i64;
        let exponent = self.point - 1;
        if !self.digits.is_empty() && (exponent < -4 || exponent >= limit) {
            return self.scientific(count.saturating_sub(1));
        }
        let places = (count as i64 - self.point).max(0) as usize;
        self.fixed(places)
    }
}
