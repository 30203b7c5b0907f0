//! The greeting: the one message that is JSON in all versions of the contract.

use super::common::required;
use crate::malformed::{Cause, Malformed};
use crate::message::{FactoryMessage, ToHead};
use crate::wire::{Greeting, Hello};
use bytes::Bytes;

const TYPE: &str = "hello";

pub(super) fn write(message: &FactoryMessage, contract: u32, name: &str) -> Bytes {
    let FactoryMessage { incarnation, sequence, received, message: _ } = *message;
    let body = Some(Hello { contract, name: name.to_owned() });
    let greeting = Greeting { r#type: TYPE.to_owned(), body, incarnation, sequence, received };
    serde_json::to_vec(&greeting).expect("numbers and texts are always JSON").into()
}

pub(super) fn read(bytes: &[u8]) -> Result<FactoryMessage, Malformed> {
    let greeting: Greeting = serde_json::from_slice(bytes)
        .map_err(|error| Malformed::from(Cause::Json(error.to_string())).within(TYPE))?;
    if greeting.r#type != TYPE {
        return Err(Cause::NoGreeting(greeting.r#type).into());
    }
    let Hello { contract, name } = required(greeting.body, "body of hello")?;
    let Greeting { incarnation, sequence, received, .. } = greeting;
    Ok(FactoryMessage { incarnation, sequence, received, message: ToHead::Hello { contract, name } })
}
