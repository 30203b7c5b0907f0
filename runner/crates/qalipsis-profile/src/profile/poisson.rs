//! A Poisson process by inversion.
//!
//! The gaps of a process of rate 1 are exponential, `-ln(u)` of a uniform `u` (Knuth, The Art of Computer Programming 2,
//! 3.4.1); mapping its instants through the inverse of the area under any rate gives a process of that rate (Çinlar,
//! Introduction to Stochastic Processes, 1975, 4.7; Devroye, Non-Uniform Random Variate Generation, 1986, VI.1). The
//! logarithm is taken in integers, so that every machine gets the same instants.

use super::arrivals::ARRIVAL;

/// Digits of a logarithm after the point, in bits.
const FRACTION: u32 = 32;

/// `ln 2` with as many digits.
const LN_2: u128 = 2_977_044_472;

/// The areas at which arrivals lie, in parts of an arrival, without end.
pub(super) fn areas(seed: u64) -> impl Iterator<Item = u128> {
    let seed = mix(seed);
    (0_u64..).scan(0_u128, move |area, index| {
        *area += gap(mix(seed.wrapping_add((index + 1).wrapping_mul(GOLDEN))));
        Some(*area)
    })
}

/// The exponential gap that a uniform 64-bit number stands for.
fn gap(uniform: u64) -> u128 {
    let whole = u128::from(u64::BITS) << FRACTION;
    let log = whole - u128::from(log2(uniform.max(1)));
    (log * LN_2 * ARRIVAL) >> (2 * FRACTION)
}

/// The binary logarithm by repeated squaring, one bit for each.
fn log2(number: u64) -> u64 {
    let characteristic = number.ilog2();
    // 1 <= x < 2, with 63 bits after the point.
    let mut x = number << (u64::BITS - 1 - characteristic);
    let mut log = u64::from(characteristic);
    for _ in 0..FRACTION {
        let square = u128::from(x) * u128::from(x);
        let carry = (square >> 127) as u64;
        x = (square >> (63 + carry)) as u64;
        log = log << 1 | carry;
    }
    log
}

/// 2^64 divided by the golden ratio, odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finalizer of SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_that_of_floats() {
        for number in [1, 2, 3, 10, 12_345, u64::MAX / 3, u64::MAX] {
            let log = log2(number) as f64 / f64::from(2.0_f32.powi(32));
            assert!((log - (number as f64).log2()).abs() < 1e-9, "log2 of {number} is {log}");
        }
    }

    #[test]
    fn gaps_are_exponential() {
        let mut gaps: Vec<f64> = Vec::new();
        let mut before = 0;
        for area in areas(1).take(100_000) {
            gaps.push((area - before) as f64 / ARRIVAL as f64);
            before = area;
        }
        // Kolmogorov-Smirnov: 1.95 / sqrt(n) is exceeded by 1 sample in 1,000, and the seed is fixed.
        gaps.sort_by(f64::total_cmp);
        let n = gaps.len() as f64;
        let distance = gaps
            .iter()
            .zip(0_u32..)
            .map(|(gap, rank)| (1.0 - (-gap).exp() - f64::from(rank) / n).abs())
            .fold(0.0, f64::max);
        assert!(distance < 1.95 / n.sqrt(), "distance {distance}");
    }
}
