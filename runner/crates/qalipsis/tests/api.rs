//! What scenario code looks like, and what the compiler says when it is wrong.

#[test]
fn the_api_compiles_and_its_messages_point_at_the_mistake() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/compile/pass/*.rs");
    cases.compile_fail("tests/compile/fail/*.rs");
}
