//! The two figures: Bland–Altman plots, and measured against true with intervals.

use super::compare::{Case, Section};
use super::quantity::{Pair, Quantity};
use super::statistics::ErrorStats;
use crate::report::figures::nice_step;
use crate::report::figures::svg::{Svg, n, standalone};

/// Colours of the cases, in light and dark; each has the same lightness, so that none of them leads.
const STYLE: &str = "<style>svg.cx { --ev-0: #0060a0; --ev-1: #b34700; --ev-2: #00735a; --ev-3: #8e3a86; --ev-4: #7a6200; --ev-5: #b3261e; \
    --ev-6: #12708f; --ev-7: #4a545e; }\
    @media (prefers-color-scheme: dark) { svg.cx { --ev-0: #6db8f2; --ev-1: #f5a45b; --ev-2: #5ad1a8; --ev-3: #e0a0da; --ev-4: #dfc35a; \
    --ev-5: #ff8a80; --ev-6: #7fdcf5; --ev-7: #b6bfc8; } }\
    svg.cx .ev-mark { fill-opacity: .55; stroke-width: 1; } svg.cx .ev-bar { stroke-width: 1; stroke-opacity: .7; fill: none; }\
    svg.cx .ev-bias { stroke: var(--cx-ink); stroke-width: 1.4; } svg.cx .ev-limit { stroke: var(--cx-ink); stroke-width: 1.1; stroke-dasharray: 6 4; }\
    svg.cx .ev-threshold { stroke: var(--cx-flag); stroke-width: 1.1; stroke-dasharray: 2 3; }</style>";

const COLOURS: usize = 8;
const SHAPES: usize = 4;
/// Cases named in the key.
const NAMED: usize = 24;

const PANEL: [f64; 2] = [380.0, 320.0];
const LEFT: f64 = 70.0;
const BETWEEN: f64 = 80.0;
const TOP: f64 = 88.0;
const BELOW: f64 = 54.0;
const COLUMNS: usize = 6;
const KEY_ROW: f64 = 20.0;

/// Errors against the mean of true and measured, axial and circumferential, one mark a section. The lines are bias and
/// limits of agreement of the lysed sections: intact ones, whose error is mostly zero, would draw them together.
pub fn bland_altman(cases: &[Case]) -> String {
    let description = "Two panels, axial and circumferential lysis. Horizontal: mean of true and measured, percent. Vertical: measured \
                       minus true, percentage points. Lines: bias and limits of agreement of the lysed sections.";
    let mut figure = Figure::new(
        cases,
        "Error against size of the loss (Bland–Altman): one mark a section, lines at bias and limits of agreement",
        description,
    );
    for (index, quantity) in PANELS.into_iter().enumerate() {
        let points = points(cases, quantity);
        let place = |pair: &Pair| [(pair.truth + pair.measured) / 2.0, pair.error()];
        let lysed: Vec<f64> = points.iter().filter(|p| p.section.is_lysed()).map(|p| p.pair.error()).collect();
        let (of, drawn) =
            if lysed.is_empty() { ("all", points.iter().map(|p| p.pair.error()).collect()) } else { ("lysed", lysed) };
        let stats = ErrorStats::of(&drawn);
        let lines: Vec<f64> = stats.limits.into_iter().flatten().chain(stats.bias).collect();
        let reach =
            points.iter().map(|p| p.pair.error().abs()).chain(lines.iter().map(|l| l.abs())).fold(1.0, f64::max);
        let step = nice_step(reach / 4.0);
        let reach = (reach * 1.05 / step).ceil() * step;
        let wide = points.iter().map(|p| place(&p.pair)[0]).fold(10.0, f64::max);
        let axes = Axes { x: [0.0, (wide / 10.0).ceil() * 10.0], y: [-reach, reach], left: left(index) };
        axes.draw(&mut figure.svg, quantity.title(), ["mean of true and measured, %", "measured − true, points"]);
        figure.svg.line(axes.at([axes.x[0], 0.0]), axes.at([axes.x[1], 0.0]), "cx-axis");
        for point in &points {
            figure.mark(axes.at(place(&point.pair)), point.case);
        }
        for (value, class) in
            stats.limits.into_iter().flatten().map(|v| (v, "ev-limit")).chain(stats.bias.map(|v| (v, "ev-bias")))
        {
            figure.svg.line(axes.at([axes.x[0], value]), axes.at([axes.x[1], value]), class);
        }
        let words = match (stats.bias, stats.limits) {
            (Some(bias), Some([low, high])) => {
                format!(
                    "{of} sections (n {}): bias {}, limits {} to {}",
                    stats.n,
                    signed(bias),
                    signed(low),
                    signed(high)
                )
            }
            _ => format!("{of} sections: n {}", stats.n),
        };
        figure.svg.text([axes.left, TOP - 12.0], "cx-label", &words);
    }
    figure.finish()
}

