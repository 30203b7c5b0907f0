//! `#[derive(Meters)]`.

use crate::{doc, kebab};
use proc_macro2::TokenStream;
use quote::quote;
use std::collections::HashSet;
use syn::{Data, DeriveInput, Error, Field, Fields, LitStr, Result};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => fields,
            Fields::Unnamed(_) | Fields::Unit => return Err(unfit(input)),
        },
        Data::Enum(_) | Data::Union(_) => return Err(unfit(input)),
    };
    let mut names = HashSet::new();
    let mut descriptions = Vec::new();
    let mut idents = Vec::new();
    let mut types = Vec::new();
    for field in &fields.named {
        let ident = field.ident.as_ref().ok_or_else(|| unfit(input))?;
        let Given { name, unit } = given(field)?;
        let name = name.unwrap_or_else(|| kebab(&ident.to_string()));
        if !names.insert(name.clone()) {
            return Err(Error::new_spanned(ident, format!("there are two meters `{name}`, rename one")));
        }
        let (description, kind) = (doc(&field.attrs), &field.ty);
        descriptions.push(quote! {
            ::qalipsis::core::meters::describe::<#kind>(#name, #unit, #description)
        });
        idents.push(ident);
        types.push(kind);
    }
    let name = &input.ident;
    Ok(quote! {
        #[automatically_derived]
        impl ::qalipsis::core::meters::Meters for #name {
            fn describe() -> ::std::vec::Vec<::qalipsis::core::meters::MeterDescription> {
                ::std::vec![#(#descriptions),*]
            }
            fn open(opening: &::qalipsis::core::meters::Opening<'_>) -> Self {
                Self {
                    #(#idents: <#types as ::qalipsis::core::meters::Measure>::open(opening, #descriptions)),*
                }
            }
            fn share(&self) -> Self {
                Self { #(#idents: ::core::clone::Clone::clone(&self.#idents)),* }
            }
        }
    })
}

/// What the attributes of a field give.
#[derive(Default)]
struct Given {
    name: Option<String>,
    unit: String,
}

fn given(field: &Field) -> Result<Given> {
    let mut given = Given::default();
    for attribute in field.attrs.iter().filter(|a| a.path().is_ident("meter")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("name") {
                let name = meta.value()?.parse::<LitStr>()?;
                if name.value().trim().is_empty() {
                    return Err(Error::new(name.span(), "the name is empty"));
                }
                given.name = Some(name.value());
            } else if meta.path.is_ident("unit") {
                given.unit = meta.value()?.parse::<LitStr>()?.value();
            } else {
                return Err(meta.error("expected `name` or `unit`"));
            }
            Ok(())
        })?;
    }
    Ok(given)
}

fn unfit(input: &DeriveInput) -> Error {
    Error::new_spanned(
        &input.ident,
        "#[derive(Meters)] is for structs with named fields: one field for each meter",
    )
}
