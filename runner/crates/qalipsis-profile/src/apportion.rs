//! A whole number of things among several, in proportion to weights.

/// Splits `total` in proportion to `weights`, in their order: the parts sum to it, and each is its exact share rounded down
/// or up. Those with the largest remainders are rounded up, of equal ones the first (Hamilton's method). Without any weight
/// all parts are zero.
pub fn apportion(total: u64, weights: &[u64]) -> Vec<u64> {
    let sum: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: u64| u128::from(total) * u128::from(weight);
    let mut parts: Vec<u64> = weights.iter().map(|&weight| (exact(weight) / sum) as u64).collect();
    let left = total - parts.iter().sum::<u64>();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|&index| std::cmp::Reverse(exact(weights[index]) % sum));
    for index in by_remainder.into_iter().take(left as usize) {
        parts[index] += 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn remainders_go_to_the_largest() {
        assert_eq!(apportion(10, &[60, 40]), [6, 4]);
        assert_eq!(apportion(11, &[60, 40]), [7, 4]);
        assert_eq!(apportion(1, &[1, 1, 1]), [1, 0, 0]);
        assert_eq!(apportion(5, &[0, 0]), [0, 0]);
        assert_eq!(apportion(u64::MAX, &[u64::MAX, u64::MAX]), [u64::MAX / 2 + 1, u64::MAX / 2]);
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole_and_are_near_their_share(
            total in 0_u64..10_000_000,
            weights in proptest::collection::vec(0_u64..1_000, 1..9)
                .prop_filter("some weight", |weights| weights.iter().sum::<u64>() > 0),
        ) {
            let parts = apportion(total, &weights);
            let sum: u64 = weights.iter().sum();
            prop_assert_eq!(parts.iter().sum::<u64>(), total);
            for (part, weight) in parts.iter().zip(&weights) {
                let exact = total as f64 * *weight as f64 / sum as f64;
                prop_assert!((*part as f64 - exact).abs() < 1.0, "{part} of {exact}");
            }
        }
    }
}