/// Measured against true, axial and circumferential, with the 95 % interval of each section. Dotted: the thresholds of
/// the 30/50 flag.
pub fn true_against_measured(cases: &[Case]) -> String {
    let description = "Two panels, axial and circumferential lysis. Horizontal: true percentage. Vertical: measured percentage with its 95 \
                       percent interval. Diagonal: no error. Dotted: the threshold of the 30/50 flag.";
    let mut figure = Figure::new(
        cases,
        "Measured against true: one mark a section, bars are 95 % intervals, dotted the 30/50 thresholds",
        description,
    );
    for (index, quantity) in PANELS.into_iter().enumerate() {
        let axes = Axes { x: [0.0, 100.0], y: [0.0, 100.0], left: left(index) };
        axes.draw(&mut figure.svg, quantity.title(), ["true, %", "measured, %"]);
        figure.svg.line(axes.at([0.0, 0.0]), axes.at([100.0, 100.0]), "cx-axis");
        let threshold = [30.0, 50.0][index];
        figure.svg.line(axes.at([threshold, 0.0]), axes.at([threshold, 100.0]), "ev-threshold");
        figure.svg.line(axes.at([0.0, threshold]), axes.at([100.0, threshold]), "ev-threshold");
        let points = points(cases, quantity);
        for point in &points {
            if let Some([low, high]) = point.pair.interval {
                let [from, to] = [low, high].map(|end| axes.at([point.pair.truth, end.clamp(0.0, 100.0)]));
                figure.bar(from, to, point.case);
            }
        }
        for point in &points {
            figure.mark(axes.at([point.pair.truth, point.pair.measured]), point.case);
        }
        let (held, all) = points
            .iter()
            .filter_map(|p| p.pair.is_covered().filter(|_| p.section.is_lysed()))
            .fold((0, 0), |(held, all), covered| (held + usize::from(covered), all + 1));
        let words = if all > 0 {
            format!("lysed sections: {held} of {all} intervals hold the truth")
        } else {
            "no lysed section has an interval".into()
        };
        figure.svg.text([axes.left, TOP - 12.0], "cx-label", &words);
    }
    figure.finish()
}

const PANELS: [Quantity; 2] = [Quantity::Axial, Quantity::Circumferential];

fn left(panel: usize) -> f64 {
    LEFT + panel as f64 * (PANEL[0] + BETWEEN)
}

fn signed(value: f64) -> String {
    format!("{:.1}", (value * 10.0).round() / 10.0 + 0.0).replace('-', "−")
}

struct Point<'a> {
    case: usize,
    section: &'a Section,
    pair: Pair,
}

fn points(cases: &[Case], quantity: Quantity) -> Vec<Point<'_>> {
    let cases = cases.iter().enumerate();
    let pairs = cases.flat_map(|(case, compared)| compared.pairs(quantity).map(move |pair| (case, pair)));
    pairs.map(|(case, (section, pair))| Point { case, section, pair }).collect()
}

/// The scales of one panel.
struct Axes {
    x: [f64; 2],
    y: [f64; 2],
    left: f64,
}

impl Axes {
    /// Where a point of the data lies in the drawing.
    fn at(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let share = |value: f64, [low, high]: [f64; 2]| (value - low) / (high - low);
        [self.left + PANEL[0] * share(x, self.x), TOP + PANEL[1] * (1.0 - share(y, self.y))]
    }

