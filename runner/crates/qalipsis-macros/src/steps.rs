//! `#[derive(Steps)]`.

use crate::{doc, kebab};
use proc_macro2::TokenStream;
use quote::quote;
use std::collections::HashMap;
use syn::{Data, DeriveInput, Error, Fields, LitStr, Result, Token, Variant};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(
            &input.ident,
            "#[derive(Steps)] is for enums: one variant for each step of the scenario",
        ));
    };
    if data.variants.is_empty() {
        return Err(Error::new_spanned(&input.ident, "a scenario needs at least one step: add a variant"));
    }
    let mut seen: HashMap<String, ()> = HashMap::new();
    let mut steps = Vec::new();
    let mut arms = Vec::new();
    for (index, variant) in data.variants.iter().enumerate() {
        let step = Step::of(variant)?;
        if seen.insert(step.name.clone(), ()).is_some() {
            return Err(Error::new_spanned(
                variant,
                format!("another step is already named `{}`", step.name),
            ));
        }
        let Step { name, description, monitor, optional } = step;
        steps.push(quote! {
            ::qalipsis::core::steps::StepSpec {
                name: #name,
                description: #description,
                monitor: ::qalipsis::core::steps::Monitor::#monitor,
                optional: #optional,
            }
        });
        let variant = &variant.ident;
        let index = index as u32;
        arms.push(quote!(Self::#variant => #index));
    }
    let name = &input.ident;
    Ok(quote! {
        #[automatically_derived]
        impl ::core::clone::Clone for #name {
            fn clone(&self) -> Self { *self }
        }
        #[automatically_derived]
        impl ::core::marker::Copy for #name {}
        #[automatically_derived]
        impl ::qalipsis::core::steps::Steps for #name {
            const CRATE: (&'static str, &'static str) =
                (::core::env!("CARGO_PKG_NAME"), ::core::env!("CARGO_PKG_VERSION"));
            const FOLDER: &'static str = ::core::env!("CARGO_MANIFEST_DIR");
            const ALL: &'static [::qalipsis::core::steps::StepSpec] = &[#(#steps),*];
            fn index(self) -> u32 {
                match self { #(#arms),* }
            }
        }
    })
}

struct Step {
    name: String,
    description: String,
    monitor: proc_macro2::Ident,
    optional: bool,
}

impl Step {
    fn of(variant: &Variant) -> Result<Self> {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new_spanned(
                variant,
                "a step is a plain variant without fields: what belongs to one execution is a local variable",
            ));
        }
        let mut step = Self {
            name: kebab(&variant.ident.to_string()),
            description: doc(&variant.attrs),
            monitor: quote::format_ident!("None"),
            optional: false,
        };
        for attribute in variant.attrs.iter().filter(|a| a.path().is_ident("step")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("name") {
                    let name: LitStr = meta.value()?.parse()?;
                    step.name = name.value();
                    if step.name.trim().is_empty() {
                        return Err(Error::new_spanned(name, "the name of a step must not be empty"));
                    }
                } else if meta.path.is_ident("monitor") && !meta.input.peek(Token![=]) {
                    step.monitor = quote::format_ident!("All");
                } else if meta.path.is_ident("monitor") {
                    let monitor: LitStr = meta.value()?.parse()?;
                    let name = match monitor.value().as_str() {
                        "none" => "None",
                        "events" => "Events",
                        "meters" => "Meters",
                        "all" => "All",
                        _ => {
                            return Err(Error::new_spanned(
                                monitor,
                                "expected \"none\", \"events\", \"meters\" or \"all\"",
                            ));
                        }
                    };
                    step.monitor = quote::format_ident!("{name}");
                } else if meta.path.is_ident("optional") {
                    step.optional = true;
                } else {
                    return Err(meta.error("expected `name`, `monitor` or `optional`"));
                }
                Ok(())
            })?;
        }
        Ok(step)
    }
}
