//! Text and tables one below the other, onto the next page where one is full.

use super::document::{Document, PAGE, Weight};
use crate::report::figures::plain::{Anchor, Colour};

pub(super) const LEFT: f64 = 42.0;
pub(super) const WIDTH: f64 = PAGE[0] - 2.0 * LEFT;
const TOP: f64 = 42.0;
const BOTTOM: f64 = PAGE[1] - 52.0;
/// From base line to base line, over the size of the letters.
const LEADING: f64 = 1.28;

pub(super) const INK: Colour = [0x1b, 0x1f, 0x24];
pub(super) const SOFT: Colour = [0x4a, 0x53, 0x5d];
pub(super) const RULE: Colour = [0xc2, 0xc9, 0xd1];
const BAND: Colour = [0xee, 0xf1, 0xf4];

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Type {
    pub size: f64,
    pub weight: Weight,
    pub colour: Colour,
}

impl Type {
    pub const BODY: Self = Self { size: 8.0, weight: Weight::Regular, colour: INK };
    pub const STRONG: Self = Self { size: 8.0, weight: Weight::Bold, colour: INK };
    pub const SMALL: Self = Self { size: 6.8, weight: Weight::Regular, colour: SOFT };
    pub const CELL: Self = Self { size: 7.2, weight: Weight::Regular, colour: INK };
    pub const HEAD: Self = Self { size: 6.8, weight: Weight::Bold, colour: SOFT };
    pub const TITLE: Self = Self { size: 15.0, weight: Weight::Bold, colour: INK };
    pub const SECTION: Self = Self { size: 10.0, weight: Weight::Bold, colour: INK };

    pub const fn bold(self) -> Self {
        Self { weight: Weight::Bold, ..self }
    }

    const fn scaled(self, scale: f64) -> Self {
        Self { size: self.size * scale, ..self }
    }

    fn leading(self) -> f64 {
        LEADING * self.size
    }
}

/// A cell of a table.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub text: String,
    pub kind: Type,
}

impl Cell {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), kind: Type::CELL }
    }

    pub fn strong(text: impl Into<String>) -> Self {
        Self { text: text.into(), kind: Type::CELL.bold() }
    }
}

/// A column of a table.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub head: String,
    /// Share of the width; those of a table are added up.
    pub share: f64,
    pub numbers: bool,
}

impl Column {
    pub fn text(head: impl Into<String>, share: f64) -> Self {
        Self { head: head.into(), share, numbers: false }
    }

    pub fn numbers(head: impl Into<String>, share: f64) -> Self {
        Self { head: head.into(), share, numbers: true }
    }
}

/// A page that fills from top to bottom.
pub(super) struct Flow {
    pub document: Document,
    /// How far the page is filled.
    pub y: f64,
    /// What a page that goes on says at its top.
    continued: String,
    /// Of all letters: larger where there is room.
    scale: f64,
    /// Base line of the last line.
    base: f64,
}

impl Flow {
    pub fn new(document: Document, continued: String, scale: f64) -> Self {
        Self { document, y: TOP, continued, scale, base: TOP }
    }

    /// On the next page, unless this one is empty.
    pub fn page(&mut self) {
        if self.y > TOP {
            self.document.add_page();
            self.y = TOP;
        }
    }

    /// Makes sure that `height` is left: on the next page where it is not.
    pub fn need(&mut self, height: f64) {
        if self.y + height > BOTTOM && self.y > TOP {
            self.page();
            let continued = self.continued.clone();
            self.line(Type::SMALL, &continued);
            self.y += 4.0;
        }
    }

    pub fn left_over(&self) -> f64 {
        BOTTOM - self.y
    }

    pub fn gap(&mut self, height: f64) {
        self.y += height;
    }

    /// One line that is known to fit.
    pub fn line(&mut self, kind: Type, text: &str) {
        self.advance(kind);
        self.set([LEFT, self.base], Anchor::Start, kind, text);
    }

    /// Text at the right end of the last line.
    pub fn aside(&mut self, kind: Type, text: &str) {
        self.set([LEFT + WIDTH, self.base], Anchor::End, kind, text);
    }

    /// Goes down by a line.
    fn advance(&mut self, kind: Type) {
        let kind = kind.scaled(self.scale);
        self.need(kind.leading());
        self.y += kind.leading();
        self.base = self.y - 0.28 * kind.size;
    }

    pub fn set(&mut self, at: [f64; 2], anchor: Anchor, kind: Type, text: &str) {
        let kind = kind.scaled(self.scale);
        self.document.text(at, anchor, kind.size, kind.weight, kind.colour, text);
    }

