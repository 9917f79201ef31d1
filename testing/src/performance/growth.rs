//! The picture of how the cost of a request grows with the number of containers.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::{BLUE, Cost, FONT, Failure, GREY, Ratio, TITLE, greatest};

/// The picture.
pub(super) const PICTURE: &str = "docs/growth.svg";

const PIXELS: (u32, u32) = (960, 560);
const RED: RGBColor = RGBColor(196, 64, 48);
const LIGHT: RGBColor = RGBColor(222, 226, 232);
const BLACK: RGBColor = RGBColor(40, 44, 52);

/// Width of a line and radius of a point, in pixels.
const WIDTH: u32 = 2;
const RADIUS: u32 = 4;

/// The lines: label, color, request, and the ratio to the floor of the same request.
const LINES: [(&str, RGBColor, &str, Ratio); 4] = [
    ("a typical policy, one field", GREY, "Pod", |cost| cost.typical),
    ("this policy, denied", RED, "Pod, denied", |cost| Some(cost.policy)),
    ("this policy, admitted", BLUE, "Pod", |cost| Some(cost.policy)),
    ("the floor: a module that reads nothing", BLACK, "Pod", |_| Some(1.0)),
];

/// Returns the picture as SVG.
pub(super) fn picture(costs: &[Cost]) -> Result<String, Failure> {
    let mut picture = String::new();
    draw(costs, &SVGBackend::with_string(&mut picture, PIXELS).into_drawing_area())?;
    Ok(picture + "\n")
}

/// Draws the costs, relative to the floor of one container, over the number of containers. Both axes are logarithmic, so a straight
/// line is proportional growth.
fn draw(costs: &[Cost], area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Failure> {
    let points = |request: &str, ratio: Ratio| -> Vec<_> {
        let costs = costs.iter().filter(|cost| cost.request == request);
        costs.filter_map(|cost| Some((f64::from(cost.containers), cost.floor * ratio(cost)?))).collect()
    };
    let lines: Vec<_> = LINES.into_iter().map(|line| (line, points(line.2, line.3))).collect();
    let all = || lines.iter().flat_map(|(_, points)| points);
    let (widest, highest) =
        (greatest(all().map(|point| point.0)).unwrap_or(1.0), greatest(all().map(|point| point.1)));
    let top = highest.unwrap_or(1.0).log2().ceil().exp2();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .caption("Cost of a request by its number of containers (logarithmic)", TITLE)
        .margin(20)
        .margin_right(40)
        .x_label_area_size(50)
        .y_label_area_size(70)
        .build_cartesian_2d((1.0..widest).log_scale().base(2.0), (1.0..top).log_scale().base(2.0))?;
    chart
        .configure_mesh()
        .x_desc("containers")
        .y_desc("cost, relative to the floor of one container")
        .x_label_formatter(&|containers| format!("{containers:.0}"))
        .y_label_formatter(&|cost| format!("{cost:.0}"))
        .label_style(FONT)
        .bold_line_style(LIGHT)
        .light_line_style(TRANSPARENT)
        .draw()?;
    for ((label, color, ..), points) in lines {
        let circles = points.clone().into_iter().map(|point| Circle::new(point, RADIUS, color.filled()));
        chart.draw_series(circles)?;
        let line = |points: Vec<_>| PathElement::new(points, color.stroke_width(WIDTH));
        let legend = move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(WIDTH));
        chart.draw_series([line(points)])?.label(label).legend(legend);
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .label_font(FONT)
        .draw()?;
    area.present()?;
    Ok(())
}
