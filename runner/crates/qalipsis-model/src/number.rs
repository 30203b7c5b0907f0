//! Numbers as people read them.

/// A number as people read it: `1000`, `12,345`.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    // Four digits read well without, and are written so in the report's own sentences.
    if digits.len() < 5 {
        return digits;
    }
    let mut shown = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}