    /// Text over the whole width.
    pub fn paragraph(&mut self, kind: Type, text: &str) {
        self.block(kind, LEFT, WIDTH, text);
    }

    /// Text from `left`, `width` wide.
    pub fn block(&mut self, kind: Type, left: f64, width: f64, text: &str) {
        for line in self.wrapped(kind, width, text) {
            self.advance(kind);
            self.set([left, self.base], Anchor::Start, kind, &line);
        }
    }

    /// A heading, together with at least `with` of what follows.
    pub fn section(&mut self, text: &str, with: f64) {
        self.need((2.0 * Type::SECTION.leading() + with) * self.scale);
        self.y += 5.0;
        self.line(Type::SECTION, text);
        self.y += 1.0;
    }

    pub fn rule(&mut self) {
        self.y += 3.0;
        self.document.line(&[[LEFT, self.y], [LEFT + WIDTH, self.y]], 0.5, RULE, false);
        self.y += 2.0;
    }

    /// Lines of at most `width`. A longer word is broken, never cut off.
    pub fn wrapped(&self, kind: Type, width: f64, text: &str) -> Vec<String> {
        let kind = kind.scaled(self.scale);
        let wide = |text: &str| self.document.width(text, kind.size, kind.weight);
        let mut lines = Vec::new();
        for part in text.split('\n') {
            let mut line = String::new();
            for word in part.split(' ').filter(|word| !word.is_empty()) {
                let word: String = word.chars().filter(|c| !c.is_control()).collect();
                if !line.is_empty() && wide(&line) + wide(" ") + wide(&word) > width {
                    lines.push(std::mem::take(&mut line));
                }
                if !line.is_empty() {
                    line.push(' ');
                }
                for letter in word.chars() {
                    if !line.is_empty() && wide(&line) + wide(letter.encode_utf8(&mut [0; 4])) > width {
                        lines.push(std::mem::take(&mut line));
                    }
                    line.push(letter);
                }
            }
            lines.push(line);
        }
        lines
    }

    /// A table over the whole width; its head stands again on the next page.
    pub fn table(&mut self, columns: &[Column], rows: &[Vec<Cell>]) {
        let all: f64 = columns.iter().map(|column| column.share).sum();
        let mut left = LEFT;
        let places: Vec<[f64; 2]> = columns
            .iter()
            .map(|column| {
                let width = WIDTH * column.share / all;
                left += width;
                [left - width, width]
            })
            .collect();
        let head: Vec<Cell> = columns.iter().map(|c| Cell { text: c.head.clone(), kind: Type::HEAD }).collect();
        let height = |flow: &Self, row: &[Cell]| flow.row_height(&places, row);
        let head_height = height(self, &head);
        self.need(head_height + rows.first().map_or(0.0, |row| height(self, row)));
        self.row(columns, &places, &head, true);
        for row in rows {
            if self.y + height(self, row) > BOTTOM {
                self.need(height(self, row));
                self.row(columns, &places, &head, true);
            }
            self.row(columns, &places, row, false);
        }
    }

    fn row_height(&self, places: &[[f64; 2]], row: &[Cell]) -> f64 {
        let lines = row.iter().zip(places).map(|(cell, [_, width])| {
            self.wrapped(cell.kind, width - PAD, &cell.text).len() as f64 * cell.kind.scaled(self.scale).leading()
        });
        lines.fold(0.0, f64::max) + 2.4
    }

    fn row(&mut self, columns: &[Column], places: &[[f64; 2]], row: &[Cell], is_head: bool) {
        let height = self.row_height(places, row);
        if is_head {
            self.document.rect([LEFT, self.y], [WIDTH, height], BAND);
        }
        for ((cell, [left, width]), column) in row.iter().zip(places).zip(columns) {
            let mut y = self.y + 1.0;
            let kind = cell.kind.scaled(self.scale);
            for line in self.wrapped(cell.kind, width - PAD, &cell.text) {
                y += kind.leading();
                let (x, anchor) = if column.numbers {
                    (left + width - 0.5 * PAD, Anchor::End)
                } else {
                    (left + 0.5 * PAD, Anchor::Start)
                };
                self.set([x, y - 0.28 * kind.size], anchor, cell.kind, &line);
            }
        }
        self.y += height;
        if !is_head {
            self.document.line(&[[LEFT, self.y], [LEFT + WIDTH, self.y]], 0.3, RULE, false);
        }
    }
}

/// Between neighbouring columns.
const PAD: f64 = 6.0;