    fn draw(&self, svg: &mut Svg, title: &str, [below, beside]: [&str; 2]) {
        let bottom = TOP + PANEL[1];
        for x in ticks(self.x) {
            let [at, _] = self.at([x, self.y[0]]);
            svg.line([at, TOP], [at, bottom], "cx-grid");
            svg.text([at, bottom + 17.0], "cx-label cx-mid", &number(x));
        }
        for y in ticks(self.y) {
            let [_, at] = self.at([self.x[0], y]);
            svg.line([self.left, at], [self.left + PANEL[0], at], "cx-grid");
            svg.text([self.left - 8.0, at + 4.0], "cx-label cx-end", &number(y));
        }
        svg.rect([self.left, TOP], PANEL, "cx-frame");
        let title = title[..1].to_uppercase() + &title[1..];
        svg.text([self.left, TOP - 30.0], "cx-strong", &title);
        svg.text([self.left + PANEL[0] / 2.0, bottom + 36.0], "cx-label cx-mid", below);
        let (x, y) = (n(self.left - 46.0), n(TOP + PANEL[1] / 2.0));
        svg.raw(&format!(
            r#"<text class="cx-label cx-mid" x="{x}" y="{y}" transform="rotate(-90 {x} {y})">{beside}</text>"#
        ));
    }
}

fn number(value: f64) -> String {
    n(value).replace('-', "−")
}

/// Round values within the range.
fn ticks([low, high]: [f64; 2]) -> impl Iterator<Item = f64> {
    let step = nice_step((high - low) / 10.0);
    let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    (first..=last).map(move |k| k as f64 * step)
}

/// A drawing of two panels with the key of the cases below.
struct Figure<'a> {
    svg: Svg,
    cases: &'a [Case],
}

impl<'a> Figure<'a> {
    fn new(cases: &'a [Case], title: &str, description: &str) -> Self {
        let rows = cases.len().min(NAMED + 1).div_ceil(COLUMNS);
        let size = [left(1) + PANEL[0] + 24.0, TOP + PANEL[1] + BELOW + KEY_ROW * rows as f64 + 8.0];
        let mut svg = Svg::new(size, "evaluation", title, description);
        svg.raw(STYLE);
        svg.text([LEFT, 26.0], "cx-strong", title);
        Self { svg, cases }
    }

    /// Circle, square, triangle, diamond: when the colours run out the shape changes.
    fn mark(&mut self, [x, y]: [f64; 2], case: usize) {
        let d = match case / COLOURS % SHAPES {
            0 => format!("M{} {}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0Z", n(x - 3.0), n(y)),
            1 => format!("M{} {}h5.4v5.4h-5.4Z", n(x - 2.7), n(y - 2.7)),
            2 => format!("M{} {}l3.4 6h-6.8Z", n(x), n(y - 3.6)),
            _ => format!("M{} {}l3.6 3.6l-3.6 3.6l-3.6 -3.6Z", n(x), n(y - 3.6)),
        };
        let colour = case % COLOURS;
        self.svg.raw(&format!(
            r#"<path class="ev-mark" style="fill:var(--ev-{colour});stroke:var(--ev-{colour})" d="{d}"/>"#
        ));
    }

    fn bar(&mut self, from: [f64; 2], to: [f64; 2], case: usize) {
        let ([x, y], [u, v], colour) = (from.map(n), to.map(n), case % COLOURS);
        self.svg.raw(&format!(r#"<path class="ev-bar" style="stroke:var(--ev-{colour})" d="M{x} {y}L{u} {v}"/>"#));
    }

    fn finish(mut self) -> String {
        let step = (left(1) + PANEL[0] - LEFT) / COLUMNS as f64;
        for (index, case) in self.cases.iter().enumerate().take(NAMED + 1) {
            let x = LEFT + step * (index % COLUMNS) as f64;
            let y = TOP + PANEL[1] + BELOW + 8.0 + KEY_ROW * (index / COLUMNS) as f64;
            if index == NAMED {
                self.svg.text([x, y], "cx-label", &format!("and {} more", self.cases.len() - NAMED));
                break;
            }
            self.mark([x + 4.0, y - 4.0], index);
            // As much of a long name as its column holds.
            let name: String = case.name.chars().take(18).collect();
            self.svg.text([x + 14.0, y], "cx-label", &name);
        }
        standalone(&self.svg.finish())
    }
}
