//! The derives of the scenario API. Authors reach them through `qalipsis::prelude`.

mod meters;
mod properties;
mod steps;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a fieldless enum the list of a scenario's steps.
///
/// Names are the variants in kebab-case, descriptions their doc comments.
/// `#[step(name = "...")]` gives another name, `#[step(monitor = "none|events|meters|all")]` asks for
/// exports, `#[step(monitor)]` for all of them, `#[step(optional)]` lets a run pass in which nobody reaches the step.
#[proc_macro_derive(Steps, attributes(step))]
pub fn derive_steps(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    steps::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Makes a struct with named fields the configurable properties of a scenario.
///
/// Names are the fields in kebab-case, descriptions their doc comments, types whatever implements
/// `PropertyValue`. `#[property(default = "...")]` gives a default, in the form a user would write;
/// without one the property must be configured, unless it is an `Option`.
#[proc_macro_derive(Properties, attributes(property))]
pub fn derive_properties(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    properties::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Makes a struct with named fields the meters of a scenario.
///
/// Names are the fields in kebab-case, descriptions their doc comments, kinds their types: `Counter`, `Gauge`, `Timer`,
/// `Summary`, `Rate` or `Throughput`. `#[meter(name = "...")]` gives another name, `#[meter(unit = "...")]` the unit of
/// what is counted or set.
#[proc_macro_derive(Meters, attributes(meter))]
pub fn derive_meters(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    meters::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// The doc comment of an item as one line.
fn doc(attributes: &[syn::Attribute]) -> String {
    let lines = attributes.iter().filter(|a| a.path().is_ident("doc")).filter_map(|attribute| {
        let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
        let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value else { return None };
        Some(text.value().trim().to_owned())
    });
    lines.collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// `FulfilledUnchanged` and `fulfilled_unchanged` become `fulfilled-unchanged`.
fn kebab(name: &str) -> String {
    let name = name.strip_prefix("r#").unwrap_or(name);
    let mut kebab = String::new();
    let mut previous: Option<char> = None;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '_' {
            kebab.push('-');
        } else if c.is_uppercase() {
            let starts_word = previous.is_some_and(|p| p.is_lowercase() || p.is_numeric())
                || (previous.is_some_and(char::is_uppercase)
                    && chars.peek().is_some_and(|n| n.is_lowercase()));
            if starts_word {
                kebab.push('-');
            }
            kebab.extend(c.to_lowercase());
        } else {
            kebab.push(c);
        }
        previous = Some(c);
    }
    kebab
}

#[cfg(test)]
mod tests {
    use super::kebab;

    #[test]
    fn names_become_kebab_case() {
        for (name, expected) in [
            ("Place", "place"),
            ("FulfilledUnchanged", "fulfilled-unchanged"),
            ("HTTPPost", "http-post"),
            ("V2Order", "v2-order"),
            ("order_id", "order-id"),
            ("r#type", "type"),
        ] {
            assert_eq!(kebab(name), expected);
        }
    }
}
