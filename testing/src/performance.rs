//! The results of the benchmark: the file that stores them, and the tables and the pictures that show them.

mod growth;

use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use serde::{Deserialize, Serialize};

/// The file with the results.
pub const RESULTS: &str = "benches/results.json";

/// The document that shows the tables, between these markers.
const DOCUMENT: &str = "docs/performance.md";
const MARKERS: [&str; 2] = ["<!-- cost: generated from benches/results.json -->\n", "<!-- end of cost -->\n"];

/// The picture of the costs.
const PICTURE: &str = "docs/benchmark.svg";

/// The number of containers per column.
const SIZES: [u32; 4] = [1, 4, 32, 128];

/// The suffix of the names of requests that are evaluated with exemptions.
const EXEMPTING: &str = ", 50 exemptions";

/// Size, fonts and colors of the picture.
const PIXELS: (u32, u32) = (960, 820);
const FONT: (&str, u32) = ("sans-serif", 16);
const TITLE: (&str, u32) = ("sans-serif", 22);
const BLUE: RGBColor = RGBColor(50, 108, 229);
const GREY: RGBColor = RGBColor(180, 186, 196);

/// The bars of each row: label, color, position in the row, and length.
const BARS: [(&str, RGBColor, f64, Ratio); 2] = [
    ("this policy", BLUE, 0.5, |cost| Some(cost.policy)),
    ("a typical policy, one field", GREY, 0.1, |cost| cost.typical),
];

/// The ratio of a policy to the floor, if it was measured.
type Ratio = fn(&Cost) -> Option<f64>;

/// Height of a bar, as a part of the row.
const THICKNESS: f64 = 0.4;

/// Distance of a number from the end of its bar, as a ratio.
const GAP: f64 = 1.03;

/// Height of the legend below the bars, in rows.
const LEGEND: f64 = 2.0;

type Failure = Box<dyn Error>;

/// The costs of requests as ratios, because times are not comparable between machines.
#[derive(Serialize, Deserialize)]
pub struct Results {
    /// Processor, number of cores and operating system.
    pub machine: String,
    /// Date of the run: `2026-01-31`.
    pub date: String,
    /// The sizes of the measured modules.
    pub bytes: Sizes,
    /// The costs, in the order of measurement.
    pub costs: Vec<Cost>,
    /// The costs of more and more containers.
    pub growth: Vec<Cost>,
}

/// The sizes of the modules, in bytes.
#[derive(Serialize, Deserialize)]
pub struct Sizes {
    /// The module that does not read requests.
    pub floor: u32,
    /// This policy.
    pub policy: u32,
    /// The typical policy.
    pub typical: u32,
}

/// The cost of a request.
#[derive(Serialize, Deserialize)]
pub struct Cost {
    /// Name of the request.
    pub request: String,
    /// Number of containers in the request.
    pub containers: u32,
    /// Size of the payload, in bytes.
    pub bytes: u32,
    /// Cost of the floor, relative to the floor of the first request.
    pub floor: f64,
    /// Cost of the policy, relative to the floor of the same request.
    pub policy: f64,
    /// Cost of the typical policy, relative to the same floor, if it was measured.
    pub typical: Option<f64>,
}

impl Cost {
    /// Cost of the policy, relative to the floor of the first request.
    fn total(&self) -> f64 {
        self.floor * self.policy
    }

    /// Cost that the policy adds to the floor, on the same scale.
    fn own(&self) -> f64 {
        self.total() - self.floor
    }
}

/// A bound for the costs, and the measured value, if there is one.
struct Promise {
    what: &'static str,
    bound: Bound,
    measured: Option<f64>,
}

enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Results {
    /// Returns the tables as Markdown.
    pub fn tables(&self) -> String {
        let Self { machine, date, bytes, costs, .. } = self;
        let [policy, typical] = [bytes.policy, bytes.typical].map(kilobytes);
        let sizes = || costs.iter().map(|cost| cost.bytes);
        let [smallest, largest] =
            [sizes().min(), sizes().max()].map(|size| kilobytes(size.unwrap_or_default()));
        let (costs, promises) = (table(&self.cost_rows()), table(&self.promise_rows()));
        format!(
            "\nMeasured on {date} on {machine}, as ratios to the floor. Request size: {smallest:.0} to {largest:.0} kB.\n\
             Module size: {policy:.0} kB for this policy, {typical:.0} kB for the typical policy.\n\n{costs}\n{promises}\n"
        )
    }

    fn cost_rows(&self) -> Vec<Vec<String>> {
        let header = ["policy", "request", "1 container", "4", "32", "128"].map(str::to_owned).to_vec();
        let own = self.rows("this policy", |cost| Some(cost.policy));
        let typical = self.rows("typical", |cost| cost.typical);
        [header].into_iter().chain(own).chain(typical).collect()
    }

    /// Returns a row for each request that was measured with a policy.
    fn rows(&self, policy: &str, ratio: Ratio) -> impl Iterator<Item = Vec<String>> {
        let mut requests: Vec<_> = self.costs.iter().map(|cost| &*cost.request).collect();
        requests.dedup();
        requests.into_iter().filter_map(move |request| {
            let ratios = SIZES.map(|size| ratio(self.cost(request, size)?));
            let is_asked = ratios.iter().any(Option::is_some);
            let cells = ratios.map(|ratio| ratio.map_or("–".to_owned(), decimal));
            is_asked.then(|| [policy.to_owned(), request.to_owned()].into_iter().chain(cells).collect())
        })
    }

    fn cost(&self, request: &str, containers: u32) -> Option<&Cost> {
        self.costs.iter().find(|cost| (&*cost.request, cost.containers) == (request, containers))
    }

    fn promise_rows(&self) -> Vec<Vec<String>> {
        let header = ["property", "bound", "measured", "met"].map(str::to_owned).to_vec();
        let rows = self.promises().into_iter().filter_map(|Promise { what, bound, measured }| {
            let measured = measured?;
            let (bound, is_kept) = match bound {
                Bound::AtMost(most) => (format!("at most {most}"), measured <= most),
                Bound::AtLeast(least) => (format!("at least {least}"), measured >= least),
            };
            let is_kept = if is_kept { "yes" } else { "no" };
            Some(vec![what.to_owned(), bound, decimal(measured), is_kept.to_owned()])
        });
        [header].into_iter().chain(rows).collect()
    }

    fn promises(&self) -> [Promise; 10] {
        use Bound::{AtLeast, AtMost};
        let [average, last] = self.growth();
        let (admitted, denied) = (["Pod", "Deployment"], ["Pod, denied", "Deployment, denied"]);
        [
            ("1 container, relative to the floor", AtMost(1.5), self.highest(admitted, 1)),
            ("1 container, denied, relative to the floor", AtMost(1.7), self.highest(denied, 1)),
            ("32 containers, relative to the floor", AtMost(2.2), self.highest(admitted, 32)),
            ("cost per container among 128, relative to 32", AtMost(1.15), average),
            ("cost per container from the 33rd on, relative to the 5th to 32nd", AtMost(1.15), last),
            (
                "admitted with 50 exemptions, relative to none",
                AtMost(1.15),
                self.exempting("Pod, every rule"),
            ),
            (
                "denied with 50 exemptions, relative to none",
                AtMost(1.15),
                self.exempting("Pod, denied, every rule"),
            ),
            ("typical policy, relative to this policy", AtLeast(3.3), self.typical(|_| true)),
            (
                "typical policy with 32 containers, admitted, relative to this policy",
                AtLeast(8.0),
                self.typical(|cost| cost.containers == 32 && admitted.contains(&&*cost.request)),
            ),
            ("module size in kB", AtMost(550.0), Some(kilobytes(self.bytes.policy))),
        ]
        .map(|(what, bound, measured)| Promise { what, bound, measured })
    }

    /// Returns the highest ratio of the requests to the floor.
    fn highest(&self, requests: [&str; 2], containers: u32) -> Option<f64> {
        let costs = requests.into_iter().filter_map(|request| self.cost(request, containers));
        greatest(costs.map(|cost| cost.policy))
    }

    /// Returns how the cost per container grows with their number: on average, and for the last ones.
    fn growth(&self) -> [Option<f64>; 2] {
        let average = |[_, few, many]: [f64; 3]| (many / 128.0) / (few / 32.0);
        let last = |[fewest, few, many]: [f64; 3]| ((many - few) / 96.0) / ((few - fewest) / 28.0);
        let own = |cost: &Cost| {
            let of = |size| self.cost(&cost.request, size).map(Cost::own);
            Some([of(4)?, of(32)?, of(128)?])
        };
        let own: Vec<_> = self.costs.iter().filter_map(own).collect();
        [greatest(own.iter().copied().map(average)), greatest(own.iter().copied().map(last))]
    }

    /// Returns the ratio of a request with exemptions to the same request without.
    fn exempting(&self, request: &str) -> Option<f64> {
        greatest(self.costs.iter().filter_map(|with| {
            let is_it = with.request.strip_suffix(EXEMPTING) == Some(request);
            let without = self.cost(request, with.containers).filter(|_| is_it)?;
            Some(with.total() / without.total())
        }))
    }

    /// Returns the lowest ratio of the typical policy to this policy, among some requests.
    fn typical(&self, includes: impl Fn(&Cost) -> bool) -> Option<f64> {
        let costs = self.costs.iter().filter(|cost| includes(cost));
        costs.filter_map(|cost| Some(cost.typical? / cost.policy)).min_by(f64::total_cmp)
    }
}

