//! What was measured, as rows of one table.

use std::fmt;

/// One measure.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) measure: String,
    /// The figure.
    pub(crate) result: Figure,
    /// What it is compared with: a figure of the same run.
    pub(crate) reference: Option<(String, Figure)>,
    /// Where it should be; `None` for figures that only explain another.
    pub(crate) goal: Option<Goal>,
}

/// A figure with its unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figure {
    /// In `unit`.
    pub(crate) value: f64,
    /// Behind the value.
    pub(crate) unit: &'static str,
}

/// The side on which a figure should be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// The result.
    AtMost(f64),
    /// The result.
    AtLeast(f64),
    /// The result divided by the reference.
    RatioAtLeast(f64),
}

impl Row {
    /// The same without something to compare it with.
    #[must_use]
    pub(crate) fn without_reference(self) -> Self {
        Self { reference: None, ..self }
    }

    fn ratio(&self) -> Option<f64> {
        self.reference.as_ref().map(|(_, reference)| self.result.value / reference.value)
    }

    fn is_met(&self) -> Option<bool> {
        match self.goal? {
            Goal::AtMost(most) => Some(self.result.value <= most),
            Goal::AtLeast(least) => Some(self.result.value >= least),
            Goal::RatioAtLeast(least) => self.ratio().map(|ratio| ratio >= least),
        }
    }

    fn cells(&self) -> [String; 6] {
        let reference =
            self.reference.as_ref().map_or_else(String::new, |(name, figure)| format!("{figure} {name}"));
        let goal = match self.goal {
            None => String::new(),
            Some(Goal::AtMost(value)) => {
                format!("at most {}", Figure { value, ..self.result })
            }
            Some(Goal::AtLeast(value)) => {
                format!("at least {}", Figure { value, ..self.result })
            }
            Some(Goal::RatioAtLeast(ratio)) => format!("ratio at least {ratio}"),
        };
        let outcome = match self.is_met() {
            None => "",
            Some(true) => "met",
            Some(false) => "MISSED",
        };
        [
            self.measure.clone(),
            self.result.to_string(),
            reference,
            self.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            goal,
            outcome.to_owned(),
        ]
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, unit } = self;
        match value.abs() {
            v if v >= 10_000_000.0 => write!(f, "{:.1} M{unit}", value / 1e6),
            v if v >= 1_000_000.0 => write!(f, "{:.2} M{unit}", value / 1e6),
            v if v >= 100.0 => write!(f, "{value:.0} {unit}"),
            v if v >= 10.0 => write!(f, "{value:.1} {unit}"),
            _ => write!(f, "{value:.2} {unit}"),
        }
    }
}

/// The table as Markdown, which also reads well in a terminal.
pub(crate) fn render(rows: &[Row]) -> String {
    let head = ["measure", "result", "reference", "ratio", "goal", ""].map(str::to_owned);
    let lines: Vec<[String; 6]> = std::iter::once(head).chain(rows.iter().map(Row::cells)).collect();
    let widths: [usize; 6] = std::array::from_fn(|column| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0)
    });
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        let cells: Vec<String> =
            line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
        if index == 0 {
            let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            text.push_str(&format!("| {} |\n", rule.join(" | ")));
        }
    }
    text
}

/// The middle of several rounds; of an even number, the mean of the two in the middle.
///
/// # Panics
/// Without rounds.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_say_whether_their_goal_holds() {
        let rows = [
            Row {
                measure: "step".into(),
                result: Figure { value: 125.0, unit: "ns" },
                reference: Some(("bare".into(), Figure { value: 2.5, unit: "ns" })),
                goal: Some(Goal::AtMost(150.0)),
            },
            Row {
                measure: "requests".into(),
                result: Figure { value: 1_500_000.0, unit: "/s" },
                reference: Some(("oha".into(), Figure { value: 3_000_000.0, unit: "/s" })),
                goal: Some(Goal::RatioAtLeast(1.0)),
            },
        ];
        assert_eq!(
            render(&rows),
            "| measure  | result   | reference    | ratio | goal             |        |\n\
             | -------- | -------- | ------------ | ----- | ---------------- | ------ |\n\
             | step     | 125 ns   | 2.50 ns bare | 50.00 | at most 150 ns   | met    |\n\
             | requests | 1.50 M/s | 3.00 M/s oha | 0.50  | ratio at least 1 | MISSED |\n"
        );
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0]), 2.5);
    }
}
