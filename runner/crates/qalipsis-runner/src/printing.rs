//! How much is printed, and in which colours.

use clap::ValueEnum;

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set and not empty.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

impl Color {
    /// Whether to colour what goes to a stream.
    pub fn wanted(self, is_terminal: bool) -> bool {
        self.decide(is_terminal, std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()))
    }

    fn decide(self, is_terminal: bool, no_color: bool) -> bool {
        match self {
            Self::Auto => is_terminal && !no_color,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// How much is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Verbosity {
    /// Errors and the verdict.
    Quiet,
    /// What most want to see.
    #[default]
    Normal,
    /// More.
    Verbose,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_follow_the_terminal_unless_set() {
        assert!(Color::Auto.decide(true, false));
        assert!(!Color::Auto.decide(true, true));
        assert!(!Color::Auto.decide(false, false));
        assert!(Color::Always.decide(false, true));
        assert!(!Color::Never.decide(true, false));
    }
}
