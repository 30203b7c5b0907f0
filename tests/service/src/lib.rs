//! Tests of the head as a service, against the built command `qalipsis`. There is nothing here but tests.
