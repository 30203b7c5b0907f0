//! What is ordered, and the records about it.

use qalipsis::prelude::*;
use qalipsis::rand::RngExt;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const PRODUCTS: [&str; 3] = ["lamp", "chair", "table"];

#[derive(Debug, Serialize)]
pub(crate) struct NewOrder {
    pub(crate) id: Uuid,
    pub(crate) product: String,
    pub(crate) quantity: u32,
    pub(crate) customer: String,
}

impl NewOrder {
    pub(crate) fn random<S: Steps>(minion: &Minion<S>) -> Self {
        let mut rng = minion.rng();
        Self {
            id: minion.unique_id(),
            product: PRODUCTS[rng.random_range(0..PRODUCTS.len())].to_owned(),
            quantity: rng.random_range(1..10),
            customer: format!("customer-{}", minion.index()),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    pub(crate) order_id: Uuid,
    pub(crate) product: String,
    pub(crate) quantity: u32,
    pub(crate) customer: String,
}
