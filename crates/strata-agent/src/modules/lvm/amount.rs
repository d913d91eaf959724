//! How large a logical volume is to be.

use crate::module::ModuleError;

/// A size: so much, or so many percent of something; more or less of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Amount {
    pub(super) sign: Option<char>,
    pub(super) number: f64,
    /// The unit in which LVM is asked, in lower case.
    pub(super) unit: char,
    /// What the percents are of.
    pub(super) of: Option<String>,
    /// Number and unit as they are given.
    text: String,
}

impl Amount {
    /// Reads `20`, `+8g`, `50%VG`.
    pub(super) fn read(given: &str) -> Result<Amount, ModuleError> {
        let sign = given.chars().next().filter(|c| matches!(c, '+' | '-'));
        let text = given.strip_prefix(['+', '-']).unwrap_or(given);
        match text.split_once('%') {
            Some((number, of)) => Amount::percent(sign, number, of),
            None => Amount::absolute(sign, text),
        }
    }

    fn percent(sign: Option<char>, number: &str, of: &str) -> Result<Amount, ModuleError> {
        let Ok(percent) = number.parse::<u32>() else {
            return Err(bad(number));
        };
        if percent > 100 {
            return Err(ModuleError::new(
                "Size percentage cannot be larger than 100%",
            ));
        }
        if !matches!(of, "VG" | "PVS" | "FREE" | "ORIGIN") {
            return Err(ModuleError::new(
                "Specify extents as a percentage of VG|PVS|FREE|ORIGIN",
            ));
        }
        Ok(Amount {
            sign,
            number: f64::from(percent),
            unit: 'm',
            of: Some(of.to_owned()),
            text: format!("{number}%{of}"),
        })
    }

    fn absolute(sign: Option<char>, text: &str) -> Result<Amount, ModuleError> {
        let unit = text.chars().last().filter(char::is_ascii_alphabetic);
        let unit = unit.filter(|unit| "bskmgtpe".contains(unit.to_ascii_lowercase()));
        let bare = &text[..text.len() - unit.map_or(0, char::len_utf8)];
        let number = match bare.parse::<f64>() {
            Ok(number) if bare.starts_with(|c: char| c.is_ascii_digit()) => number,
            _ => return Err(bad(bare)),
        };
        let unit = unit.unwrap_or('m');
        Ok(Amount {
            sign,
            number,
            unit: unit.to_ascii_lowercase(),
            of: None,
            text: format!("{bare}{unit}"),
        })
    }

    /// As the tools take it that change a size.
    pub(super) fn words(&self) -> [String; 2] {
        let sign = self.sign.map(String::from).unwrap_or_default();
        [self.flag().to_owned(), format!("{sign}{}", self.text)]
    }

    /// As the tool takes it that makes a volume.
    pub(super) fn whole(&self) -> [String; 2] {
        [self.flag().to_owned(), self.text.clone()]
    }

    /// Without its sign.
    pub(super) fn unsigned(&self) -> &str {
        &self.text
    }

    /// With its sign, and without a unit.
    pub(super) fn shown(&self) -> String {
        let sign = self.sign.map(String::from).unwrap_or_default();
        let text = self
            .text
            .trim_end_matches(|c: char| c.is_ascii_alphabetic());
        format!("{sign}{text}")
    }

    fn flag(&self) -> &'static str {
        if self.of.is_some() { "-l" } else { "-L" }
    }
}

fn bad(text: &str) -> ModuleError {
    ModuleError::new(format!("Bad size specification of '{text}'"))
}

#[cfg(test)]
mod tests {
    use super::Amount;

    fn words(given: &str) -> String {
        match Amount::read(given) {
            Ok(amount) => amount.words().join(" "),
            Err(error) => error.msg,
        }
    }

    #[test]
    fn sizes_have_the_units_of_lvm() {
        assert_eq!(words("512"), "-L 512m");
        assert_eq!(words("+1.5G"), "-L +1.5G");
        assert_eq!(words("8s"), "-L 8s");
        assert_eq!(words("-10%FREE"), "-l -10%FREE");
    }

    #[test]
    fn what_is_no_size_is_told() {
        assert_eq!(words("lots"), "Bad size specification of 'lot'");
        assert_eq!(words(""), "Bad size specification of ''");
        assert_eq!(words("ü"), "Bad size specification of 'ü'");
        assert_eq!(words("x%VG"), "Bad size specification of 'x'");
        assert_eq!(
            words("101%VG"),
            "Size percentage cannot be larger than 100%"
        );
        assert_eq!(
            words("5%"),
            "Specify extents as a percentage of VG|PVS|FREE|ORIGIN"
        );
    }
}
