//! Marks in the summary's text where a terminal that can shows colour or weight: letters of the private area, which take no
//! column and are taken out, or turned into escape sequences, at the end.

use anstyle::{AnsiColor, Style};

/// What a mark begins. The words say all of it without colour too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// Name of a bone, headline.
    Title,
    /// A rule is met.
    Alarm,
    /// Undecided, or to be known before trusting a number.
    Caution,
    /// A rule is not met.
    Calm,
    /// Not evaluated.
    Faint,
    /// Plain again.
    End,
}

const MARKS: [(char, Mark); 6] = [
    ('\u{f8f0}', Mark::Title),
    ('\u{f8f1}', Mark::Alarm),
    ('\u{f8f2}', Mark::Caution),
    ('\u{f8f3}', Mark::Calm),
    ('\u{f8f4}', Mark::Faint),
    ('\u{f8f5}', Mark::End),
];

impl Mark {
    /// The mark that a letter is.
    pub fn of(letter: char) -> Option<Self> {
        MARKS.iter().find(|(mark, _)| *mark == letter).map(|(_, mark)| *mark)
    }

    fn letter(self) -> char {
        MARKS.iter().find(|(_, mark)| *mark == self).map_or(' ', |(letter, _)| *letter)
    }

    /// Colours of the sixteen, which a terminal shows as its user wants them.
    fn style(self) -> Style {
        let plain = Style::new();
        match self {
            Self::Title => plain.bold(),
            Self::Alarm => plain.bold().fg_color(Some(AnsiColor::Red.into())),
            Self::Caution => plain.bold().fg_color(Some(AnsiColor::Yellow.into())),
            Self::Calm => plain.fg_color(Some(AnsiColor::Green.into())),
            Self::Faint => plain.dimmed(),
            Self::End => plain,
        }
    }
}

/// The text between its marks.
pub(super) fn marked(mark: Mark, text: &str) -> String {
    format!("{}{text}{}", mark.letter(), Mark::End.letter())
}

/// Without marks.
pub(super) fn unmarked(text: &str) -> String {
    text.chars().filter(|letter| Mark::of(*letter).is_none()).collect()
}

/// With escape sequences for marks.
pub(super) fn styled(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 256);
    for letter in text.chars() {
        match Mark::of(letter) {
            Some(Mark::End) => out += "\u{1b}[0m",
            Some(mark) => out += &mark.style().render().to_string(),
            None => out.push(letter),
        }
    }
    out
}
