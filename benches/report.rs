//! What the benchmark found out: the file that keeps it, and the tables and the picture that show it.

use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use serde::{Deserialize, Serialize};

/// Where it is kept.
pub(crate) const RESULTS: &str = "benches/results.json";

/// Where the tables are shown, between these markers.
const README: &str = "README.md";
const MARKERS: [&str; 2] = ["<!-- cost: generated from benches/results.json -->\n", "<!-- end of cost -->\n"];

/// Where the picture is.
const PICTURE: &str = "docs/benchmark.svg";

/// How many containers there are in a column.
const SIZES: [u32; 4] = [1, 4, 32, 128];

/// What stands behind the name of a request that is judged with exemptions.
const EXEMPTING: &str = ", 50 exemptions";

/// The size of the picture, its letters, and its colors.
const PIXELS: (u32, u32) = (960, 820);
const FONT: (&str, u32) = ("sans-serif", 16);
const TITLE: (&str, u32) = ("sans-serif", 22);
const BLUE: RGBColor = RGBColor(50, 108, 229);
const GREY: RGBColor = RGBColor(180, 186, 196);

/// Of each row, the bars: whose they are, their color, where they stand in the row, and how long they are.
const BARS: [(&str, RGBColor, f64, Ratio); 2] = [
    ("this policy, every rule", BLUE, 0.5, |cost| Some(cost.policy)),
    ("a typical policy, one field", GREY, 0.1, |cost| cost.typical),
];

/// How many times the floor a policy is, where it was asked.
type Ratio = fn(&Cost) -> Option<f64>;

/// How much of a row a bar fills.
const THICKNESS: f64 = 0.4;

/// By how much a number stands behind its bar, as a ratio.
const GAP: f64 = 1.03;

/// How many rows the legend takes, below the others.
const LEGEND: f64 = 2.0;

type Failure = Box<dyn Error>;

/// What requests cost, in ratios: times would say nothing about any other machine.
#[derive(Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: String,
    pub(crate) date: String,
    pub(crate) bytes: Sizes,
    pub(crate) costs: Vec<Cost>,
}

/// The sizes of the modules, in bytes.
#[derive(Serialize, Deserialize)]
pub(crate) struct Sizes {
    pub(crate) floor: u32,
    pub(crate) policy: u32,
    pub(crate) typical: u32,
}

/// What a request costs.
#[derive(Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) request: String,
    pub(crate) containers: u32,
    pub(crate) bytes: u32,
    /// With the floor, over what the first request costs with it.
    pub(crate) floor: f64,
    /// With the policy, over what the same request costs with the floor.
    pub(crate) policy: f64,
    /// The same with the typical policy, where it was asked.
    pub(crate) typical: Option<f64>,
}

impl Cost {
    /// What the policy takes, on the scale of all requests.
    fn total(&self) -> f64 {
        self.floor * self.policy
    }

    /// What the policy adds to the floor, on the same scale.
    fn own(&self) -> f64 {
        self.total() - self.floor
    }
}

