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

/// Reads `given` as one of `vocabulary`, whatever its case and accents; blanks, underscores, commas, strokes and apostrophes
/// count as hyphens.
///
/// The same meaning may be listed under several words. On failure the error lists every word.
pub fn parse_word<T: Copy>(what: &'static str, given: &str, vocabulary: &[(&str, T)]) -> Result<T, BadValue> {
    parse_word_or(what, given, vocabulary, &[])
}

/// [`parse_word`] with a second list, of spellings in French: an error lists them apart, as such.
pub fn parse_word_or<T: Copy>(
    what: &'static str,
    given: &str,
    vocabulary: &[(&str, T)],
    french: &[(&str, T)],
) -> Result<T, BadValue> {
    let wanted = folded(given);
    if let Some((_, meaning)) = vocabulary.iter().chain(french).find(|(word, _)| folded(word) == wanted) {
        return Ok(*meaning);
    }
    let list = |words: &[(&str, T)]| words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
    let mut accepted = list(vocabulary);
    if !french.is_empty() {
        accepted += &format!("; in French: {}", list(french));
    }
    let words: Vec<&str> = vocabulary.iter().chain(french).map(|(word, _)| *word).collect();
    Err(BadValue { what, given: given.to_owned(), accepted, nearest: nearest_word(&wanted, &words).map(str::to_owned) })
}

/// Reads a finite number, written with a decimal point or, as in French, a decimal comma.
///
/// `1,000` is refused: a thousand to some readers, one to others.
pub fn parse_number(given: &str) -> Option<f64> {
    let given = given.trim();
    if let Some((whole, decimals)) = given.split_once(',') {
        let zero = whole.trim_start_matches(['-', '+', '0']).is_empty();
        if decimals.len() == 3 && !zero {
            return None;
        }
    }
    given.replace(',', ".").parse().ok().filter(|number: &f64| number.is_finite())
}

/// A word as it is compared: lower case, without accents, its parts joined by single hyphens.
fn folded(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    for letter in word.chars().flat_map(char::to_lowercase) {
        match letter {
            'à' | 'â' | 'ä' => folded.push('a'),
            'ç' => folded.push('c'),
            'é' | 'è' | 'ê' | 'ë' => folded.push('e'),
            'î' | 'ï' => folded.push('i'),
            'ô' | 'ö' => folded.push('o'),
            'ù' | 'û' | 'ü' => folded.push('u'),
            'œ' => folded.push_str("oe"),
            'æ' => folded.push_str("ae"),
            // An accent that stands behind its letter, as file systems and some keyboards write it.
            '\u{300}'..='\u{36f}' => {}
            '-' | '_' | ',' | '/' | '\'' | '’' => folded.push('-'),
            blank if blank.is_whitespace() => folded.push('-'),
            other => folded.push(other),
        }
    }
    folded.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// The word with the smallest edit distance to `given` (case and accents aside), if that distance is at most a third of the word's length (at least 2).
pub(crate) fn nearest_word<'a>(given: &str, words: &[&'a str]) -> Option<&'a str> {
    let given = folded(given);
    words
        .iter()
        .map(|word| (edit_distance(&given, &folded(word)), *word))
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
    fn accents_and_separators_do_not_matter() {
        let pains: &[(&str, u8)] = &[("légère", 1), ("région trochantérienne", 2), ("cœur", 3)];
        for (given, meaning) in [
            ("LÉGÈRE", 1),
            ("legere", 1),
            // The same word with its accents behind the letters.
            ("le\u{301}ge\u{300}re", 1),
            ("Region_Trochanterienne", 2),
            ("région  trochantérienne ", 2),
            ("coeur", 3),
        ] {
            assert_eq!(parse_word("a word", given, pains), Ok(meaning), "{given}");
        }
        assert!(parse_word("a word", "legere!", pains).is_err());
    }

    #[test]
    fn french_spellings_are_listed_apart_and_suggested() {
        let error = parse_word_or("a side", "drotie", SIDES, &[("gauche", 0), ("droite", 1)]).unwrap_err();
        assert_eq!(error.hint(), "did you mean 'droite'? Accepted: left, right; in French: gauche, droite");
    }

    #[test]
    fn numbers_have_a_point_or_a_comma() {
        assert_eq!((parse_number("0.87"), parse_number(" 0,87 ")), (Some(0.87), Some(0.87)));
        assert_eq!((parse_number("0,875"), parse_number("-12,5")), (Some(0.875), Some(-12.5)));
        for bad in ["", "1,2,3", "1.000,5", "1,000", "nan", "inf", "7 Gy"] {
            assert_eq!(parse_number(bad), None, "{bad}");
        }
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
