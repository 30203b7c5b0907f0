//! The figures of meters.

use super::common::required;
use super::histogram;
use crate::malformed::{Cause, Malformed};
use crate::wire::figures as wire;
use qalipsis_model::measured::{Amounts, Measured};
use qalipsis_model::meter::MeterFigures;
use qalipsis_model::timestamp::Timestamp;

pub(super) fn write_readings(meter: &MeterFigures) -> wire::Readings {
    let (at_unix_ns, values) = meter.series.iter().map(|(at, value)| (at.0, *value)).unzip();
    wire::Readings {
        probe: meter.gauge.clone(),
        unit: meter.unit.clone(),
        at_unix_ns,
        values,
        parts: meter.parts.clone(),
        count: meter.count,
        sum: meter.sum,
        min: meter.min,
        max: meter.max,
        failures: meter.failures,
        last_failure: meter.last_failure.clone(),
    }
}

pub(super) fn read_readings(readings: wire::Readings) -> Result<MeterFigures, Malformed> {
    let (times, values) = (readings.at_unix_ns, readings.values);
    if times.len() != values.len() {
        return Err(Cause::Readings { times: times.len(), values: values.len() }.into());
    }
    Ok(MeterFigures {
        gauge: readings.probe,
        unit: readings.unit,
        series: times.into_iter().map(Timestamp).zip(values).collect(),
        parts: readings.parts,
        count: readings.count,
        sum: readings.sum,
        min: readings.min,
        max: readings.max,
        failures: readings.failures,
        last_failure: readings.last_failure,
    })
}

pub(super) fn write_measured(measured: &Measured) -> wire::Measured {
    use wire::measured::{Figures, Rate};
    let figures = match measured {
        Measured::Counter(total) => Figures::Counter(*total),
        Measured::Throughput(total) => Figures::Throughput(*total),
        Measured::Rate { hits, tries } => Figures::Rate(Rate { hits: *hits, tries: *tries }),
        Measured::Timer(times) => Figures::Timer(histogram::write(times)),
        Measured::Summary(amounts) => Figures::Summary(wire::measured::Amounts {
            thousandths: histogram::write_used(amounts.histogram()),
            refused: amounts.refused(),
        }),
    };
    wire::Measured { figures: Some(figures) }
}

pub(super) fn read_measured(measured: wire::Measured) -> Result<Measured, Malformed> {
    use wire::measured::Figures;
    Ok(match required(measured.figures, "figures")? {
        Figures::Counter(total) => Measured::Counter(total),
        Figures::Throughput(total) => Measured::Throughput(total),
        Figures::Rate(rate) => Measured::Rate { hits: rate.hits, tries: rate.tries },
        Figures::Timer(times) => Measured::Timer(Box::new(histogram::read(&times)?)),
        Figures::Summary(amounts) => {
            let thousandths = histogram::read_used(amounts.thousandths.as_ref())?;
            Measured::Summary(Box::new(Amounts::of(thousandths, amounts.refused)))
        }
    })
}
