//! Tokens: who may use the API, and for what.

use qalipsis_config::Secret;
use subtle::ConstantTimeEq;

/// The fewest characters of a token.
const SHORTEST_TOKEN: usize = 16;

/// What a token permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// To see everything.
    Read,
    /// To start, stop and change as well.
    Write,
}

/// A token. `Debug` does not show its secret.
#[derive(Debug, Clone)]
pub struct Token {
    name: String,
    right: Right,
    secret: Secret,
}

impl Token {
    /// Its name for people.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What it permits.
    pub(crate) fn right(&self) -> Right {
        self.right
    }

    /// Whether this is its secret. How long that takes says nothing about how much of it is right.
    pub(crate) fn is(&self, given: &str) -> bool {
        self.secret.reveal().as_bytes().ct_eq(given.as_bytes()).into()
    }

    /// Reads tokens with commas between them: `SECRET`, which may write, or `NAME:read:SECRET` or `NAME:write:SECRET`.
    ///
    /// # Errors
    /// What is wrong, without any secret.
    pub(crate) fn parse(text: &str) -> Result<Vec<Self>, String> {
        text.split(',').enumerate().map(|(index, token)| Self::parse_one(token.trim(), index + 1)).collect()
    }

    fn parse_one(text: &str, number: usize) -> Result<Self, String> {
        let (name, right, secret) = match text.splitn(3, ':').collect::<Vec<_>>()[..] {
            [secret] => ("token", Right::Write, secret),
            [name, "read", secret] if !name.is_empty() => (name, Right::Read, secret),
            [name, "write", secret] if !name.is_empty() => (name, Right::Write, secret),
            _ => return Err(format!("token {number} must be SECRET, NAME:read:SECRET or NAME:write:SECRET")),
        };
        if secret.len() < SHORTEST_TOKEN || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "the secret of token {number} must have {SHORTEST_TOKEN} or more characters of ASCII, without spaces"
            ));
        }
        Ok(Self { name: name.to_owned(), right, secret: Secret::new(secret) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_names_and_rights_and_are_never_shown() {
        let tokens = Token::parse("0123456789abcdef, ci:read:fedcba9876543210:x").unwrap();
        let named: Vec<_> = tokens.iter().map(|token| (token.name.as_str(), token.right)).collect();
        assert_eq!(named, [("token", Right::Write), ("ci", Right::Read)]);
        assert_eq!(tokens[1].secret.reveal(), "fedcba9876543210:x");
        assert!(!format!("{tokens:?}").contains("0123456789"), "{tokens:?}");
        for (text, expected) in [
            ("short", "the secret of token 1 must have 16 or more characters of ASCII, without spaces"),
            (
                "0123456789abcdef,",
                "the secret of token 2 must have 16 or more characters of ASCII, without spaces",
            ),
            ("a:admin:0123456789abcdef", "token 1 must be SECRET, NAME:read:SECRET or NAME:write:SECRET"),
            (":read:0123456789abcdef", "token 1 must be SECRET, NAME:read:SECRET or NAME:write:SECRET"),
        ] {
            assert_eq!(Token::parse(text).unwrap_err(), expected, "{text}");
        }
    }
}
