//! What scenarios there are, for `qalipsis list`.

use crate::text::{counted, one_line, width};
use qalipsis_model::description::{
    ExecutableDescription, MeterDescription, Monitor, PropertyDescription, ScenarioDescription,
    StepDescription,
};
use qalipsis_profile::overload::Overload;

/// The longest name that sets the width of its column; longer ones push their own line.
const NAME_COLUMNS: usize = 32;

/// All scenarios with what a user can run and set, as text that ends with a line end.
pub fn list(descriptions: &[ExecutableDescription]) -> String {
    let scenarios: Vec<String> = descriptions
        .iter()
        .flat_map(|executable| executable.scenarios.iter().map(move |s| scenario(executable, s)))
        .collect();
    if scenarios.is_empty() { "no scenarios found\n".to_owned() } else { scenarios.join("\n") }
}

fn scenario(executable: &ExecutableDescription, scenario: &ScenarioDescription) -> String {
    let mut text = format!("{}\n", one_line(&scenario.name));
    if !scenario.description.is_empty() {
        text.push_str(&format!("  {}\n", first_paragraph(&scenario.description)));
    }
    let version = format!("{} {}", executable.crate_name, executable.crate_version);
    let load = format!("{} {}", counted(u64::from(scenario.minions), "minion"), scenario.profile);
    text.push_str(&format!("  crate  {}\n", one_line(&version)));
    text.push_str(&format!("  load   {}\n", one_line(&load)));
    if scenario.overload != Overload::Queue {
        text.push_str(&format!("  overload  {}\n", scenario.overload));
    }
    text.push_str(&format!("  at     {}\n", one_line(&scenario.location.to_string())));
    section(&mut text, "steps", scenario.steps.iter().map(step));
    section(&mut text, "properties", scenario.properties.iter().map(property));
    section(&mut text, "meters", scenario.meters.iter().map(meter));
    section(&mut text, "criteria", scenario.criteria.iter().map(|c| vec![c.to_string()]));
    text
}

fn step(step: &StepDescription) -> Vec<String> {
    let mut description = first_paragraph(&step.description);
    let mut marks = Vec::new();
    if step.optional {
        marks.push("optional");
    }
    match step.monitor {
        Monitor::None => {}
        Monitor::Events => marks.push("exports events"),
        Monitor::Meters => marks.push("exports meters"),
        Monitor::All => marks.push("exports events and meters"),
    }
    if !marks.is_empty() {
        description = format!("{description} ({})", marks.join(", ")).trim_start().to_owned();
    }
    vec![step.name.clone(), description]
}

fn property(property: &PropertyDescription) -> Vec<String> {
    let mut traits = Vec::new();
    match &property.default {
        // A default that got here by mistake is still a secret.
        Some(_) if property.secret => traits.push("has a default".to_owned()),
        Some(default) => traits.push(format!("default {default}")),
        None if property.required => traits.push("required".to_owned()),
        None => traits.push("optional".to_owned()),
    }
    if property.secret {
        traits.push("secret".to_owned());
    }
    vec![
        property.name.clone(),
        property.value_type.clone(),
        traits.join(", "),
        first_paragraph(&property.description),
    ]
}

fn meter(meter: &MeterDescription) -> Vec<String> {
    let kind = match meter.unit.as_str() {
        "" => meter.kind.name().to_owned(),
        unit => format!("{} in {unit}", meter.kind),
    };
    vec![meter.name.clone(), kind, first_paragraph(&meter.description)]
}

/// A heading and rows in columns; nothing when there are no rows.
fn section(text: &mut String, heading: &str, rows: impl Iterator<Item = Vec<String>>) {
    let rows: Vec<Vec<String>> = rows.map(|row| row.iter().map(|cell| one_line(cell)).collect()).collect();
    let Some(count) = rows.iter().map(Vec::len).max() else { return };
    let columns: Vec<usize> = (0..count)
        .map(|i| {
            let cells = rows.iter().filter_map(|row| row.get(i)).map(|cell| width(cell));
            cells.filter(|columns| *columns <= NAME_COLUMNS).max().unwrap_or(0)
        })
        .collect();
    text.push_str(&format!("  {heading}\n"));
    for row in rows {
        let mut line = String::from("    ");
        for (cell, columns) in row.iter().zip(&columns) {
            line.push_str(cell);
            line.push_str(&" ".repeat(columns.saturating_sub(width(cell)) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

/// A doc comment's first paragraph, on one line.
fn first_paragraph(text: &str) -> String {
    let paragraph: Vec<&str> =
        text.trim().lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    one_line(&paragraph.join(" "))
}
