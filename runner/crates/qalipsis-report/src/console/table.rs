//! A table whose first column gives way, and whose least important columns go, when there is no room.

use super::style::{Mark, Paint, Style};
use crate::text::{fit, width};

/// Columns that the first column keeps before another one goes.
const NAME_COLUMNS: usize = 16;
const GAP: usize = 2;

/// One column after the name.
pub(super) struct Column {
    pub(super) title: &'static str,
    /// The column with the highest number goes first when there is no room; 0 stays.
    pub(super) expendable: u8,
}

struct Row {
    mark: Mark,
    name: String,
    paint: Paint,
    rest: Rest,
}

enum Rest {
    Cells(Vec<(String, Paint)>),
    /// Instead of cells.
    Remark(String),
}

pub(super) struct Table {
    title: &'static str,
    columns: Vec<Column>,
    rows: Vec<Row>,
}

impl Table {
    pub(super) fn new(title: &'static str, columns: Vec<Column>) -> Self {
        Self { title, columns, rows: Vec::new() }
    }

    pub(super) fn row(&mut self, mark: Mark, name: String, cells: Vec<(String, Paint)>) {
        debug_assert_eq!(cells.len(), self.columns.len(), "one cell per column");
        self.rows.push(Row { mark, name, paint: Paint::Plain, rest: Rest::Cells(cells) });
    }

    pub(super) fn remark(&mut self, mark: Mark, name: String, remark: String) {
        self.rows.push(Row { mark, name, paint: Paint::Dim, rest: Rest::Remark(remark) });
    }

    /// The lines, indented by `indent` columns.
    pub(super) fn render(&self, style: Style, indent: usize) -> String {
        let names: Vec<String> = self.rows.iter().map(|row| style.text(&row.name)).collect();
        let wanted = names.iter().map(|n| width(n)).max().unwrap_or(0).max(width(self.title));
        let cells: Vec<usize> = (0..self.columns.len()).map(|i| self.cell_columns(i, style)).collect();
        let fixed = indent + style.mark_columns() + 1;
        let room = style.columns().saturating_sub(fixed);

        // Titles above remarks alone would be noise.
        let filled = self.rows.iter().any(|row| matches!(row.rest, Rest::Cells(_)));
        let mut shown: Vec<usize> = if filled { (0..self.columns.len()).collect() } else { Vec::new() };
        let taken = |shown: &[usize]| shown.iter().map(|i| cells[*i] + GAP).sum::<usize>();
        while room < taken(&shown) + wanted.min(NAME_COLUMNS) {
            let Some(next) = shown
                .iter()
                .copied()
                .filter(|i| self.columns[*i].expendable > 0)
                .max_by_key(|i| self.columns[*i].expendable)
            else {
                break;
            };
            shown.retain(|i| *i != next);
        }
        let name_columns = wanted.min(room.saturating_sub(taken(&shown))).max(1);

        let mut text = String::new();
        let mut line = |mark: Mark, name: &str, paint: Paint, rest: &str| {
            let sign = pad_right(style.mark(mark), style.mark_columns());
            let name = pad_right(&fit(name, name_columns, style.ellipsis()), name_columns);
            let plain = rest.trim_end();
            // Without cells, the padding of the name would trail.
            let name = if plain.is_empty() { name.trim_end() } else { &name };
            text.push_str(&" ".repeat(indent));
            text.push_str(&style.paint(mark.paint(), &sign));
            text.push(' ');
            text.push_str(&style.paint(paint, name));
            text.push_str(plain);
            text.push('\n');
        };
        if !self.title.is_empty() {
            let titles: String =
                shown.iter().map(|i| pad_left(self.columns[*i].title, cells[*i] + GAP)).collect();
            line(Mark::None, self.title, Paint::Dim, &style.paint(Paint::Dim, &titles));
        }
        for (row, name) in self.rows.iter().zip(&names) {
            let rest = match &row.rest {
                Rest::Cells(cells_of_row) => shown
                    .iter()
                    .map(|i| {
                        let (cell, paint) = &cells_of_row[*i];
                        let cell = style.text(cell);
                        let padding = (cells[*i] + GAP).saturating_sub(width(&cell));
                        format!("{}{}", " ".repeat(padding), style.paint(*paint, &cell))
                    })
                    .collect(),
                Rest::Remark(remark) => {
                    let room = room.saturating_sub(name_columns + GAP);
                    let remark = fit(&style.text(remark), room, style.ellipsis());
                    format!("{}{}", " ".repeat(GAP), style.paint(Paint::Dim, &remark))
                }
            };
            line(row.mark, name, row.paint, &rest);
        }
        text
    }

    /// Columns of the widest cell of a column, its title included.
    fn cell_columns(&self, index: usize, style: Style) -> usize {
        let cells = self.rows.iter().filter_map(|row| match &row.rest {
            Rest::Cells(cells) => Some(width(&style.text(&cells[index].0))),
            Rest::Remark(_) => None,
        });
        cells.max().unwrap_or(0).max(width(self.columns[index].title))
    }
}

fn pad_right(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

fn pad_left(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}
