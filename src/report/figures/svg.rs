//! A string that grows into an SVG drawing.

use super::STYLE;
use base64::Engine as _;

/// A coordinate with as many decimals as an eye can see.
pub(crate) fn n(value: f64) -> String {
    let text = format!("{:.1}", if value.is_finite() { value } else { 0.0 });
    text.strip_suffix(".0").map_or(text.clone(), |whole| if whole == "-0" { "0".into() } else { whole.into() })
}

/// Text made safe inside elements and attributes.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A drawing in the making.
pub(crate) struct Svg {
    body: String,
}

impl Svg {
    /// An empty drawing. `id` must be unique within a page; `title` and `description` are what a screen reader says.
    pub fn new(size: [f64; 2], id: &str, title: &str, description: &str) -> Self {
        let [width, height] = size.map(n);
        let (title, description) = (escape(title), escape(description));
        Self {
            body: format!(
                "<svg class=\"cx\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
                 height=\"{height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{title}</title>\
                 <desc id=\"{id}-d\">{description}</desc>"
            ),
        }
    }

    pub fn raw(&mut self, markup: &str) {
        self.body.push_str(markup);
    }

    pub fn line(&mut self, from: [f64; 2], to: [f64; 2], class: &str) {
        let ([x1, y1], [x2, y2]) = (from.map(n), to.map(n));
        self.raw(&format!(r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#));
    }

    pub fn rect(&mut self, corner: [f64; 2], size: [f64; 2], class: &str) {
        let ([x, y], [width, height]) = (corner.map(n), size.map(n));
        self.raw(&format!(r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}"/>"#));
    }

    pub fn text(&mut self, at: [f64; 2], class: &str, text: &str) {
        let [x, y] = at.map(n);
        self.raw(&format!(r#"<text class="{class}" x="{x}" y="{y}">{}</text>"#, escape(text)));
    }

    pub fn path(&mut self, d: &str, class: &str) {
        if !d.is_empty() {
            self.raw(&format!(r#"<path class="{class}" d="{d}"/>"#));
        }
    }

    /// A raster stretched over a rectangle; `attributes` as in SVG.
    pub fn image(&mut self, png: &[u8], corner: [f64; 2], size: [f64; 2], attributes: &str) {
        let ([x, y], [width, height]) = (corner.map(n), size.map(n));
        let data = base64::engine::general_purpose::STANDARD.encode(png);
        self.raw(&format!(
            r#"<image {attributes} x="{x}" y="{y}" width="{width}" height="{height}" preserveAspectRatio="none" href="data:image/png;base64,{data}"/>"#
        ));
    }

    pub fn finish(mut self) -> String {
        self.body.push_str("</svg>");
        self.body
    }
}

/// A polyline through the points; a `None` lifts the pen.
pub(super) fn polyline(points: impl Iterator<Item = Option<[f64; 2]>>) -> String {
    let mut d = String::new();
    let mut drawing = false;
    for point in points {
        if let Some([x, y]) = point {
            d += &format!("{}{} {}", if drawing { "L" } else { "M" }, n(x), n(y));
        }
        drawing = point.is_some();
    }
    d
}

/// An inline figure as a file of its own: with its style and a background.
pub fn standalone(figure: &str) -> String {
    let style = format!("<style>{STYLE}</style><rect class=\"cx-paper\" width=\"100%\" height=\"100%\"/><title");
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", figure.replacen("<title", &style, 1))
}

/// An RGBA raster as PNG bytes; empty when it has no pixels.
pub(super) fn png(width: u32, height: u32, rgba: Vec<u8>) -> Vec<u8> {
    encode(image::RgbaImage::from_raw(width, height, rgba).map(image::DynamicImage::from))
}

/// A grey raster as PNG bytes; empty when it has no pixels.
pub(super) fn png_grey(image: image::GrayImage) -> Vec<u8> {
    encode(Some(image.into()))
}

fn encode(image: Option<image::DynamicImage>) -> Vec<u8> {
    use image::codecs::png::{CompressionType, FilterType, PngEncoder};
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive);
    match image.filter(|image| image.width() > 0 && image.height() > 0).map(|image| image.write_with_encoder(encoder)) {
        // Writing to memory fails only for images that cannot be PNG: no figure is better than no report.
        Some(Ok(())) => bytes,
        _ => Vec::new(),
    }
}
