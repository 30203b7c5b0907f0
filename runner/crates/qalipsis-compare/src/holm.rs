//! Many questions at once: the probability of any false alarm stays what one question would have.

/// The probabilities adjusted after Holm (1979): each compared with the full level, the probability of one
/// or more false alarms among all of them is at most that level, whatever they have to do with each other.
pub(super) fn adjusted(probabilities: &[f64]) -> Vec<f64> {
    let count = probabilities.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]));
    let mut adjusted = vec![1.0; count];
    let mut largest = 0.0_f64;
    for (rank, index) in order.into_iter().enumerate() {
        let left = (count - rank) as f64;
        largest = largest.max((probabilities[index] * left).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_pays_for_all_and_the_largest_for_itself() {
        let adjusted = adjusted(&[0.01, 0.04, 0.03, 0.005]);
        let expected = [0.03, 0.06, 0.06, 0.02];
        for (got, expected) in adjusted.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-12, "{adjusted:?}");
        }
        assert!(super::adjusted(&[]).is_empty());
        assert_eq!(super::adjusted(&[0.7, 0.9]), [1.0, 1.0]);
    }
}
