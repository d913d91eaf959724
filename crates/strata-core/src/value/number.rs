//! Numbers as Terraform has them: whole numbers exactly, others with a mantissa of 512 bits.

use std::{cmp::Ordering, fmt, str::FromStr, sync::Arc};

use dashu_base::BitTest;
use dashu_float::{DBig, FBig, round::mode::HalfEven};
use dashu_int::IBig;

/// Bits of the mantissa, as in go-cty 1.16 (`cty.ParseNumberVal`).
const PRECISION: usize = 512;
/// Decimal digits that tell any two mantissas of [`PRECISION`] bits apart.
const DIGITS: usize = 156;
/// The largest decimal exponent that is read; beyond it a short text would need megabytes.
const MAX_EXPONENT: i64 = 100_000;

/// The decimal exponent beyond which Terraform's numbers, whose exponents have 32 bits in base two, are infinite.
const LARGEST: i64 = 646_456_993;

type Float = FBig<HalfEven, 2>;

/// A number, whole or not.
#[derive(Clone)]
pub struct Number(Repr);

#[derive(Clone)]
enum Repr {
    /// Every whole number that fits stands here, so that equality can compare variants.
    Int(i64),
    Big(Arc<Float>),
    /// What dividing by zero gives, as in Terraform.
    Infinite {
        negative: bool,
    },
}

/// A text that is not a number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number is required")]
pub struct ParseNumberError;

impl Number {
    /// Zero.
    pub const ZERO: Number = Number(Repr::Int(0));

    fn from_float(float: Float) -> Self {
        if float.repr().is_int()
            && float.repr().exponent() < 64
            && let Ok(int) = i64::try_from(float.to_int().value())
        {
            return Self(Repr::Int(int));
        }
        Self(Repr::Big(Arc::new(float)))
    }

    fn to_float(&self) -> Float {
        match &self.0 {
            Repr::Int(int) => FBig::from(*int).with_precision(PRECISION).value(),
            Repr::Big(float) => Float::clone(float),
            Repr::Infinite { negative: false } => Float::INFINITY,
            Repr::Infinite { negative: true } => Float::NEG_INFINITY,
        }
    }

    /// True for the two infinite numbers.
    pub fn is_infinite(&self) -> bool {
        matches!(self.0, Repr::Infinite { .. })
    }

    fn infinite(negative: bool) -> Self {
        Self(Repr::Infinite { negative })
    }

    /// -1 and 1 for the infinities, 0 for what lies between.
    fn rank(&self) -> i8 {
        match &self.0 {
            Repr::Infinite { negative } if *negative => -1,
            Repr::Infinite { .. } => 1,
            _ => 0,
        }
    }

    /// -1, 0 or 1, or an infinity: what counts where an infinity takes part.
    fn sign(&self) -> f64 {
        match &self.0 {
            Repr::Infinite { negative } if *negative => f64::NEG_INFINITY,
            Repr::Infinite { .. } => f64::INFINITY,
            _ => f64::from(self.cmp(&Self::ZERO) as i8),
        }
    }

    /// Arithmetic in which an infinity takes part; none where it has no meaning.
    fn with_infinity(&self, other: &Self, compute: fn(f64, f64) -> f64) -> Option<Self> {
        let result = compute(self.sign(), other.sign());
        if result.is_nan() {
            return None;
        }
        Some(match result.is_infinite() {
            true => Self::infinite(result < 0.0),
            false => Self::ZERO,
        })
    }

