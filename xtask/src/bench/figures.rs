//! Figures: medians, and how they are printed.

use serde_json::{Map, Value, json};

/// The median; 0 of nothing.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (Some(upper), 0) => f64::midpoint(values.get(middle.wrapping_sub(1)).copied().unwrap_or(*upper), *upper),
        (Some(value), _) => *value,
        (None, _) => 0.0,
    }
}

/// Adds a row of figures to a report.
pub(super) fn row(report: &mut Map<String, Value>, name: &str, figures: &[(impl AsRef<str>, f64)]) {
    let round = |value: f64| (value * 1000.0).round() / 1000.0;
    let figures: Map<String, Value> =
        figures.iter().map(|(key, value)| (key.as_ref().to_owned(), json!(round(*value)))).collect();
    report.insert(name.to_owned(), Value::Object(figures));
}

/// Prints a report for people.
pub(super) fn print(report: &Map<String, Value>) {
    for (name, figures) in report {
        println!("{name}");
        for (key, value) in figures.as_object().into_iter().flatten() {
            println!("  {key:<28} {value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middles() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median(vec![]).abs() < 1e-9);
    }
}
