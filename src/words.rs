//! Closed vocabularies: read one of a few known words, or refuse with what would have been accepted and the nearest word.

use std::fmt;

/// A value that is not in the vocabulary it was read against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadValue {
    /// What the value was meant to be, with its article: "a bone", "a pain level".
    pub what: &'static str,
    /// The value as it was given.
    pub given: String,
    /// What would have been accepted, ready to print.
    pub accepted: String,
    /// The accepted word closest to the one given, if one is close enough to be a slip of the keyboard.
    pub nearest: Option<String>,
}

impl BadValue {
    /// What to do next: the nearest word, if any, and everything that is accepted.
    pub fn hint(&self) -> String {
        match &self.nearest {
            Some(word) => format!("did you mean '{word}'? Accepted: {}", self.accepted),
            None => format!("accepted: {}", self.accepted),
        }
    }
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is not {}", self.given, self.what)
    }
}

impl std::error::Error for BadValue {}

/// Reads `given` as one of `vocabulary`, ignoring case and surrounding blanks; underscores count as hyphens.
///
/// The same meaning may be listed under several words. On failure the error lists every word.
pub fn parse_word<T: Copy>(what: &'static str, given: &str, vocabulary: &[(&str, T)]) -> Result<T, BadValue> {
    let wanted = given.trim().to_lowercase().replace('_', "-");
    if let Some((_, meaning)) = vocabulary.iter().find(|(word, _)| *word == wanted) {
        return Ok(*meaning);
    }
    let words: Vec<&str> = vocabulary.iter().map(|(word, _)| *word).collect();
    Err(BadValue {
        what,
        given: given.to_owned(),
        accepted: words.join(", "),
        nearest: nearest_word(&wanted, &words).map(str::to_owned),
    })
}

/// The word with the smallest edit distance, if that distance is at most a third of the word's length (at least 2).
pub(crate) fn nearest_word<'a>(given: &str, words: &[&'a str]) -> Option<&'a str> {
    words
        .iter()
        .map(|word| (edit_distance(given, word), *word))
        // A distance as long as the word itself means that nothing is shared.
        .filter(|(distance, word)| *distance <= (word.len() / 3).max(2) && *distance < word.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Levenshtein distance in characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDES: &[(&str, u8)] = &[("left", 0), ("right", 1)];

    #[test]
    fn known_words_are_read_whatever_their_case() {
        assert_eq!(parse_word("a side", " Left ", SIDES), Ok(0));
        assert_eq!(parse_word("a site", "upper_limb", &[("upper-limb", 1)]), Ok(1));
    }

    #[test]
    fn a_slip_of_the_keyboard_is_recognised() {
        let error = parse_word("a side", "rihgt", SIDES).unwrap_err();
        assert_eq!(error.to_string(), "'rihgt' is not a side");
        assert_eq!(error.hint(), "did you mean 'right'? Accepted: left, right");
    }

    #[test]
    fn a_foreign_word_gets_no_suggestion() {
        let error = parse_word("a side", "banana", SIDES).unwrap_err();
        assert_eq!(error.hint(), "accepted: left, right");
        assert_eq!(parse_word("a side", "", SIDES).unwrap_err().nearest, None);
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("femur", "femur"), 0);
        assert_eq!(edit_distance("femru", "femur"), 2);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
    }
}
