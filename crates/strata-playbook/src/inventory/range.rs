//! Host names with ranges: `web[01:10]`, `db-[a:c]`, `x[0:10:2]`.

/// How many hosts a range may give.
const MAX: usize = 65_536;

/// All names that a name with ranges means.
pub(super) fn expand(name: &str) -> Result<Vec<String>, String> {
    let Some((open, close)) = find(name) else {
        return Ok(vec![name.to_owned()]);
    };
    let (head, tail) = (&name[..open], &name[close + 1..]);
    let middle = steps(&name[open + 1..close])?;
    let tails = expand(tail)?;
    if middle.len().saturating_mul(tails.len()) > MAX {
        return Err(format!("`{name}` means more than {MAX} hosts"));
    }
    Ok(middle
        .iter()
        .flat_map(|step| tails.iter().map(move |tail| format!("{head}{step}{tail}")))
        .collect())
}

/// The first brackets that hold a range; an IPv6 address has brackets without one.
fn find(name: &str) -> Option<(usize, usize)> {
    let open = name.find('[')?;
    let close = open + name[open..].find(']')?;
    let inside = &name[open + 1..close];
    let parts = inside.split(':').count();
    let plain = inside
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == ':');
    ((2..=3).contains(&parts) && plain).then_some((open, close))
}

fn steps(range: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("`[{range}]` is no range of hosts");
    let parts: Vec<&str> = range.split(':').collect();
    let step: usize = parts
        .get(2)
        .map_or(Ok(1), |step| step.parse())
        .map_err(|_| wrong())?;
    let (start, end) = (if parts[0].is_empty() { "0" } else { parts[0] }, parts[1]);
    if step == 0 {
        return Err(wrong());
    }
    if let (Ok(first), Ok(last)) = (start.parse::<usize>(), end.parse::<usize>()) {
        let padded = start.len() > 1 && start.starts_with('0');
        if padded && start.len() != end.len() {
            return Err(format!("both ends of `[{range}]` must have as many digits"));
        }
        if last < first {
            return Err(wrong());
        }
        if (last - first) / step > MAX {
            return Err(format!("`[{range}]` has more than {MAX} hosts"));
        }
        let width = if padded { start.len() } else { 0 };
        return Ok((first..=last)
            .step_by(step)
            .map(|number| format!("{number:0width$}"))
            .collect());
    }
    match (start.as_bytes(), end.as_bytes()) {
        ([first], [last])
            if first.is_ascii_alphabetic() && last.is_ascii_alphabetic() && first <= last =>
        {
            Ok((*first..=*last)
                .step_by(step)
                .map(|letter| char::from(letter).to_string())
                .collect())
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_written_out() {
        assert_eq!(
            expand("web[08:10].x").unwrap(),
            ["web08.x", "web09.x", "web10.x"]
        );
        assert_eq!(expand("[a:c]1").unwrap(), ["a1", "b1", "c1"]);
        assert_eq!(expand("n[0:4:2]").unwrap(), ["n0", "n2", "n4"]);
        assert_eq!(
            expand("h[1:2]-[a:b]").unwrap(),
            ["h1-a", "h1-b", "h2-a", "h2-b"]
        );
        assert_eq!(expand("plain").unwrap(), ["plain"]);
        assert!(expand("web[5:1]").is_err());
        assert!(expand("web[1:99999999]").is_err());
    }
}
