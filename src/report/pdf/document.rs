//! Pages of A4 that are drawn upon, and their bytes. Nothing of the day or the machine gets into them.

use super::deflated;
use super::font::Font;
use crate::report::ReportError;
use crate::report::figures::plain::{Anchor, Canvas, Colour};
use image::RgbImage;
use pdf_writer::types::LineCapStyle;
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

/// A4, points.
pub(super) const PAGE: [f64; 2] = [595.28, 841.89];

const REGULAR: &[u8] = include_bytes!("fonts/DejaVuSansCondensed.ttf");
const BOLD: &[u8] = include_bytes!("fonts/DejaVuSansCondensed-Bold.ttf");
/// The shares of a colour that areas are filled with.
const SHARES: [(f32, Name<'static>); 1] = [(0.22, Name(b"S0"))];

/// Regular or bold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// A document in the making; drawing goes onto its last page.
pub(super) struct Document {
    pages: Vec<Content>,
    regular: Font,
    bold: Font,
    images: Vec<RgbImage>,
}

/// What the document is, for whoever files it.
pub(super) struct Metadata<'a> {
    pub title: &'a str,
    pub producer: &'a str,
    /// ISO 639-1.
    pub language: &'a str,
}

impl Document {
    pub fn new() -> Result<Self, ReportError> {
        Ok(Self {
            pages: vec![Content::new()],
            regular: Font::new(REGULAR)?,
            bold: Font::new(BOLD)?,
            images: Vec::new(),
        })
    }

    pub fn add_page(&mut self) {
        self.pages.push(Content::new());
    }

    pub fn pages(&self) -> usize {
        self.pages.len()
    }

    /// Some letter was in none of the fonts.
    pub fn lacks_letters(&self) -> bool {
        self.regular.lacking || self.bold.lacking
    }

    pub fn width(&self, text: &str, size: f64, weight: Weight) -> f64 {
        match weight {
            Weight::Regular => self.regular.width(text, size),
            Weight::Bold => self.bold.width(text, size),
        }
    }

    /// A line of text on the last page; `at` is on its base line.
    pub fn text(&mut self, at: [f64; 2], anchor: Anchor, size: f64, weight: Weight, colour: Colour, text: &str) {
        self.text_on(self.pages.len() - 1, at, anchor, (size, weight), colour, text);
    }

    /// A line of text on any page.
    pub fn text_on(
        &mut self,
        page: usize,
        [x, y]: [f64; 2],
        anchor: Anchor,
        (size, weight): (f64, Weight),
        colour: Colour,
        text: &str,
    ) {
        let shift = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => 0.5,
            Anchor::End => 1.0,
        };
        let x = x - if shift > 0.0 { shift * self.width(text, size, weight) } else { 0.0 };
        let (font, name) = match weight {
            Weight::Regular => (&mut self.regular, Name(b"F0")),
            Weight::Bold => (&mut self.bold, Name(b"F1")),
        };
        let bytes = font.encode(text);
        let [r, g, b] = colour.map(|part| f32::from(part) / 255.0);
        let Some(content) = self.pages.get_mut(page) else { return };
        content.set_fill_rgb(r, g, b);
        content.begin_text().set_font(name, rounded(size)).next_line(rounded(x), rounded(PAGE[1] - y));
        content.show(Str(&bytes)).end_text();
    }

    fn content(&mut self) -> &mut Content {
        // There is one page at least.
        let last = self.pages.len() - 1;
        &mut self.pages[last]
    }

    pub fn rect(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], colour: Colour) {
        let [r, g, b] = colour.map(|part| f32::from(part) / 255.0);
        let content = self.content();
        content.set_fill_rgb(r, g, b);
        content.rect(rounded(x), rounded(PAGE[1] - y - height), rounded(width), rounded(height)).fill_nonzero();
    }

    pub fn line(&mut self, points: &[[f64; 2]], width: f64, colour: Colour, dashed: bool) {
        let [r, g, b] = colour.map(|part| f32::from(part) / 255.0);
        let content = self.content();
        content.save_state().set_stroke_rgb(r, g, b).set_line_width(rounded(width));
        content.set_line_cap(if dashed { LineCapStyle::ButtCap } else { LineCapStyle::ProjectingSquareCap });
        if dashed {
            content.set_dash_pattern([3.0, 1.8], 0.0);
        }
        path(content, points);
        content.stroke().restore_state();
    }

    pub fn area(&mut self, outline: &[[f64; 2]], colour: Colour, share: f64) {
        let [r, g, b] = colour.map(|part| f32::from(part) / 255.0);
        let state = SHARES.iter().find(|(of, _)| f64::from(*of) >= share - 1e-6 && share < 1.0);
        let content = self.content();
        content.save_state().set_fill_rgb(r, g, b);
        if let Some((_, name)) = state {
            content.set_parameters(*name);
        }
        path(content, outline);
        content.close_path().fill_nonzero().restore_state();
    }

    /// Pixels as squares.
    pub fn image(&mut self, picture: &RgbImage, [x, y]: [f64; 2], [width, height]: [f64; 2]) {
        if picture.width() == 0 || picture.height() == 0 {
            return;
        }
        let name = format!("I{}", self.images.len());
        self.images.push(picture.clone());
        let content = self.content();
        let matrix = [width, 0.0, 0.0, height, x, PAGE[1] - y - height].map(rounded);
        content.save_state().transform(matrix).x_object(Name(name.as_bytes())).restore_state();
    }

    /// The file.
    pub fn finish(self, metadata: &Metadata) -> Result<Vec<u8>, ReportError> {
        let mut last = 0;
        let mut free = || {
            last += 1;
            Ref::new(last)
        };
        let [catalog, tree, info] = std::array::from_fn(|_| free());
        let fonts = [free(), free()];
        let images: Vec<Ref> = self.images.iter().map(|_| free()).collect();
        let states: Vec<Ref> = SHARES.iter().map(|_| free()).collect();
        let pages: Vec<[Ref; 2]> = self.pages.iter().map(|_| [free(), free()]).collect();
        let mut pdf = Pdf::new();
        // The version whose every feature here is in, so that old readers open it.
        pdf.set_version(1, 7);
        let mut root = pdf.catalog(catalog);
        root.pages(tree).lang(TextStr(metadata.language));
        root.viewer_preferences().display_doc_title(true);
        root.finish();
        pdf.document_info(info)
            .title(TextStr(metadata.title))
            .creator(TextStr(metadata.producer))
            .producer(TextStr(metadata.producer));
        let count = i32::try_from(pages.len()).unwrap_or(i32::MAX);
        pdf.pages(tree).kids(pages.iter().map(|[page, _]| *page)).count(count);
        for ([id, stream], content) in pages.iter().zip(self.pages) {
            let mut page = pdf.page(*id);
            page.media_box(Rect::new(0.0, 0.0, PAGE[0] as f32, PAGE[1] as f32)).parent(tree).contents(*stream);
            let mut resources = page.resources();
            resources.fonts().pair(Name(b"F0"), fonts[0]).pair(Name(b"F1"), fonts[1]);
            let mut objects = resources.x_objects();
            for (n, image) in images.iter().enumerate() {
                objects.pair(Name(format!("I{n}").as_bytes()), *image);
            }
            objects.finish();
            let mut parameters = resources.ext_g_states();
            for ((_, name), state) in SHARES.iter().zip(&states) {
                parameters.pair(*name, *state);
            }
            parameters.finish();
            resources.finish();
            page.finish();
            let packed = deflated(&content.finish());
            pdf.stream(*stream, &packed).filter(Filter::FlateDecode);
        }
        for ((share, _), state) in SHARES.iter().zip(&states) {
            pdf.ext_graphics(*state).non_stroking_alpha(*share);
        }
        for (image, id) in self.images.iter().zip(images) {
            let packed = deflated(image.as_raw());
            let side = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
            let mut object = pdf.image_xobject(id, &packed);
            object.filter(Filter::FlateDecode);
            object.width(side(image.width())).height(side(image.height()));
            object.color_space().device_rgb();
            object.bits_per_component(8);
        }
        self.regular.embed(&mut pdf, fonts[0], &mut free)?;
        self.bold.embed(&mut pdf, fonts[1], &mut free)?;
        Ok(pdf.finish())
    }
}

