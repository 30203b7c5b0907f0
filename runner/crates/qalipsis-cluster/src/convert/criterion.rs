//! Criteria.

use super::common::{
    mirror, read_duration, read_location, read_optional, read_required, required, write_duration,
    write_location,
};
use crate::malformed::{Cause, Malformed};
use crate::wire::plan as wire;
use qalipsis_model::criterion::{Criterion, Limit, Quantity, Statistic, Subject};
use qalipsis_model::scope::{Scope, Window};

mirror!(
    write_quantity,
    read_quantity,
    Quantity,
    wire::criterion::Quantity,
    "quantity",
    [
        ResponseTime,
        ServiceTime,
        Latency,
        Count,
        Throughput,
        ErrorRate,
        Missing,
        Late,
        Lateness,
        Duplicates,
        Orphans,
        Value,
        Time,
        Total,
        Rate,
        Growth,
        Drain,
    ]
);

pub(super) fn write_criterion(criterion: &Criterion) -> wire::Criterion {
    use wire::criterion::Subject as Wire;
    wire::Criterion {
        subject: Some(match &criterion.subject {
            Subject::Step(name) => Wire::Step(name.clone()),
            Subject::Meter(name) => Wire::Meter(name.clone()),
        }),
        quantity: write_quantity(criterion.quantity),
        statistic: Some(write_statistic(criterion.statistic)),
        limit: Some(write_limit(criterion.limit)),
        scope: Some(write_scope(&criterion.scope)),
        abort_after: criterion.abort_after.map(write_duration),
        location: Some(write_location(&criterion.location)),
    }
}

pub(super) fn read_criterion(criterion: wire::Criterion) -> Result<Criterion, Malformed> {
    use wire::criterion::Subject as Wire;
    Ok(Criterion {
        subject: match required(criterion.subject, "subject")? {
            Wire::Step(name) => Subject::Step(name),
            Wire::Meter(name) => Subject::Meter(name),
        },
        quantity: required(read_quantity(criterion.quantity)?, "quantity")?,
        statistic: read_statistic(required(criterion.statistic, "statistic")?)?,
        limit: read_limit(required(criterion.limit, "limit")?)?,
        scope: read_scope(criterion.scope.unwrap_or_default())?,
        abort_after: read_optional(criterion.abort_after, "time of the abort")?,
        location: read_location(required(criterion.location, "location")?),
    })
}

fn write_statistic(statistic: Statistic) -> wire::criterion::Statistic {
    use wire::criterion::statistic::{Simple, Statistic as Wire};
    let simple = |simple: Simple| Wire::Simple(simple as i32);
    let statistic = match statistic {
        Statistic::Percentile(percent) => Wire::Percentile(percent),
        Statistic::Mean => simple(Simple::Mean),
        Statistic::Min => simple(Simple::Min),
        Statistic::Max => simple(Simple::Max),
        Statistic::Value => simple(Simple::Value),
    };
    wire::criterion::Statistic { statistic: Some(statistic) }
}

fn read_statistic(statistic: wire::criterion::Statistic) -> Result<Statistic, Malformed> {
    use wire::criterion::statistic::{Simple, Statistic as Wire};
    Ok(match required(statistic.statistic, "statistic")? {
        Wire::Percentile(percent) => Statistic::Percentile(percent),
        Wire::Simple(number) => match Simple::try_from(number) {
            Ok(Simple::Mean) => Statistic::Mean,
            Ok(Simple::Min) => Statistic::Min,
            Ok(Simple::Max) => Statistic::Max,
            Ok(Simple::Value) => Statistic::Value,
            Ok(Simple::Unspecified) => return Err(Cause::Missing("statistic").into()),
            Err(_) => return Err(Cause::Unknown { what: "statistic", number }.into()),
        },
    })
}

fn write_limit(limit: Limit) -> wire::criterion::Limit {
    use wire::criterion::limit::Limit as Wire;
    let limit = match limit {
        Limit::Below(limit) => Wire::Below(limit),
        Limit::AtMost(limit) => Wire::AtMost(limit),
        Limit::AtLeast(limit) => Wire::AtLeast(limit),
        Limit::Between(from, to) => Wire::Between(wire::criterion::Range { from, to }),
    };
    wire::criterion::Limit { limit: Some(limit) }
}

fn read_limit(limit: wire::criterion::Limit) -> Result<Limit, Malformed> {
    use wire::criterion::limit::Limit as Wire;
    Ok(match required(limit.limit, "limit")? {
        Wire::Below(limit) => Limit::Below(limit),
        Wire::AtMost(limit) => Limit::AtMost(limit),
        Wire::AtLeast(limit) => Limit::AtLeast(limit),
        Wire::Between(range) => Limit::Between(range.from, range.to),
    })
}

fn write_scope(scope: &Scope) -> wire::criterion::Scope {
    use wire::criterion::scope::Window as Wire;
    let window = match scope.window {
        Window::Whole => None,
        Window::After(from) => Some(Wire::After(write_duration(from))),
        Window::During(from, to) => Some(Wire::During(wire::criterion::Span {
            from: Some(write_duration(from)),
            to: Some(write_duration(to)),
        })),
        Window::Stage(number) => Some(Wire::Stage(number)),
    };
    wire::criterion::Scope { window, zone: scope.zone.clone() }
}

fn read_scope(scope: wire::criterion::Scope) -> Result<Scope, Malformed> {
    use wire::criterion::scope::Window as Wire;
    let window = match scope.window {
        None => Window::Whole,
        Some(Wire::After(from)) => Window::After(read_duration(from)?),
        Some(Wire::During(span)) => Window::During(
            read_required(span.from, "begin of the window")?,
            read_required(span.to, "end of the window")?,
        ),
        Some(Wire::Stage(number)) => Window::Stage(number),
    };
    Ok(Scope { window, zone: scope.zone })
}