    /// The value as `i64`, if it is whole and fits.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Int(int) => Some(*int),
            Repr::Big(_) | Repr::Infinite { .. } => None,
        }
    }

    /// The value as `usize`, if it is whole and fits.
    pub fn as_usize(&self) -> Option<usize> {
        usize::try_from(self.as_i64()?).ok()
    }

    /// The nearest `f64`.
    pub fn to_f64(&self) -> f64 {
        match &self.0 {
            Repr::Int(int) => *int as f64,
            Repr::Big(float) => float.to_f64().value(),
            Repr::Infinite { .. } => self.sign(),
        }
    }

    /// True for whole numbers of any size.
    pub fn is_whole(&self) -> bool {
        match &self.0 {
            Repr::Int(_) => true,
            Repr::Big(float) => float.repr().is_int(),
            Repr::Infinite { .. } => false,
        }
    }

    /// True for zero.
    pub fn is_zero(&self) -> bool {
        matches!(self.0, Repr::Int(0))
    }

    fn combine(
        &self,
        other: &Self,
        exact: fn(i64, i64) -> Option<i64>,
        wide: fn(Float, Float) -> Float,
        signs: fn(f64, f64) -> f64,
    ) -> Option<Self> {
        if self.is_infinite() || other.is_infinite() {
            return self.with_infinity(other, signs);
        }
        if let (Repr::Int(left), Repr::Int(right)) = (&self.0, &other.0)
            && let Some(result) = exact(*left, *right)
        {
            return Some(Self(Repr::Int(result)));
        }
        Some(Self::from_float(wide(self.to_float(), other.to_float())))
    }

    /// Adds; none for an infinity and its opposite.
    pub fn add(&self, other: &Self) -> Option<Self> {
        self.combine(other, i64::checked_add, |a, b| a + b, |a, b| a + b)
    }

    /// Subtracts; none for an infinity from itself.
    pub fn subtract(&self, other: &Self) -> Option<Self> {
        self.combine(other, i64::checked_sub, |a, b| a - b, |a, b| a - b)
    }

    /// Multiplies; none for zero and an infinity.
    pub fn multiply(&self, other: &Self) -> Option<Self> {
        self.combine(other, i64::checked_mul, |a, b| a * b, |a, b| a * b)
    }

    /// Divides; by zero that is infinite. None for zero by zero, and an infinity by another.
    pub fn divide(&self, other: &Self) -> Option<Self> {
        if other.is_zero() {
            return self.with_infinity(other, |a, b| a / b);
        }
        let exact = |a: i64, b: i64| {
            if a.checked_rem(b)? == 0 {
                a.checked_div(b)
            } else {
                None
            }
        };
        self.combine(other, exact, |a, b| a / b, |a, b| a / b)
    }

    /// The remainder with the sign of the dividend, which itself is what remains of a division by zero. None where an
    /// infinity takes part.
    pub fn remainder(&self, other: &Self) -> Option<Self> {
        if other.is_zero() && !self.is_infinite() {
            return Some(self.clone());
        }
        let wide = |a: Float, b: Float| {
            let quotient = (&a / &b).trunc();
            a - quotient * b
        };
        self.combine(other, i64::checked_rem, wide, |_, _| f64::NAN)
    }

    /// All decimal digits of the number as it is kept, in base two: 0.1 has hundreds of them.
    pub fn to_exact_string(&self) -> String {
        let Repr::Big(float) = &self.0 else {
            return self.to_string();
        };
        let (significand, exponent) = (float.repr().significand(), float.repr().exponent());
        if exponent >= 0 {
            return self.to_string();
        }
        // A half is five tenths: each place in base two is one in base ten.
        let places = exponent.unsigned_abs();
        let digits = significand * IBig::from(5).pow(places);
        point(&digits.to_string(), places)
    }

    /// Changes the sign.
    pub fn negate(&self) -> Self {
        match &self.0 {
            Repr::Int(int) => match int.checked_neg() {
                Some(negated) => Self(Repr::Int(negated)),
                None => Self::from_float(-self.to_float()),
            },
            Repr::Big(float) => Self::from_float(-Float::clone(float)),
            Repr::Infinite { negative } => Self::infinite(!negative),
        }
    }

    /// Rounds towards minus infinity.
    pub fn floor(&self) -> Self {
        match &self.0 {
            Repr::Int(_) | Repr::Infinite { .. } => self.clone(),
            Repr::Big(float) => Self::from_float(float.floor()),
        }
    }

    /// Rounds towards plus infinity.
    pub fn ceil(&self) -> Self {
        match &self.0 {
            Repr::Int(_) | Repr::Infinite { .. } => self.clone(),
            Repr::Big(float) => Self::from_float(float.ceil()),
        }
    }

    /// Reads whole numbers in a base from 2 to 36, with an optional sign.
    pub fn from_radix(text: &str, radix: u32) -> Option<Self> {
        let int = IBig::from_str_radix(text, radix).ok()?;
        Some(match i64::try_from(int.clone()) {
            Ok(int) => Self(Repr::Int(int)),
            Err(_) => Self::from_float(FBig::from(int).with_precision(PRECISION).value()),
        })
    }

    /// Takes a finite float, none for infinities and NaN.
    pub fn from_f64(float: f64) -> Option<Self> {
        let float: Float = FBig::try_from(float).ok()?;
        if float.repr().is_infinite() {
            return None;
        }
        Some(Self::from_float(float.with_precision(PRECISION).value()))
    }
}

impl From<i64> for Number {
    fn from(int: i64) -> Self {
        Self(Repr::Int(int))
    }
}

impl From<usize> for Number {
    fn from(int: usize) -> Self {
        match i64::try_from(int) {
            Ok(int) => Self(Repr::Int(int)),
            Err(_) => Self::from_float(FBig::from(int).with_precision(PRECISION).value()),
        }
    }
}

impl FromStr for Number {
    type Err = ParseNumberError;

