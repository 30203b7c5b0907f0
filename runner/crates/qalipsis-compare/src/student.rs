//! Tails of Student's t distribution.

/// The probability that a t-distributed value with `freedom` degrees of freedom is above `t`.
pub(super) fn above(t: f64, freedom: f64) -> f64 {
    let tail = 0.5 * beta_share(freedom / 2.0, 0.5, freedom / (freedom + t * t));
    if t >= 0.0 { tail } else { 1.0 - tail }
}

/// The value that is exceeded with this probability, which is below one half.
pub(super) fn exceeded_with(probability: f64, freedom: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while above(high, freedom) > probability && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if above(middle, freedom) > probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// The regularised incomplete beta function, by its continued fraction (Lentz's algorithm).
fn beta_share(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp();
    // The fraction converges fast on this side of the mean.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(a, b, x) / a
    } else {
        1.0 - front * fraction(b, a, 1.0 - x) / b
    }
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for m in 1..500 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        let step = d * c;
        value *= step;
        if (step - 1.0).abs() < 1e-14 {
            break;
        }
    }
    value
}

/// The logarithm of the gamma function of a positive number, by Stirling's series.
fn ln_gamma(x: f64) -> f64 {
    // The series needs a large argument: go up by Γ(x + 1) = x Γ(x).
    let (mut x, mut lowered) = (x, 0.0);
    while x < 15.0 {
        lowered += x.ln();
        x += 1.0;
    }
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - lowered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_those_of_the_printed_tables() {
        // t, degrees of freedom and one-sided probability, as printed in tables of the distribution.
        for (t, freedom, probability) in [
            (12.706, 1.0, 0.025),
            (2.920, 2.0, 0.05),
            (3.747, 4.0, 0.01),
            (4.501, 8.0, 0.001),
            (2.764, 10.0, 0.01),
            (2.750, 30.0, 0.005),
            (3.090, 1e6, 0.001),
        ] {
            let got = above(t, freedom);
            assert!((got - probability).abs() < probability * 0.002, "t {t}, {freedom}: {got}");
            let back = exceeded_with(probability, freedom);
            assert!((back - t).abs() < 0.001 * t, "{freedom}: {back} for {t}");
            assert!((above(-t, freedom) - (1.0 - probability)).abs() < 1e-4);
        }
        assert!((above(0.0, 5.0) - 0.5).abs() < 1e-12);
    }
}