/// To a hundredth of a point: finer than any printer, and shorter.
fn rounded(value: f64) -> f32 {
    let value = if value.is_finite() { value.clamp(-1e5, 1e5) } else { 0.0 };
    ((value * 100.0).round() / 100.0) as f32
}

fn path(content: &mut Content, points: &[[f64; 2]]) {
    for (n, [x, y]) in points.iter().enumerate() {
        let (x, y) = (rounded(*x), rounded(PAGE[1] - y));
        if n == 0 {
            content.move_to(x, y);
        } else {
            content.line_to(x, y);
        }
    }
}

/// The document as a canvas with small letters, for the plots.
pub(super) struct Plots<'a>(pub &'a mut Document);

const PLOT_EM: f64 = 6.4;

impl Canvas for Plots<'_> {
    fn em(&self) -> f64 {
        PLOT_EM
    }

    fn text_width(&self, text: &str) -> f64 {
        self.0.width(text, PLOT_EM, Weight::Regular)
    }

    fn text(&mut self, at: [f64; 2], anchor: Anchor, colour: Colour, text: &str) {
        self.0.text(at, anchor, PLOT_EM, Weight::Regular, colour, text);
    }

    fn rect(&mut self, corner: [f64; 2], size: [f64; 2], colour: Colour) {
        self.0.rect(corner, size, colour);
    }

    fn area(&mut self, outline: &[[f64; 2]], colour: Colour, share: f64) {
        self.0.area(outline, colour, share);
    }

    fn line(&mut self, points: &[[f64; 2]], width: f64, colour: Colour, dashed: bool) {
        self.0.line(points, width, colour, dashed);
    }

    fn image(&mut self, picture: &RgbImage, corner: [f64; 2], size: [f64; 2]) {
        self.0.image(picture, corner, size);
    }
}
