//! The open model over REST.

use crate::head::Head;
use serde_json::json;

#[test]
fn random_arrivals_are_the_same_for_the_same_seed_of_the_campaign() {
    let head = Head::start(&[]);
    let planned = |seed: u64| {
        let rates = json!([{ "perSecond": 2_000, "rampUpDurationMs": 0, "totalDurationMs": 50 }]);
        let profile = json!({ "profile": "ARRIVALS", "distribution": "POISSON", "rates": rates });
        let scenarios = json!({ "green": { "executionProfile": profile } });
        let payload = json!({ "name": "visitors", "seed": seed, "scenarios": scenarios });
        let answer = head.post("/campaigns", &payload);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["progress"]["planned"].as_u64().unwrap()
    };
    let counts = [7, 8, 7].map(planned);
    assert!(counts[0] == counts[2] && counts[0] != counts[1], "{counts:?}");
}
