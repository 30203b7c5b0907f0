//! Secrets in what clients send: they are used, and neither kept nor shown.

use qalipsis_config::{Given, HIDDEN};
use qalipsis_payload::{Order, pointer_token};
use serde_json::Value;
use std::collections::BTreeMap;

/// The JSON pointers of secrets that are given, by what is shown of the configuration.
pub(crate) fn places<'a>(order: &'a Order, shown: &BTreeMap<String, String>) -> Vec<&'a str> {
    let is_hidden = |given: &&Given| {
        shown.get(&given.key).is_some_and(|shown| *shown != given.value && shown.contains(HIDDEN))
    };
    order.given.iter().filter(is_hidden).map(|given| given.place.as_str()).collect()
}

/// Hides the secrets of a payload.
pub(crate) fn hide(payload: &mut Value, order: &Order, shown: &BTreeMap<String, String>) {
    // Of a scenario that is not part of it nothing is shown, and so it is not known what is a secret.
    let unknown = order.given.iter().filter(|given| {
        let is_property = given.key.starts_with("properties.") || given.key.contains(".properties.");
        is_property && !shown.contains_key(&given.key)
    });
    for place in places(order, shown).into_iter().chain(unknown.map(|given| given.place.as_str())) {
        if let Some(secret) = payload.pointer_mut(place) {
            *secret = HIDDEN.into();
        }
    }
}

/// The JSON pointers of what was hidden.
pub(crate) fn hidden(payload: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = vec![(String::new(), payload)];
    while let Some((pointer, value)) = rest.pop() {
        match value {
            Value::String(text) if text == HIDDEN => found.push(pointer),
            Value::Object(fields) => rest.extend(
                fields.iter().map(|(name, value)| (format!("{pointer}/{}", pointer_token(name)), value)),
            ),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                rest.extend(items.map(|(index, value)| (format!("{pointer}/{index}"), value)));
            }
            _ => {}
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_hidden_is_found_wherever_it_is() {
        let mut payload = json!({ "name": "***x", "a/b": { "token": "hunter2" }, "list": [1, "***"] });
        let given = |place: &str, value: &str| Given {
            place: place.into(),
            key: format!("key{place}"),
            value: value.into(),
        };
        let order = Order {
            given: vec![given("/a~1b/token", "hunter2"), given("/name", "***x")],
            ..Order::default()
        };
        let shown =
            [("key/a~1b/token".to_owned(), HIDDEN.to_owned()), ("key/name".to_owned(), "***x".to_owned())];
        hide(&mut payload, &order, &shown.into());
        assert_eq!(hidden(&payload), ["/a~1b/token", "/list/1"]);
        assert_eq!(payload["name"], "***x");
    }
}
