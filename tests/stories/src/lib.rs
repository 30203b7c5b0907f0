//! The failures that must be caught, each against the real shop: healthy, it passes; with one fault,
//! it fails at the step it should, for the reason it should.
