//! Campaigns that are started again.

use crate::head::{Head, LIMIT, command};
use serde_json::{Value, json};

fn again(head: &Head, key: &str) -> crate::client::Answer {
    head.post(&format!("/campaigns/{key}/replay"), &Value::Null)
}

#[test]
fn a_campaign_is_started_again_with_its_payload_and_its_seed() {
    let head = Head::start(&[]);
    let rates = json!([{ "perSecond": 400, "rampUpDurationMs": 0, "totalDurationMs": 100 }]);
    let profile = json!({ "profile": "ARRIVALS", "distribution": "POISSON", "rates": rates });
    let payload = json!({ "name": "visitors", "scenarios": { "green": { "executionProfile": profile } } });
    let first = head.start_campaign(&payload);
    let second = again(&head, &first);
    assert_eq!(second.status, 201, "{}", second.text());
    let second = second.json()["key"].as_str().unwrap().to_owned();
    let (original, repeated) = (head.until_ended(&first), head.until_ended(&second));
    for field in ["name", "seed", "status", "scenarios"] {
        assert_eq!(original[field], repeated[field], "{field}");
    }
    assert_eq!(original["progress"]["planned"], repeated["progress"]["planned"]);
    assert_eq!((&original["replayOf"], &repeated["replayOf"]), (&Value::Null, &json!(first)));

    // What cannot be started as it was is refused, and says why.
    let secret = json!({
        "name": "with a secret",
        "configuration": { "report.export.slack.token": "hunter2-hunter2" },
        "scenarios": { "green": {} },
    });
    let secret = head.start_campaign(&secret);
    let refused = again(&head, &secret);
    let expected = (
        "/configuration/report.export.slack.token".to_owned(),
        "is a secret, which is not kept: start it with POST /campaigns".to_owned(),
    );
    assert_eq!((refused.status, refused.problems()), (409, vec![expected.clone()]));
    assert_eq!(again(&head, "nothing").status, 404);
    head.until_ended(&secret);

    // The next head knows the same, and has other scenarios.
    head.process.terminate().unwrap();
    assert_eq!(head.process.wait(LIMIT).unwrap().code(), Some(0));
    let directory = head.directory;
    let mut command = command(directory.path());
    command.args(["standalone", "-s", "red", "-c", "server.address=127.0.0.1:0"]);
    let next = Head::of(&mut command, directory);
    assert_eq!(next.get(&format!("/campaigns/{second}")).json()["replayOf"], json!(first));
    assert_eq!(again(&next, &secret).problems(), [expected]);
    let gone = again(&next, &first);
    assert_eq!(gone.status, 409, "{}", gone.text());
    assert_eq!(
        gone.problems(),
        [("/scenarios/green".to_owned(), "unknown scenario 'green', there are: red".to_owned())]
    );
}