    /// Reads decimal text with an optional sign, fraction and exponent.
    fn from_str(text: &str) -> Result<Self, ParseNumberError> {
        if let Ok(int) = text.parse::<i64>()
            && !text.starts_with('+')
        {
            return Ok(Self(Repr::Int(int)));
        }
        match text {
            "inf" | "Inf" | "+inf" | "+Inf" => return Ok(Self::infinite(false)),
            "-inf" | "-Inf" => return Ok(Self::infinite(true)),
            _ => {}
        }
        if let Some(beyond) = check_decimal(text)? {
            return Ok(beyond);
        }
        let decimal = DBig::from_str(text).map_err(|_| ParseNumberError)?;
        let float = decimal
            .with_rounding::<HalfEven>()
            .with_base_and_precision::<2>(PRECISION)
            .value();
        Ok(Self::from_float(float))
    }
}

/// Refuses what the decimal reader takes but Terraform does not, and exponents that need too much memory. Gives what is
/// beyond all numbers that Terraform keeps: an infinity, or zero.
fn check_decimal(text: &str) -> Result<Option<Number>, ParseNumberError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Err(ParseNumberError);
    }
    if !digits
        .bytes()
        .all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'e' | b'E' | b'+' | b'-'))
    {
        return Err(ParseNumberError);
    }
    let Some((mantissa, exponent)) = digits.split_once(['e', 'E']) else {
        return Ok(None);
    };
    let exponent: i64 = exponent.parse().map_err(|_| ParseNumberError)?;
    if exponent.abs() <= MAX_EXPONENT {
        return Ok(None);
    }
    beyond(mantissa, exponent, text.starts_with('-')).map(Some)
}

/// A number with an exponent beyond [`MAX_EXPONENT`], as far as it is one that needs no digits.
fn beyond(mantissa: &str, exponent: i64, negative: bool) -> Result<Number, ParseNumberError> {
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number = mantissa.bytes().all(|c| c.is_ascii_digit() || c == b'.');
    let digits = [whole, fraction].concat();
    if !is_number || digits.is_empty() || digits.contains('.') {
        return Err(ParseNumberError);
    }
    let significant = digits.trim_start_matches('0').len() as i64;
    let last = exponent.saturating_sub(fraction.len() as i64);
    if significant == 0 {
        return Ok(Number::ZERO);
    }
    if !(i64::from(i32::MIN)..i64::from(i32::MAX)).contains(&last) {
        return Err(ParseNumberError);
    }
    match last + significant {
        first if first > LARGEST => Ok(Number::infinite(negative)),
        first if first < -LARGEST => Ok(Number::ZERO),
        _ => Err(ParseNumberError),
    }
}

impl fmt::Display for Number {
    /// Writes decimal digits without an exponent, the fewest that give the same number back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Int(int) => write!(f, "{int}"),
            Repr::Big(float) if is_exact_integer(float) => {
                write!(f, "{}", float.to_int().value())
            }
            Repr::Big(float) => f.write_str(&shortest(float)),
            Repr::Infinite { negative: false } => f.write_str("+Inf"),
            Repr::Infinite { negative: true } => f.write_str("-Inf"),
        }
    }
}

/// True for a whole number whose every digit counts; beyond the mantissa the last ones are none of it.
fn is_exact_integer(float: &Float) -> bool {
    let bits = float.repr().significand().bit_len() as isize + float.repr().exponent();
    float.repr().is_int() && bits <= PRECISION as isize
}

/// The fewest decimal digits that read back as the same 512-bit number.
fn shortest(float: &Float) -> String {
    let reads_back = |digits: usize| {
        let decimal = decimal(float, digits);
        let back = decimal
            .clone()
            .with_base_and_precision::<2>(PRECISION)
            .value();
        (back == *float).then_some(decimal)
    };
    // Numbers that people write have few digits, results of division have all of them.
    let found = (1..=20).find_map(reads_back);
    let decimal = found.unwrap_or_else(|| {
        let (mut low, mut high) = (21, DIGITS);
        while low < high {
            let middle = usize::midpoint(low, high);
            if reads_back(middle).is_some() {
                high = middle
            } else {
                low = middle + 1
            }
        }
        decimal(float, low)
    });
    plain(&decimal)
}

fn decimal(float: &Float, digits: usize) -> FBig<HalfEven, 10> {
    float.clone().with_base_and_precision::<10>(digits).value()
}

/// Writes significand and exponent without an exponent sign.
fn plain(decimal: &FBig<HalfEven, 10>) -> String {
    let (significand, exponent) = decimal.clone().into_repr().into_parts();
    let text = significand.to_string();
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text.as_str()), |digits| ("-", digits));
    if exponent >= 0 {
        return format!("{sign}{digits}{}", "0".repeat(exponent as usize));
    }
    point(&text, exponent.unsigned_abs())
}

