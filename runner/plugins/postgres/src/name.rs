//! Names of tables and columns inside of statements.

/// A column, exactly as written.
pub(crate) fn column(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A table, exactly as written, with its schema if it has one before a dot.
pub(crate) fn table(name: &str) -> String {
    name.split('.').map(column).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_so_that_they_stay_names() {
        assert_eq!(table("shop.orders"), r#""shop"."orders""#);
        assert_eq!(column(r#"a" drop table b"#), r#""a"" drop table b""#);
    }
}
