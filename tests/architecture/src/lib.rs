//! Tests of what the sources must look like: which crates may depend on which, and what must not be in them.
