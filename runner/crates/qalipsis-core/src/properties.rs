//! Typed properties of a scenario, configured under `properties.`.

pub use qalipsis_model::description::PropertyDescription;
pub use qalipsis_model::plan::PropertyValues;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// A scenario's configurable properties: a struct with `#[derive(Properties)]`, or `()` for none.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not describe the properties of a scenario",
    label = "not a struct with `#[derive(Properties)]`",
    note = "declare `#[derive(Properties)] struct {Self} {{ ... }}`, or use `Setup` for a scenario without properties"
)]
pub trait Properties: Sized + Send + 'static {
    /// Names, types, defaults and docs.
    fn describe() -> Vec<PropertyDescription>;

    /// Reads configured values.
    ///
    /// # Errors
    /// The first property whose value is missing or not of its type.
    fn read(values: &PropertyValues) -> Result<Self, PropertyError>;
}

impl Properties for () {
    fn describe() -> Vec<PropertyDescription> {
        Vec::new()
    }

    fn read(_: &PropertyValues) -> Result<Self, PropertyError> {
        Ok(())
    }
}

/// A property whose value is missing or wrong. Values of secrets are never shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("property '{name}': {problem}")]
pub struct PropertyError {
    name: String,
    problem: String,
}

/// A type that properties can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of a property",
    label = "does not implement `PropertyValue`",
    note = "use `String`, `bool`, an integer, a float, `Duration`, `PathBuf`, `Secret`, an `Option` of one, or implement `PropertyValue`"
)]
pub trait PropertyValue: Sized {
    /// The type as users know it.
    const TYPE: &'static str;
    /// Whether its value never appears in any output.
    const SECRET: bool = false;
    /// Whether it may be absent.
    const OPTIONAL: bool = false;

    /// Reads what a user wrote.
    ///
    /// # Errors
    /// A fragment that says what is accepted.
    fn parse(text: &str) -> Result<Self, String>;

    /// Its value when it may be absent and is.
    fn absent() -> Option<Self> {
        None
    }
}

macro_rules! from_str {
    ($($type:ty => $name:literal),* $(,)?) => {$(
        impl PropertyValue for $type {
            const TYPE: &'static str = $name;
            fn parse(text: &str) -> Result<Self, String> {
                text.trim().parse().map_err(|_| format!("'{text}' is not of type {}", $name))
            }
        }
    )*};
}

from_str! {
    bool => "true or false",
    u8 => "integer", u16 => "integer", u32 => "integer", u64 => "integer", usize => "integer",
    i8 => "integer", i16 => "integer", i32 => "integer", i64 => "integer", isize => "integer",
    f32 => "number", f64 => "number",
}

impl PropertyValue for String {
    const TYPE: &'static str = "string";
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl PropertyValue for PathBuf {
    const TYPE: &'static str = "path";
    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::from(text))
    }
}

impl PropertyValue for Duration {
    const TYPE: &'static str = "duration";
    fn parse(text: &str) -> Result<Self, String> {
        qalipsis_model::duration::parse(text)
    }
}

impl<T: PropertyValue> PropertyValue for Option<T> {
    const TYPE: &'static str = T::TYPE;
    const SECRET: bool = T::SECRET;
    const OPTIONAL: bool = true;
    fn parse(text: &str) -> Result<Self, String> {
        T::parse(text).map(Some)
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// Text that must not be shown: passwords, tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl PropertyValue for Secret {
    const TYPE: &'static str = "secret";
    const SECRET: bool = true;
    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
}

/// Describes one property; called by the derive.
pub fn describe<T: PropertyValue>(
    name: &str,
    description: &str,
    default: Option<&str>,
) -> PropertyDescription {
    PropertyDescription {
        name: name.to_owned(),
        value_type: T::TYPE.to_owned(),
        // That there is one must be known, what it is must not.
        default: default.map(|text| if T::SECRET { "***" } else { text }.to_owned()),
        required: default.is_none() && !T::OPTIONAL,
        secret: T::SECRET,
        description: description.to_owned(),
    }
}

/// Reads one property; called by the derive.
///
/// # Errors
/// When it is missing or not of its type.
pub fn read<T: PropertyValue>(
    values: &PropertyValues,
    name: &str,
    default: Option<&str>,
) -> Result<T, PropertyError> {
    let error = |problem: String| PropertyError { name: name.to_owned(), problem };
    let Some(text) = values.0.get(name).map(String::as_str).or(default) else {
        return T::absent().ok_or_else(|| error(format!("no value, set properties.{name}")));
    };
    T::parse(text)
        .map_err(|problem| error(if T::SECRET { format!("not of type {}", T::TYPE) } else { problem }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_typed_and_errors_hide_secrets() {
        let values = PropertyValues([("limit".to_owned(), "250ms".to_owned())].into());
        assert_eq!(read::<Duration>(&values, "limit", None), Ok(Duration::from_millis(250)));
        assert_eq!(read::<Option<u8>>(&values, "other", None), Ok(None));
        assert_eq!(read::<u8>(&values, "other", Some("7")), Ok(7));
        assert_eq!(
            read::<u8>(&values, "limit", None).unwrap_err().to_string(),
            "property 'limit': '250ms' is not of type integer"
        );
        assert_eq!(
            read::<String>(&values, "brokers", None).unwrap_err().to_string(),
            "property 'brokers': no value, set properties.brokers"
        );
        assert_eq!(describe::<Secret>("p", "", Some("hunter2")).default.as_deref(), Some("***"));
        assert_eq!(describe::<Secret>("p", "", None).default, None);
        assert_eq!(format!("{:?}", Secret("hunter2".into())), "***");
    }
}
