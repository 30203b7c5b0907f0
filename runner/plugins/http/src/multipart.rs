//! Bodies of several parts, as browsers send forms with files.

use bytes::{BufMut, Bytes, BytesMut};
use std::hash::{BuildHasher, Hasher, RandomState};

/// A body of type `multipart/form-data`.
///
/// ```
/// # use qalipsis_http::Multipart;
/// let form = Multipart::new().text("title", "a picture").file("picture", "a.png", "image/png", vec![1, 2, 3]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Multipart {
    parts: Vec<FormPart>,
}

#[derive(Debug, Clone)]
struct FormPart {
    head: String,
    content: Bytes,
}

impl Multipart {
    /// Without parts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field.
    #[must_use]
    pub fn text(mut self, name: &str, value: impl Into<String>) -> Self {
        let head = format!("Content-Disposition: form-data; name=\"{}\"\r\n", escaped(name));
        self.parts.push(FormPart { head, content: Bytes::from(value.into()) });
        self
    }

    /// Adds a file.
    #[must_use]
    pub fn file(
        mut self,
        name: &str,
        file_name: &str,
        content_type: &str,
        content: impl Into<Bytes>,
    ) -> Self {
        let head = format!(
            "Content-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {}\r\n",
            escaped(name),
            escaped(file_name),
            escaped(content_type),
        );
        self.parts.push(FormPart { head, content: content.into() });
        self
    }

    /// The body and its content type.
    pub(crate) fn encode(&self) -> (Bytes, String) {
        let boundary = boundary();
        let size: usize =
            self.parts.iter().map(|p| p.head.len() + p.content.len() + boundary.len() + 8).sum();
        let mut body = BytesMut::with_capacity(size + boundary.len() + 6);
        for part in &self.parts {
            body.put_slice(format!("--{boundary}\r\n{}\r\n", part.head).as_bytes());
            body.put_slice(&part.content);
            body.put_slice(b"\r\n");
        }
        body.put_slice(format!("--{boundary}--\r\n").as_bytes());
        (body.freeze(), format!("multipart/form-data; boundary={boundary}"))
    }
}

/// 128 random bits: no content holds them by chance.
fn boundary() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("qalipsis-{:016x}{:016x}", random(), random())
}

/// As HTML prescribes for names in such bodies.
fn escaped(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
