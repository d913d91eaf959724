//! `lipsum`: paragraphs of words without a meaning, as Jinja 3.1 makes them.

use std::sync::Arc;

use minijinja::{
    Environment, Error, ErrorKind, State, Value,
    value::{Kwargs, Rest},
};

use crate::{filters::argument, run::Run};

/// How many paragraphs and words there are at most.
const MOST: u64 = 100_000;

const WORDS: &[&str] = &[
    "ac",
    "aliquam",
    "amet",
    "ante",
    "arcu",
    "at",
    "augue",
    "commodo",
    "cras",
    "cubilia",
    "cursus",
    "diam",
    "dolor",
    "donec",
    "duis",
    "eget",
    "elit",
    "enim",
    "erat",
    "eros",
    "est",
    "et",
    "felis",
    "fusce",
    "gravida",
    "iaculis",
    "id",
    "in",
    "ipsum",
    "justo",
    "lacus",
    "lectus",
    "leo",
    "libero",
    "ligula",
    "lorem",
    "magna",
    "massa",
    "mauris",
    "metus",
    "mi",
    "mollis",
    "morbi",
    "nam",
    "nec",
    "neque",
    "nibh",
    "nisi",
    "nulla",
    "nunc",
    "odio",
    "orci",
    "pede",
    "porta",
    "proin",
    "purus",
    "quam",
    "quis",
    "risus",
    "rutrum",
    "sapien",
    "sed",
    "sem",
    "sit",
    "tellus",
    "tempor",
    "tortor",
    "turpis",
    "urna",
    "ut",
    "varius",
    "vel",
    "velit",
    "vitae",
    "volutpat",
    "vulputate",
];

pub(crate) fn register(environment: &mut Environment<'static>) {
    environment.add_function("lipsum", lipsum);
}

fn lipsum(state: &mut State<'_, '_>, given: Rest<Value>, options: Kwargs) -> Result<String, Error> {
    let number = |at, name, otherwise| {
        argument::<i64>(&given, &options, at, name).map(|given| given.unwrap_or(otherwise))
    };
    let paragraphs = number(0, "n", 5)?;
    let html = argument(&given, &options, 1, "html")?.unwrap_or(true);
    let (least, most) = (number(2, "min", 20)?, number(3, "max", 100)?);
    options.assert_all_used()?;
    let [paragraphs, least, most] = [paragraphs, least, most].map(|number| number.max(0) as u64);
    if least >= most || most > MOST || paragraphs > MOST / most {
        let message = format!(
            "`lipsum` of {paragraphs} paragraphs of {least} to {most} words cannot be made"
        );
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    let mut chance = Chance(Run::of(state)?);
    let all: Vec<String> = (0..paragraphs)
        .map(|_| {
            let length = chance.between(least, most);
            let text = chance.paragraph(length);
            match html {
                true => format!("<p>{text}</p>"),
                false => text,
            }
        })
        .collect();
    Ok(all.join(if html { "\n" } else { "\n\n" }))
}

struct Chance(Arc<Run>);

impl Chance {
    /// A number from `least` on, below `end`.
    fn between(&self, least: u64, end: u64) -> u64 {
        least + self.0.templar.surroundings.random() % (end - least)
    }

    /// Sentences of so many words, with commas in between; no word follows itself.
    fn paragraph(&mut self, length: u64) -> String {
        let mut out = String::new();
        let (mut comma, mut stop) = (self.between(3, 8), self.between(10, 20));
        let mut last = "";
        let mut begins = true;
        for at in 0..length {
            let chosen = self.between(0, WORDS.len() as u64) as usize;
            // The next one, where chance gives the same once more.
            let word = match WORDS[chosen] {
                word if word == last => WORDS[(chosen + 1) % WORDS.len()],
                word => word,
            };
            last = word;
            if !out.is_empty() {
                out.push(' ');
            }
            match (begins, word.split_at(1)) {
                (true, (first, rest)) => out.push_str(&(first.to_uppercase() + rest)),
                (false, _) => out.push_str(word),
            }
            begins = at == stop;
            match (at == stop, at == comma) {
                _ if at + 1 == length => {}
                (true, _) => {
                    out.push('.');
                    stop += self.between(10, 20);
                    comma = at + self.between(3, 8);
                }
                (false, true) => {
                    out.push(',');
                    comma += self.between(3, 8);
                }
                (false, false) => {}
            }
        }
        out + "."
    }
}
