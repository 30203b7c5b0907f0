//! `${NAME}` in values stands for an environment variable, `$${` for a literal `${`.

use super::entry::Value;
use super::environment::Environment;

/// Replaces what stands for environment variables. What they contain is not expanded again.
pub(super) fn expand(raw: &str, environment: &Environment) -> Value {
    Value { text: expanded(raw, environment), literal: !raw.contains("${") }
}

fn expanded(raw: &str, environment: &Environment) -> Result<String, String> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        // The text is not shown: it may be a secret that happens to contain these characters.
        let (name, after) = rest[at + 2..]
            .split_once('}')
            .filter(|(name, _)| is_name(name))
            .ok_or("'${' must be followed by the name of an environment variable and '}', write $${ for a literal ${")?;
        out.push_str(&environment.get(name)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn is_name(name: &str) -> bool {
    let first = name.chars().next();
    first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_once() {
        let environment = Environment::from([("HOST", "shop"), ("NESTED", "${HOST}"), ("EMPTY", "")]);
        for (raw, expected) in [
            ("plain $HOST $ {x}", "plain $HOST $ {x}"),
            ("http://${HOST}:80/${HOST}", "http://shop:80/shop"),
            ("${NESTED}", "${HOST}"),
            ("[${EMPTY}]", "[]"),
            ("$${HOST}", "${HOST}"),
            ("a$${b${HOST}", "a${bshop"),
        ] {
            assert_eq!(expand(raw, &environment).text.as_deref(), Ok(expected), "{raw}");
        }
        assert!(expand("plain", &environment).literal);
        assert!(!expand("${HOST}", &environment).literal);
    }

    #[test]
    fn what_cannot_be_replaced_names_the_variable_and_nothing_else() {
        let environment = Environment::from([]);
        let error = expand("s3cret-${MISSING}", &environment).text.unwrap_err();
        assert_eq!(error, "environment variable MISSING is not set, set it or write $${ for a literal ${");
        for raw in ["s3cret${", "s3cret${}", "s3cret${a b}", "s3cret${1}", "s3cret${s3cret-x}"] {
            let error = expand(raw, &environment).text.unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
