//! Histograms: the used buckets of the fixed layout, as gaps and counts.

use crate::malformed::{Cause, Malformed};
use crate::wire::figures as wire;
use qalipsis_model::histogram::{Histogram, InvalidHistogram};

/// The count less 1 that stands beside the gap when the count comes in a number of its own.
const COUNT_FOLLOWS: u64 = 3;

pub(super) fn write(histogram: &Histogram) -> wire::Histogram {
    let mut buckets = Vec::new();
    let (mut first, mut before) = (0, 0);
    for (index, count) in histogram.buckets() {
        if before == 0 {
            first = index;
        }
        let gap = u64::from(index - before - 1);
        let beside = (count - 1).min(COUNT_FOLLOWS);
        buckets.push(gap << 2 | beside);
        if beside == COUNT_FOLLOWS {
            buckets.push(count - 1 - COUNT_FOLLOWS);
        }
        before = index;
    }
    let offset = |value: Option<u64>, bucket| value.map_or(0, |value| value - Histogram::lowest(bucket));
    let sum = histogram.sum_ns();
    wire::Histogram {
        buckets,
        min_offset: offset(histogram.min_ns(), first),
        max_offset: offset(histogram.max_ns(), before),
        sum: sum as u64,
        sum_high: (sum >> 64) as u64,
    }
}

/// One that is left out when it is empty.
pub(super) fn write_used(histogram: &Histogram) -> Option<wire::Histogram> {
    (!histogram.is_empty()).then(|| write(histogram))
}

pub(super) fn read(histogram: &wire::Histogram) -> Result<Histogram, Malformed> {
    let buckets = read_buckets(&histogram.buckets).map_err(|error| error.within("histogram"))?;
    let (Some((first, _)), Some((last, _))) = (buckets.first(), buckets.last()) else {
        return Ok(Histogram::default());
    };
    let min = Histogram::lowest(*first).saturating_add(histogram.min_offset);
    let max = Histogram::lowest(*last).saturating_add(histogram.max_offset);
    let sum = u128::from(histogram.sum_high) << 64 | u128::from(histogram.sum);
    Histogram::from_buckets(buckets, sum, min, max).map_err(|invalid| {
        let cause = match invalid {
            InvalidHistogram::Bucket(index) => Cause::NoBucket(index.into()),
            InvalidHistogram::TooMany => Cause::TooManySamples,
            InvalidHistogram::Range => Cause::Ends { min, max },
            InvalidHistogram::Sum => Cause::Sum(sum),
        };
        Malformed::from(cause).within("histogram")
    })
}

/// The index of each used bucket, and how many samples it has; no more than the layout has.
fn read_buckets(numbers: &[u64]) -> Result<Vec<(u32, u64)>, Malformed> {
    let mut buckets = Vec::new();
    let mut numbers = numbers.iter();
    let mut before = 0_u64;
    while let Some(number) = numbers.next() {
        let bucket = before + (number >> 2) + 1;
        let index = u32::try_from(bucket).ok().filter(|index| *index <= Histogram::LAST_BUCKET);
        let index = index.ok_or(Cause::NoBucket(bucket))?;
        let count = match number & COUNT_FOLLOWS {
            COUNT_FOLLOWS => {
                let further = numbers.next();
                let further = further.ok_or(Cause::Missing("the last count"))?;
                further.saturating_add(1 + COUNT_FOLLOWS)
            }
            beside => beside + 1,
        };
        buckets.push((index, count));
        before = bucket;
    }
    Ok(buckets)
}

/// One that may be left out, and is empty then.
pub(super) fn read_used(histogram: Option<&wire::Histogram>) -> Result<Histogram, Malformed> {
    histogram.map_or_else(|| Ok(Histogram::default()), read)
}
