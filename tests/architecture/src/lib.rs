//! Tests of what the sources must look like: who may depend on whom, and what must not be in them.
