//! What types rows can have.

use crate::database;
use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Open,
    Shipped,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Everything {
    a_uuid: Uuid,
    a_time: Timestamp,
    a_local_time: DateTime,
    a_bigint: i64,
    a_numeric: f64,
    an_exact_numeric: String,
    a_float: f64,
    a_text: String,
    a_bool: bool,
    a_null: Option<i32>,
    a_json: HashMap<String, Vec<u8>>,
    an_array: Vec<Option<String>>,
    an_enum: Status,
    some_bytes: String,
}

#[tokio::test]
async fn all_common_types_are_read() {
    let db = database("create type status as enum ('open', 'shipped')").await;
    let statement = "select \
        $1::uuid as a_uuid, timestamptz '2026-11-23 12:34:56.789012+02' as a_time, \
        timestamp '2026-11-23 12:34:56.5' as a_local_time, 9223372036854775807 as a_bigint, \
        12.50::numeric as a_numeric, 0.12345678901234567890123::text as an_exact_numeric, \
        0.1::float8 as a_float, 'ü \"quoted\" \\ and ''so'' on' as a_text, true as a_bool, null::int as a_null, \
        '{\"a\": [1, 2]}'::jsonb as a_json, array['x', null] as an_array, 'shipped'::status as an_enum, \
        '\\x00ff'::bytea as some_bytes";
    let id = Uuid::from_u128(7);
    let row = db.search(statement, &[&id]).row::<Everything>().await.unwrap().value;
    let expected = Everything {
        a_uuid: id,
        a_time: "2026-11-23T10:34:56.789012Z".parse().unwrap(),
        a_local_time: "2026-11-23T12:34:56.5".parse().unwrap(),
        a_bigint: i64::MAX,
        a_numeric: 12.5,
        an_exact_numeric: "0.12345678901234567890123".to_owned(),
        a_float: 0.1,
        a_text: "ü \"quoted\" \\ and 'so' on".to_owned(),
        a_bool: true,
        a_null: None,
        a_json: HashMap::from([("a".to_owned(), vec![1, 2])]),
        an_array: vec![Some("x".to_owned()), None],
        an_enum: Status::Shipped,
        some_bytes: "\\x00ff".to_owned(),
    };
    assert_eq!(row, expected);
    let open = db.search("select 'open'::status", &[]).row::<HashMap<String, Status>>().await.unwrap();
    assert_eq!(open["status"], Status::Open);
}

#[tokio::test]
async fn all_common_types_are_saved() {
    let db = database(
        "create table things (id uuid, at timestamptz, price numeric, data jsonb, tags text[], done bool)",
    )
    .await;
    let thing = json!({
        "id": Uuid::from_u128(9), "at": "2026-11-23T10:34:56.789012Z", "price": 12.5,
        "data": {"a": [1, null]}, "tags": ["x", "y"], "done": null,
    });
    db.save("things", &thing).await.unwrap();
    let found = "select id, at at time zone 'utc' as at, price, data, tags, done from things \
                 where id = $1 and data = $2 and tags = $3";
    let tags = vec!["x".to_owned(), "y".to_owned()];
    let data = json!({"a": [1, null]});
    let row = db.search(found, &[&Uuid::from_u128(9), &data, &tags]).row::<Value>().await.unwrap().value;
    let mut expected = thing;
    expected["at"] = json!("2026-11-23T10:34:56.789012");
    assert_eq!(row, expected);
}
