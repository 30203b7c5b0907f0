//! `#[derive(Properties)]`.

use crate::{doc, kebab};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, LitStr, Result};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => fields,
            Fields::Unnamed(_) | Fields::Unit => return Err(unfit(input)),
        },
        Data::Enum(_) | Data::Union(_) => return Err(unfit(input)),
    };
    let mut descriptions = Vec::new();
    let mut reads = Vec::new();
    for field in &fields.named {
        let ident = field.ident.as_ref().ok_or_else(|| unfit(input))?;
        let name = kebab(&ident.to_string());
        let description = doc(&field.attrs);
        let value_type = &field.ty;
        let mut default: Option<LitStr> = None;
        for attribute in field.attrs.iter().filter(|a| a.path().is_ident("property")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("default") {
                    default = Some(meta.value()?.parse().map_err(|error| {
                        Error::new(
                            error.span(),
                            "the default is written as a user would write it: default = \"2s\"",
                        )
                    })?);
                    Ok(())
                } else {
                    Err(meta.error("expected `default`"))
                }
            })?;
        }
        let default = match default {
            Some(text) => quote!(::core::option::Option::Some(#text)),
            None => quote!(::core::option::Option::None),
        };
        descriptions.push(quote! {
            ::qalipsis::core::properties::describe::<#value_type>(#name, #description, #default)
        });
        reads.push(quote! {
            #ident: ::qalipsis::core::properties::read::<#value_type>(values, #name, #default)?
        });
    }
    let name = &input.ident;
    Ok(quote! {
        #[automatically_derived]
        impl ::qalipsis::core::properties::Properties for #name {
            fn describe() -> ::std::vec::Vec<::qalipsis::core::properties::PropertyDescription> {
                ::std::vec![#(#descriptions),*]
            }
            fn read(
                values: &::qalipsis::core::properties::PropertyValues,
            ) -> ::core::result::Result<Self, ::qalipsis::core::properties::PropertyError> {
                ::core::result::Result::Ok(Self { #(#reads),* })
            }
        }
    })
}

fn unfit(input: &DeriveInput) -> Error {
    Error::new_spanned(
        &input.ident,
        "#[derive(Properties)] is for structs with named fields: one field for each property",
    )
}
