//! Snapshot filters: what changes from run to run goes, all else stays.

#[test]
fn what_changes_from_run_to_run_goes() {
    let text = "\
\x1b[32mstarted\x1b[0m at 2026-11-23T05:06:07.123456Z, 2026-11-23 05:06:07, 05:06:07.5
listening on 127.0.0.1:34567, http://localhost:80/orders and [::1]:443
factory pid 4711, pid=12, pid: 9
campaign quick-7f3a9c: done, campaign key `k-2`
report in test-results/quick-7f3a9c/TEST-quickstart.xml
files in /tmp/.tmpAb12/x.yml (/var/folders/zz/T/y)
took 3 ms, 1.25s, 12µs, 1m 3s, 2 min, 900 ns, 1h 2m 3s
";
    let mut settings = insta::Settings::new();
    settings.set_filters(qalipsis_testkit::filters());
    settings.bind(|| {
        insta::assert_snapshot!(text, @r"
        started at [TIMESTAMP], [TIMESTAMP], [TIME]
        listening on 127.0.0.1:[PORT], http://localhost:[PORT]/orders and [::1]:[PORT]
        factory pid [PID], pid=[PID], pid: [PID]
        campaign [CAMPAIGN]: done, campaign key `[CAMPAIGN]`
        report in test-results/[CAMPAIGN]/TEST-quickstart.xml
        files in [TEMP] ([TEMP])
        took [DURATION], [DURATION], [DURATION], [DURATION], [DURATION], [DURATION], [DURATION]
        ");
    });
}

#[test]
fn all_else_stays() {
    let text = "\
3 of 1000 minions: expected 202, observed 503 at scenarios/checkout/src/main.rs:87:9
campaign failed, 40 % in stage 2, 5 samples, version 1.2.3, 10 steps, example.org:8080
";
    let mut settings = insta::Settings::new();
    settings.set_filters(qalipsis_testkit::filters());
    settings.bind(|| {
        insta::assert_snapshot!(text, @r"
        3 of 1000 minions: expected 202, observed 503 at scenarios/checkout/src/main.rs:87:9
        campaign failed, 40 % in stage 2, 5 samples, version 1.2.3, 10 steps, example.org:8080
        ");
    });
}