/// Puts the decimal point before the last `places` digits.
fn point(text: &str, places: usize) -> String {
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text), |digits| ("-", digits));
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    format!("{sign}{whole}.{fraction}")
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Int(left), Repr::Int(right)) => left.cmp(right),
            (Repr::Infinite { .. }, _) | (_, Repr::Infinite { .. }) => {
                self.rank().cmp(&other.rank())
            }
            _ => self.to_float().cmp(&other.to_float()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn texts_read_back_as_written() {
        for text in [
            "0",
            "-7",
            "0.1",
            "1.5",
            "-0.001",
            "9223372036854775807",
            "9223372036854775808",
            "123456789012345678901234567890",
        ] {
            assert_eq!(number(text).to_string(), text);
        }
        assert_eq!(number("1e3").to_string(), "1000");
        assert_eq!(number("1.50").to_string(), "1.5");
        assert_eq!(number("25e-2").to_string(), "0.25");
        // Digits that the mantissa does not hold are zeros.
        let square = number("1e400").multiply(&number("1e400")).unwrap();
        assert_eq!(square.to_string(), format!("1{}", "0".repeat(800)));
        assert_eq!(number("1e200").to_string(), format!("1{}", "0".repeat(200)));
    }

    #[test]
    fn what_terraform_refuses_is_no_number() {
        for text in [
            "",
            "+",
            "0x10",
            "1_000",
            "infinity",
            "NaN",
            "1e999999999999",
            " 1",
            "1 ",
        ] {
            assert!(text.parse::<Number>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_beyond_terraforms_numbers_is_infinite_or_nothing() {
        let cases = [
            ("1e999999999", "+Inf"),
            ("-1e999999999", "-Inf"),
            ("0.0001e700000000", "+Inf"),
            ("1e-999999999", "0"),
            ("1e-2147483648", "0"),
            ("0e999999999", "0"),
            ("0.0e-999999999", "0"),
        ];
        for (text, expected) in cases {
            assert_eq!(number(text).to_string(), expected, "{text}");
        }
        for text in [
            "1e2147483647",
            "1e99999999999",
            "1e-99999999999",
            "1.1.1e999999999",
            ".e999999999",
        ] {
            assert!(text.parse::<Number>().is_err(), "{text}");
        }
    }

    #[test]
    fn arithmetic_is_exact_where_terraform_is() {
        assert_eq!(
            number("0.1").add(&number("0.2")).unwrap().to_string(),
            "0.3"
        );
        assert_eq!(
            number("9223372036854775807")
                .add(&Number::from(1_i64))
                .unwrap()
                .to_string(),
            "9223372036854775808"
        );
        assert_eq!(number("7").divide(&number("2")).unwrap().to_string(), "3.5");
        assert_eq!(
            number("-7").remainder(&number("2")).unwrap().to_string(),
            "-1"
        );
        assert_eq!(
            number("5.5").remainder(&number("2")).unwrap().to_string(),
            "1.5"
        );
        let third = number("1").divide(&number("3")).unwrap().to_string();
        assert!(
            third.starts_with("0.333333333333333333333333333333333333333333"),
            "{third}"
        );
        assert_eq!(number("2.5").floor().to_string(), "2");
        assert_eq!(number("-2.5").ceil().to_string(), "-2");
    }

    #[test]
    fn dividing_by_zero_is_infinite_and_goes_on_where_that_has_a_meaning() {
        let (one, zero) = (number("1"), Number::ZERO);
        let infinity = one.divide(&zero).unwrap();
        assert_eq!(infinity.to_string(), "+Inf");
        assert_eq!(one.negate().divide(&zero).unwrap(), infinity.negate());
        assert_eq!(infinity.add(&one), Some(infinity.clone()));
        assert_eq!(infinity.multiply(&one.negate()), Some(infinity.negate()));
        assert_eq!(one.divide(&infinity), Some(zero.clone()));
        assert_eq!(zero.divide(&zero), None);
        assert_eq!(infinity.subtract(&infinity), None);
        assert_eq!(infinity.multiply(&zero), None);
        assert_eq!(infinity.divide(&infinity), None);
        assert_eq!(number("5").remainder(&zero), Some(number("5")));
        assert_eq!(number("5").remainder(&infinity), None);
        assert!(infinity > number("1e300") && infinity.negate() < zero);
        assert_eq!("-inf".parse(), Ok(infinity.negate()));
        assert!(!infinity.is_whole() && infinity.as_i64().is_none());
    }

    #[test]
    fn exact_digits_are_those_of_the_binary_number() {
        assert!(
            number("0.1")
                .to_exact_string()
                .starts_with("0.1000000000000000")
        );
        assert_eq!(number("-0.375").to_exact_string(), "-0.375");
        assert_eq!(number("12").to_exact_string(), "12");
        assert!(number("2.675").to_exact_string() != "2.675");
    }
}