/// What shall be true of the costs, and what is, as far as it was measured.
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
    /// The tables, in Markdown.
    pub(crate) fn tables(&self) -> String {
        let Self { machine, date, bytes, costs } = self;
        let [policy, typical] = [bytes.policy, bytes.typical].map(kilobytes);
        let sizes = || costs.iter().map(|cost| cost.bytes);
        let [smallest, largest] =
            [sizes().min(), sizes().max()].map(|size| kilobytes(size.unwrap_or_default()));
        let (costs, promises) = (table(&self.cost_rows()), table(&self.promise_rows()));
        format!(
            "\nMeasured on {date} on {machine}, in times the floor. Requests have {smallest:.0} to {largest:.0} kB,\n\
             this module has {policy:.0} kB, and that of the typical policy {typical:.0} kB.\n\n{costs}\n{promises}\n"
        )
    }

    fn cost_rows(&self) -> Vec<Vec<String>> {
        let header = ["policy", "request", "1 container", "4", "32", "128"].map(str::to_owned).to_vec();
        let own = self.rows("this one", |cost| Some(cost.policy));
        let typical = self.rows("typical", |cost| cost.typical);
        [header].into_iter().chain(own).chain(typical).collect()
    }

    /// A row for each request that such a policy was asked.
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
        let header = ["promised", "bound", "measured", "kept"].map(str::to_owned).to_vec();
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

    fn promises(&self) -> [Promise; 8] {
        use Bound::{AtLeast, AtMost};
        let [average, last] = self.growth();
        [
            ("a request of one container, over the floor", AtMost(1.35), self.admitting(1)),
            ("a request of 32 containers, over the floor", AtMost(1.6), self.admitting(32)),
            ("what each of 128 containers adds, over each of 32", AtMost(1.15), average),
            ("what each adds from the 33rd on, over those from the 5th", AtMost(1.15), last),
            ("an admitted request with 50 exemptions, over none", AtMost(1.15), self.exempting("Pod")),
            ("a denied request with 50 exemptions, over none", AtMost(1.15), self.exempting("Pod, denied")),
            ("the typical policy, over this one", AtLeast(4.0), self.typical()),
            ("the module, in kB", AtMost(220.0), Some(kilobytes(self.bytes.policy))),
        ]
        .map(|(what, bound, measured)| Promise { what, bound, measured })
    }

    /// How many times the floor a request costs that is admitted.
    fn admitting(&self, containers: u32) -> Option<f64> {
        let costs = ["Pod", "Deployment"].into_iter().filter_map(|request| self.cost(request, containers));
        greatest(costs.map(|cost| cost.policy))
    }

    /// How much more a container costs where there are many: all of them on average, and those that come last.
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

    /// How many times what a request costs it costs with exemptions.
    fn exempting(&self, request: &str) -> Option<f64> {
        greatest(self.costs.iter().filter_map(|with| {
            let is_it = with.request.strip_suffix(EXEMPTING) == Some(request);
            let without = self.cost(request, with.containers).filter(|_| is_it)?;
            Some(with.total() / without.total())
        }))
    }

    /// How many times what a request costs it costs with the typical policy, at the least.
    fn typical(&self) -> Option<f64> {
        let ratios = self.costs.iter().filter_map(|cost| Some(cost.typical? / cost.policy));
        ratios.min_by(f64::total_cmp)
    }
}

/// The picture, as SVG.
fn picture(results: &Results) -> Result<String, Failure> {
    let mut picture = String::new();
    draw(results, &SVGBackend::with_string(&mut picture, PIXELS).into_drawing_area())?;
    Ok(picture + "\n")
}

/// Draws a row for each cost: how many times the floor it is, with this policy and with the typical one.
fn draw(results: &Results, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Failure> {
    let rows: Vec<_> = (1u32..).map(|row| -f64::from(row)).zip(&results.costs).collect();
    let bottom = rows.last().map_or(-1.0, |(row, _)| *row);
    let most = greatest(results.costs.iter().map(|cost| cost.typical.unwrap_or(cost.policy))).unwrap_or(1.0);
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .caption("What a request costs, in times the floor (logarithmic)", TITLE)
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

/// What stands before a row, with a space that is not taken away.
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

/// A table in Markdown, of which the first row is the header.
fn table(rows: &[Vec<String>]) -> String {
    let mut lines = rows.iter().map(|cells| format!("| {} |\n", cells.join(" | ")));
    let header = lines.next().unwrap_or_default();
    let rule = rows.first().map_or(0, Vec::len);
    format!("{header}|{}\n{}", " --- |".repeat(rule), lines.collect::<String>())
}

/// Makes what shows the results show those that are kept, and names the files that did not.
pub(crate) fn update(repository: &Path) -> Result<Vec<&'static str>, Failure> {
    let results: Results = serde_json::from_slice(&fs::read(repository.join(RESULTS))?)?;
    let readme = fs::read_to_string(repository.join(README))?;
    let mut outdated = Vec::new();
    let shown = [(README, in_readme(&readme, &results.tables())?), (PICTURE, picture(&results)?)];
    for (file, shown) in shown {
        let file_in = repository.join(file);
        if fs::read_to_string(&file_in).ok().as_ref() != Some(&shown) {
            fs::write(file_in, shown)?;
            outdated.push(file);
        }
    }
    Ok(outdated)
}

/// The README with other tables.
fn in_readme(readme: &str, tables: &str) -> io::Result<String> {
    let [start, end] = MARKERS;
    let parts = readme.split_once(start).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
    let (before, behind) =
        parts.ok_or_else(|| io::Error::other("README.md lacks the markers of the costs"))?;
    Ok([before, start, tables, end, behind].concat())
}
