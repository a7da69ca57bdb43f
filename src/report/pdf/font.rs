//! The two fonts of the PDF: how wide their letters are, which of them are used, and their embedding.

use super::deflated;
use crate::report::ReportError;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Finish, Name, Pdf, Rect, Ref, Str};
use std::collections::BTreeMap;
use subsetter::GlyphRemapper;
use ttf_parser::{Face, GlyphId};

/// Stands for a letter that the font does not have.
const MISSING: char = '□';

/// A font and what of it is used.
pub(super) struct Font {
    data: &'static [u8],
    face: Face<'static>,
    /// From the glyphs of the font to those of its embedded part.
    remapper: GlyphRemapper,
    /// Letter and advance (thousandths of the size) by embedded glyph.
    used: BTreeMap<u16, (char, f32)>,
    /// Some letter was not there.
    pub lacking: bool,
}

impl Font {
    pub fn new(data: &'static [u8]) -> Result<Self, ReportError> {
        let face = Face::parse(data, 0).map_err(|error| super::broken(error.to_string()))?;
        Ok(Self { data, face, remapper: GlyphRemapper::new(), used: BTreeMap::new(), lacking: false })
    }

    fn glyph(&self, letter: char) -> Option<GlyphId> {
        // A space that must not break is a space; as such it is found when the text is searched.
        self.face.glyph_index(if letter == '\u{a0}' || letter == '\u{202f}' { ' ' } else { letter })
    }

    fn advance(&self, glyph: GlyphId) -> f64 {
        f64::from(self.face.glyph_hor_advance(glyph).unwrap_or(0)) / f64::from(self.face.units_per_em())
    }

    /// Width of a text in this size.
    pub fn width(&self, text: &str, size: f64) -> f64 {
        let missing = self.glyph(MISSING).unwrap_or(GlyphId(0));
        size * text.chars().map(|letter| self.advance(self.glyph(letter).unwrap_or(missing))).sum::<f64>()
    }

    /// The text as the embedded font reads it.
    pub fn encode(&mut self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(2 * text.len());
        for letter in text.chars() {
            let (letter, glyph) = match self.glyph(letter) {
                Some(glyph) => (letter, glyph),
                None => {
                    self.lacking = true;
                    (MISSING, self.glyph(MISSING).unwrap_or(GlyphId(0)))
                }
            };
            let embedded = self.remapper.remap(glyph.0);
            let advance = 1000.0 * self.advance(glyph) as f32;
            let letter = if letter == '\u{a0}' || letter == '\u{202f}' { ' ' } else { letter };
            self.used.entry(embedded).or_insert((letter, advance));
            bytes.extend(embedded.to_be_bytes());
        }
        bytes
    }

    /// Writes the font as object `id`; `free` gives the ids of what belongs to it.
    pub fn embed(&self, pdf: &mut Pdf, id: Ref, free: &mut impl FnMut() -> Ref) -> Result<(), ReportError> {
        let part = subsetter::subset(self.data, 0, &self.remapper).map_err(|error| super::broken(error.to_string()))?;
        let [cid, descriptor, file, cmap] = std::array::from_fn(|_| free());
        let family = self.name();
        // Six letters before the name say that it is a part of the font; the fonts of one document differ by name.
        let name = format!("CTLYSS+{family}");
        let identity = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
        pdf.type0_font(id)
            .base_font(Name(name.as_bytes()))
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(cid)
            .to_unicode(cmap);
        let mut font = pdf.cid_font(cid);
        font.subtype(CidFontType::Type2)
            .base_font(Name(name.as_bytes()))
            .system_info(identity)
            .font_descriptor(descriptor)
            .default_width(0.0)
            .cid_to_gid_map_predefined(Name(b"Identity"));
        let mut widths = font.widths();
        for (glyph, (_, advance)) in &self.used {
            widths.consecutive(*glyph, [*advance]);
        }
        widths.finish();
        font.finish();
        let scale = |units: i16| 1000.0 * f32::from(units) / f32::from(self.face.units_per_em());
        let bounds = self.face.global_bounding_box();
        pdf.font_descriptor(descriptor)
            .name(Name(name.as_bytes()))
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(scale(bounds.x_min), scale(bounds.y_min), scale(bounds.x_max), scale(bounds.y_max)))
            .italic_angle(0.0)
            .ascent(scale(self.face.ascender()))
            .descent(scale(self.face.descender()))
            .cap_height(scale(self.face.capital_height().unwrap_or(self.face.ascender())))
            .stem_v(if family.ends_with("Bold") { 140.0 } else { 80.0 })
            .font_file2(file);
        let packed = deflated(&part);
        pdf.stream(file, &packed)
            .filter(Filter::FlateDecode)
            .pair(Name(b"Length1"), i32::try_from(part.len()).unwrap_or(i32::MAX));
        let mut unicode = UnicodeCmap::new(
            Name(b"Letters"),
            SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"UCS"), supplement: 0 },
        );
        self.used.iter().for_each(|(glyph, (letter, _))| unicode.pair(*glyph, *letter));
        let unicode = unicode.finish();
        pdf.cmap(cmap, &unicode);
        Ok(())
    }

    fn name(&self) -> String {
        let names = self.face.names().into_iter().filter(|name| name.name_id == ttf_parser::name_id::POST_SCRIPT_NAME);
        names.filter_map(|name| name.to_string()).next().unwrap_or_else(|| "Font".into())
    }
}
