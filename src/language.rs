//! The languages in which page and summary can be read, and text that is held in all of them.
//!
//! What programs read (JSON, CSV, DICOM objects, names of files) is English always; the words of `report.json` are an
//! interface. Text for readers is written in both languages in one place: one without the other does not compile.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::words::{BadValue, parse_word};

/// A language of the reader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// French, with the terms of the French recommendation.
    Fr,
}

impl Language {
    /// The languages by their codes (ISO 639-1), and as their speakers call them.
    const WORDS: [(&str, Self); 4] =
        [("en", Self::En), ("fr", Self::Fr), ("english", Self::En), ("français", Self::Fr)];

    /// `en` or `fr`, as in the attribute `lang` of a page.
    pub fn code(self) -> &'static str {
        self.pick("en", "fr")
    }

    /// The one of the two that is in this language.
    pub fn pick<T>(self, english: T, french: T) -> T {
        match self {
            Self::En => english,
            Self::Fr => french,
        }
    }

    /// A number that was written with a decimal point, as this language writes it.
    pub fn decimal(self, text: String) -> String {
        match self {
            Self::En => text,
            Self::Fr => text.replace('.', ","),
        }
    }

    /// The text of this language; French set as French is: no line may break before `:`, `;`, `!`, `?`, `%` or inside
    /// quotation marks, where the source has plain spaces.
    pub fn say<'a>(self, english: impl Into<Cow<'a, str>>, french: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
        match self {
            Self::En => english.into(),
            Self::Fr => typeset(french.into()),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl FromStr for Language {
    type Err = BadValue;

    fn from_str(given: &str) -> Result<Self, BadValue> {
        parse_word("a language", given, &Self::WORDS)
    }
}

/// French text with its non-breaking spaces.
fn typeset(text: Cow<'_, str>) -> Cow<'_, str> {
    let before = |next: Option<char>| next.is_some_and(|c| ":;!?%»".contains(c));
    let mut previous = None;
    let mut changed = false;
    let set: String = text
        .char_indices()
        .map(|(at, letter)| {
            let glued = letter == ' ' && (previous == Some('«') || before(text[at + 1..].chars().next()));
            previous = Some(letter);
            changed |= glued;
            if glued { '\u{a0}' } else { letter }
        })
        .collect();
    if changed { Cow::Owned(set) } else { text }
}

/// Fixed text in both languages; written to JSON in English.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// The text as programs read it.
    pub english: &'static str,
    /// Its translation (or, of the recommendation, the original).
    pub french: &'static str,
}

impl Text {
    /// Text in both languages.
    pub const fn new(english: &'static str, french: &'static str) -> Self {
        Self { english, french }
    }

    /// What is the same in both: names, numbers, bibliographic references.
    pub const fn same(text: &'static str) -> Self {
        Self::new(text, text)
    }

    /// The text in a language.
    pub fn of(self, language: Language) -> Cow<'static, str> {
        language.say(self.english, self.french)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.english)
    }
}

/// A sentence that was made for one report, in both languages where it was translated; JSON holds the English alone.
///
/// It prints itself in no language: who shows it must say in which, so that none is forgotten.
#[derive(Debug, Clone)]
pub struct Sentence {
    english: Cow<'static, str>,
    french: Option<Cow<'static, str>>,
}

impl Sentence {
    /// A sentence in both languages.
    pub fn new(english: impl Into<Cow<'static, str>>, french: impl Into<Cow<'static, str>>) -> Self {
        Self { english: english.into(), french: Some(french.into()) }
    }

    /// A sentence that is not translated: what reading the files has to say, and what was read back from JSON.
    pub fn english_only(english: impl Into<Cow<'static, str>>) -> Self {
        Self { english: english.into(), french: None }
    }

    /// The sentence as programs read it.
    pub fn english(&self) -> &str {
        &self.english
    }

    /// The sentence in a language, or in English where it is not translated.
    pub fn of(&self, language: Language) -> Cow<'_, str> {
        language.say(&*self.english, self.french.as_deref().unwrap_or(&self.english))
    }

    /// The language in which [`Self::of`] answers.
    pub fn language(&self, wanted: Language) -> Language {
        if self.french.is_some() { wanted } else { Language::En }
    }
}

/// Two sentences are the same where programs read the same.
impl PartialEq for Sentence {
    fn eq(&self, other: &Self) -> bool {
        self.english == other.english
    }
}

impl Eq for Sentence {}

impl From<Text> for Sentence {
    fn from(text: Text) -> Self {
        Self::new(text.english, text.french)
    }
}

impl Serialize for Sentence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.english)
    }
}

impl<'de> Deserialize<'de> for Sentence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::english_only)
    }
}

/// In JSON both are a text like any other.
macro_rules! json_schema_of_text {
    ($($name:ty),+) => {$(
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                str::schema_name()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                str::json_schema(generator)
            }
        }
    )+};
}

json_schema_of_text!(Text, Sentence);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_read_by_its_code_or_name() {
        for (given, language) in [("en", Language::En), ("FR", Language::Fr), ("francais", Language::Fr)] {
            assert_eq!(given.parse(), Ok(language), "{given}");
        }
        assert_eq!("de".parse::<Language>().unwrap_err().hint(), "accepted: en, fr, english, français");
    }

    #[test]
    fn french_punctuation_never_begins_a_line() {
        let say = |text: &'static str| Language::Fr.say("", text);
        assert_eq!(say("Os : 12 % ; « oui » ?"), "Os\u{a0}: 12\u{a0}%\u{a0}; «\u{a0}oui\u{a0}»\u{a0}?");
        assert_eq!(say("rien à faire"), "rien à faire");
        assert_eq!(Language::En.say("12 % : as it is", ""), "12 % : as it is");
    }

    #[test]
    fn json_holds_the_english() {
        let sentence = Sentence::new("bone", "os");
        assert_eq!(serde_json::to_value(&sentence).unwrap(), "bone");
        let back: Sentence = serde_json::from_value("bone".into()).unwrap();
        assert_eq!((back.of(Language::Fr), back.language(Language::Fr)), ("bone".into(), Language::En));
        assert_eq!((sentence.of(Language::Fr), sentence.language(Language::Fr)), ("os".into(), Language::Fr));
    }
}