/// Returns the picture as SVG.
fn picture(results: &Results) -> Result<String, Failure> {
    let mut picture = String::new();
    draw(results, &SVGBackend::with_string(&mut picture, PIXELS).into_drawing_area())?;
    Ok(picture + "\n")
}

/// Draws a row per request: the ratio to the floor, for this policy and for the typical policy.
fn draw(results: &Results, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Failure> {
    let rows: Vec<_> = (1u32..).map(|row| -f64::from(row)).zip(&results.costs).collect();
    let bottom = rows.last().map_or(-1.0, |(row, _)| *row);
    let most = greatest(results.costs.iter().map(|cost| cost.typical.unwrap_or(cost.policy))).unwrap_or(1.0);
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .caption("Cost of a request relative to the floor (logarithmic)", TITLE)
        .margin(20)
        .margin_right(60)
        .x_label_area_size(30)
        .y_label_area_size(280)
        .build_cartesian_2d((1.0..most.log2().ceil().exp2()).log_scale().base(2.0), bottom - LEGEND..0.0)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_label_formatter(&|ratio| format!("{ratio:.0}"))
        .label_style(FONT)
        .light_line_style(TRANSPARENT)
        .draw()?;
    let text = |side| FONT.into_text_style(area).pos(Pos::new(side, VPos::Center));
    let (left, right) = (text(HPos::Right), text(HPos::Left));
    chart
        .draw_series(rows.iter().map(|(row, cost)| Text::new(label(cost), (1.0, row + 0.5), left.clone())))?;
    for (name, color, above, ratio) in BARS {
        let style = color.filled();
        let bars: Vec<_> = rows.iter().filter_map(|(row, cost)| Some((ratio(cost)?, row + above))).collect();
        let bar = |&(ratio, row): &(f64, f64)| Rectangle::new([(1.0, row), (ratio, row + THICKNESS)], style);
        let legend = move |(x, y)| Rectangle::new([(x, y - 5), (x + 16, y + 5)], style);
        chart.draw_series(bars.iter().map(bar))?.label(name).legend(legend);
        let number = |&(ratio, row): &(f64, f64)| {
            Text::new(decimal(ratio), (ratio * GAP, row + THICKNESS / 2.0), right.clone())
        };
        chart.draw_series(bars.iter().map(number))?;
    }
    chart.configure_series_labels().position(SeriesLabelPosition::LowerRight).label_font(FONT).draw()?;
    area.present()?;
    Ok(())
}

/// Returns the label of a row, with a space that SVG does not trim.
fn label(cost: &Cost) -> String {
    match cost.containers {
        1 => format!("{}, 1 container\u{a0}", cost.request),
        containers => format!("{}, {containers} containers\u{a0}", cost.request),
    }
}

fn greatest(ratios: impl Iterator<Item = f64>) -> Option<f64> {
    ratios.max_by(f64::total_cmp)
}

fn kilobytes(bytes: u32) -> f64 {
    f64::from(bytes) / 1000.0
}

fn decimal(ratio: f64) -> String {
    format!("{ratio:.2}")
}

/// Returns a Markdown table. The first row is the header.
fn table(rows: &[Vec<String>]) -> String {
    let mut lines = rows.iter().map(|cells| format!("| {} |\n", cells.join(" | ")));
    let header = lines.next().unwrap_or_default();
    let rule = rows.first().map_or(0, Vec::len);
    format!("{header}|{}\n{}", " --- |".repeat(rule), lines.collect::<String>())
}

/// Updates the files that show the stored results, and returns the names of the outdated files.
///
/// # Errors
/// If a file cannot be read or written, or if the results do not parse.
pub fn update(repository: &Path) -> Result<Vec<&'static str>, Failure> {
    let results: Results = serde_json::from_slice(&fs::read(repository.join(RESULTS))?)?;
    let document = fs::read_to_string(repository.join(DOCUMENT))?;
    let shown = [
        (DOCUMENT, with_tables(&document, &results.tables())?),
        (PICTURE, picture(&results)?),
        (growth::PICTURE, growth::picture(&results.growth)?),
    ];
    let mut outdated = Vec::new();
    for (file, shown) in shown {
        let file_in = repository.join(file);
        if fs::read_to_string(&file_in).ok().as_ref() != Some(&shown) {
            fs::write(file_in, shown)?;
            outdated.push(file);
        }
    }
    Ok(outdated)
}

/// Replaces the tables in the document.
fn with_tables(document: &str, tables: &str) -> io::Result<String> {
    let [start, end] = MARKERS;
    let parts = document.split_once(start).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
    let (before, after) =
        parts.ok_or_else(|| io::Error::other(format!("{DOCUMENT} lacks the markers of the costs")))?;
    Ok([before, start, tables, end, after].concat())
}
