//! `report.pdf`: two pages for the record. What was found stands on the first, what it was seen in on the second; where there
//! is more than fits, pages that say so follow each.
//!
//! Set with `pdf-writer`, which writes what it is told and nothing else: no date, no name of a machine, the same bytes each
//! time. The letters are DejaVu Sans Condensed (`fonts/LICENSE.txt`), embedded as far as they are used.

mod back;
mod beyond;
mod document;
mod flow;
mod font;
mod front;
mod neck;

use super::figures::BoneFigures;
use super::{Report, ReportError, words};
use crate::language::Language;
use document::{Document, Metadata, PAGE, Weight};
use flow::{Cell, Flow, LEFT, SOFT, WIDTH};

/// A cell with a number and its interval.
fn with_ci(language: Language, value: Option<f64>, ci95: Option<[f64; 2]>) -> Cell {
    Cell::new(format!("{} ({})", words::number(language, value, 1), words::interval(language, ci95, 1)))
}

/// The file, in the language of the reader.
///
/// # Errors
/// What cannot be put into the format: a fault of the program.
pub fn pdf(report: &Report, figures: &[BoneFigures], language: Language) -> Result<Vec<u8>, ReportError> {
    let report = &report.rounded();
    let title = title(language);
    let mut document = fitting(report, figures, language)?;
    footers(&mut document, report, language);
    let producer = format!("{} {}", report.tool.name, report.tool.version);
    document.finish(&Metadata { title: &title, producer: &producer, language: language.code() })
}

/// The pages with letters as large as two pages have room for; where they have none at all, more pages of the usual size.
fn fitting(report: &Report, figures: &[BoneFigures], language: Language) -> Result<Document, ReportError> {
    const SCALES: [f64; 4] = [1.15, 1.07, 1.0, 0.93];
    for scale in SCALES {
        let (document, front) = set(report, figures, language, scale)?;
        if front == 1 && document.pages() == 2 {
            return Ok(document);
        }
    }
    Ok(set(report, figures, language, 1.0)?.0)
}

/// All pages, and how many of them are of the first kind.
fn set(
    report: &Report,
    figures: &[BoneFigures],
    language: Language,
    scale: f64,
) -> Result<(Document, usize), ReportError> {
    let title = title(language);
    let continued = language.say(format!("{title} (continued)"), format!("{title} (suite)"));
    let mut flow = Flow::new(Document::new()?, continued.into_owned(), scale);
    front::pages(&mut flow, report, language);
    let front = flow.document.pages();
    flow.page();
    back::pages(&mut flow, report, figures, language);
    Ok((flow.document, front))
}

fn title(language: Language) -> String {
    language.say("Cortical osteolysis on CT", "Ostéolyse corticale au scanner").into_owned()
}

/// On every page what it belongs to, so that no sheet is filed with the wrong ones.
fn footers(document: &mut Document, report: &Report, language: Language) {
    const SIZE: (f64, Weight) = (6.8, Weight::Regular);
    let uid = match report.series.series_instance_uid.as_str() {
        "" => language.say("series without a UID (NIfTI)", "série sans UID (NIfTI)").into_owned(),
        uid => language.say(format!("Series {uid}"), format!("Série {uid}")).into_owned(),
    };
    let patient = report.series.patient.as_ref();
    let who = patient.map_or_else(String::new, |patient| format!("{}, {}  ·  ", patient.name, patient.id));
    // A name may be as long as a line.
    let most = 0.8 * WIDTH;
    let mut left = format!("{who}{uid}");
    while document.width(&left, SIZE.0, SIZE.1) > most && left.pop().is_some() {}
    let pages = document.pages();
    for page in 0..pages {
        let y = PAGE[1] - 32.0;
        document.text_on(page, [LEFT, y], super::figures::plain::Anchor::Start, SIZE, SOFT, &left);
        let number = language.say(format!("page {} of {pages}", page + 1), format!("page {} sur {pages}", page + 1));
        document.text_on(page, [LEFT + WIDTH, y], super::figures::plain::Anchor::End, SIZE, SOFT, &number);
    }
}

/// Packed as a stream of the file.
fn deflated(bytes: &[u8]) -> Vec<u8> {
    super::zlib::zlib(bytes, flate2::Compression::new(6))
}

fn broken(reason: String) -> ReportError {
    ReportError::Format { format: "PDF", reason }
}
