//! What the benchmark found out: the file that keeps it, and the tables and the picture that show it.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Where it is kept.
const RESULTS: &str = "benches/results.json";

/// Where the tables are shown, between these markers.
const README: &str = "README.md";
const MARKERS: [&str; 2] = ["<!-- cost: generated from benches/results.json -->\n", "<!-- end of cost -->\n"];

/// How many containers there are in a column.
const SIZES: [u32; 4] = [1, 4, 32, 128];

/// What stands behind the name of a request that is judged with exemptions.
const EXEMPTING: &str = ", 50 exemptions";

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
    pub(crate) bytes: usize,
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
    /// Keeps them in the repository.
    pub(crate) fn write(&self, repository: &Path) -> io::Result<()> {
        let json = serde_json::to_string_pretty(self)?;
        fs::write(repository.join(RESULTS), json + "\n")
    }

    /// The tables, in Markdown.
    pub(crate) fn tables(&self) -> String {
        let Self { machine, date, .. } = self;
        let (costs, promises) = (table(&self.cost_rows()), table(&self.promise_rows()));
        format!("\nMeasured on {date} on {machine}.\n\n{costs}\n{promises}\n")
    }

    fn cost_rows(&self) -> Vec<Vec<String>> {
        let header = ["policy", "request", "1 container", "4", "32", "128"].map(str::to_owned).to_vec();
        let own = self.rows("this one", |cost| Some(cost.policy));
        let typical = self.rows("typical", |cost| cost.typical);
        [header].into_iter().chain(own).chain(typical).collect()
    }

    /// A row for each request that such a policy was asked.
    fn rows(&self, policy: &str, ratio: fn(&Cost) -> Option<f64>) -> impl Iterator<Item = Vec<String>> {
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

    fn promises(&self) -> [Promise; 7] {
        use Bound::{AtLeast, AtMost};
        let kilobytes = f64::from(self.bytes.policy) / 1000.0;
        let [beside_32, behind_32] = self.growth();
        [
            ("one container, over the floor", AtMost(1.35), self.admitting(1)),
            ("32 containers, over the floor", AtMost(1.6), self.admitting(32)),
            ("a container of 128, over one of 32", AtMost(1.15), beside_32),
            ("a container behind the 32nd, over one behind the 4th", AtMost(1.15), behind_32),
            ("50 exemptions, over none", AtMost(1.15), self.exempting()),
            ("the typical policy, over this one", AtLeast(4.0), self.typical()),
            ("the module, in kB", AtMost(220.0), Some(kilobytes)),
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
    fn exempting(&self) -> Option<f64> {
        greatest(self.costs.iter().filter_map(|with| {
            let without = self.cost(with.request.strip_suffix(EXEMPTING)?, with.containers)?;
            Some(with.total() / without.total())
        }))
    }

    /// How many times what a request costs it costs with the typical policy, at the least.
    fn typical(&self) -> Option<f64> {
        let ratios = self.costs.iter().filter_map(|cost| Some(cost.typical? / cost.policy));
        ratios.min_by(f64::total_cmp)
    }
}

fn greatest(ratios: impl Iterator<Item = f64>) -> Option<f64> {
    ratios.max_by(f64::total_cmp)
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
pub(crate) fn update(repository: &Path) -> io::Result<Vec<&'static str>> {
    let results: Results = serde_json::from_slice(&fs::read(repository.join(RESULTS))?)?;
    let readme = fs::read_to_string(repository.join(README))?;
    let mut outdated = Vec::new();
    for (file, shown) in [(README, in_readme(&readme, &results.tables())?)] {
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
