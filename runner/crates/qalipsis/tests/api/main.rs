//! What scenario code looks like, and what the compiler says when it is wrong.

mod everything;

#[test]
fn messages_of_the_compiler_point_at_the_mistake() {
    // Code that compiles is a test of its own: beside it, each mistake would be built to the end, with all dependencies.
    trybuild::TestCases::new().compile_fail("tests/mistakes/*.rs");
}
