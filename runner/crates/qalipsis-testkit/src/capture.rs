//! What a process has written to one of its streams.

/// Most bytes kept of one stream; beyond it the oldest half is given up.
const LIMIT_BYTES: usize = 8 * 1024 * 1024;

/// The end of a stream, bounded, with positions that stay valid when older bytes are given up.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    kept: Vec<u8>,
    /// Bytes given up so far: the position of `kept[0]` in the whole stream.
    dropped: usize,
    closed: bool,
}

impl Capture {
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
        if self.kept.len() > LIMIT_BYTES {
            let half = self.kept.len() - LIMIT_BYTES / 2;
            // Cut after a line, so that nobody is shown the second half of one.
            let cut =
                self.kept[half..].iter().position(|&byte| byte == b'\n').map_or(half, |at| half + at + 1);
            self.kept.drain(..cut);
            self.dropped += cut;
        }
    }

    /// Marks that nothing more will come.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// The text kept, with invalid UTF-8 replaced.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept).into_owned()
    }

    /// The first complete line at or after `position` that is `wanted`. Moves `position` behind the
    /// last line looked at, so that the next call looks at new lines only. The last line of a closed stream
    /// is complete without a line feed as well.
    pub(crate) fn find_line(&self, position: &mut usize, wanted: &dyn Fn(&str) -> bool) -> Option<String> {
        loop {
            let start = position.saturating_sub(self.dropped);
            let rest = &self.kept[start..];
            let (line, taken) = match rest.iter().position(|&byte| byte == b'\n') {
                Some(end) => (&rest[..end], end + 1),
                None if self.closed && !rest.is_empty() => (rest, rest.len()),
                None => return None,
            };
            *position = self.dropped + start + taken;
            let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
            if wanted(&line) {
                return Some(line.into_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_once_and_only_when_whole() {
        let mut capture = Capture::default();
        let mut position = 0;
        capture.append(b"one\r\ntwo\nthr");
        assert_eq!(capture.find_line(&mut position, &|line| line == "one").as_deref(), Some("one"));
        assert_eq!(capture.find_line(&mut position, &|line| line != "two"), None);
        capture.append(b"ee");
        assert_eq!(capture.find_line(&mut position, &|_| true), None);
        capture.close();
        assert_eq!(capture.find_line(&mut position, &|_| true).as_deref(), Some("three"));
        assert_eq!(capture.find_line(&mut position, &|_| true), None);
    }

    #[test]
    fn old_lines_are_given_up_and_positions_stay_valid() {
        let mut capture = Capture::default();
        let mut position = 0;
        capture.append(b"first\n");
        assert!(capture.find_line(&mut position, &|_| true).is_some());
        let block = "0123456789abcde\n".repeat(64 * 1024);
        for _ in 0..20 {
            capture.append(block.as_bytes());
            assert!(capture.kept.len() <= LIMIT_BYTES);
        }
        assert!(!capture.text().contains("first"));
        assert!(capture.text().starts_with("0123456789abcde\n"));
        capture.append(b"last\n");
        assert_eq!(capture.find_line(&mut position, &|line| line == "last").as_deref(), Some("last"));
    }
}
