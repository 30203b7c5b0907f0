//! One conversation with a mail server, in which a recipient is refused for itself alone.

use crate::retry::Backoff;
use lettre::Address;
use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use std::time::Duration;

/// When TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// Never.
    None,
    /// After a greeting; a server that does not offer it is not used.
    StartTls,
    /// With the first byte.
    Tls,
}

/// Where a mail is handed in, and with which login.
pub(crate) struct Server<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) security: Security,
    pub(crate) credentials: Option<Credentials>,
}

/// What a server made of one mail.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// The recipients that it accepted.
    pub(crate) taken: Vec<Address>,
    /// The recipients that it refused, each with its answer.
    pub(crate) refused: Vec<(Address, Error)>,
}

impl Server<'_> {
    /// Hands in `content` for those of the recipients that the server takes.
    ///
    /// # Errors
    /// When nobody got the mail, for a reason that is no recipient's own.
    pub(crate) fn deliver(
        &self,
        envelope: &Envelope,
        content: &[u8],
        backoff: &Backoff,
    ) -> Result<Delivery, Error> {
        let mut connection = self.connect(answer_timeout(backoff))?;
        let delivery = self.hand_in(&mut connection, envelope, content, backoff);
        match &delivery {
            // What was taken stays so, however the server says goodbye.
            Ok(_) => _ = connection.quit(),
            Err(_) => connection.abort(),
        }
        delivery
    }

    fn connect(&self, answer_timeout: Duration) -> Result<SmtpConnection, Error> {
        let name = ClientId::default();
        let tls = match self.security {
            Security::None => None,
            Security::StartTls | Security::Tls => Some(TlsParameters::new(self.host.to_owned())?),
        };
        let at_once = tls.as_ref().filter(|_| self.security == Security::Tls);
        let mut connection =
            SmtpConnection::connect((self.host, self.port), Some(answer_timeout), &name, at_once, None)?;
        if let (Security::StartTls, Some(tls)) = (self.security, &tls) {
            connection.starttls(tls, &name)?;
        }
        Ok(connection)
    }

    fn hand_in(
        &self,
        connection: &mut SmtpConnection,
        envelope: &Envelope,
        content: &[u8],
        backoff: &Backoff,
    ) -> Result<Delivery, Error> {
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials)?;
        }
        let mut parameters = Vec::new();
        let ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        let offers = |connection: &SmtpConnection, what| connection.server_info().supports_feature(what);
        if !envelope.to().iter().chain(envelope.from()).all(ascii)
            && offers(connection, Extension::SmtpUtfEight)
        {
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !content.is_ascii() && offers(connection, Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        connection.command(Mail::new(envelope.from().cloned(), parameters))?;
        let mut delivery = Delivery::default();
        for recipient in envelope.to() {
            // Many slow answers must not take longer together than one try may.
            _ = connection.set_timeout(Some(answer_timeout(backoff)));
            match connection.command(Rcpt::new(recipient.clone(), Vec::new())) {
                Ok(_) => delivery.taken.push(recipient.clone()),
                Err(error) if error.status().is_some() => delivery.refused.push((recipient.clone(), error)),
                Err(error) => return Err(error),
            }
        }
        if !delivery.taken.is_empty() {
            connection.command(Data)?;
            connection.message(content)?;
        }
        Ok(delivery)
    }
}

/// A limit of zero would be refused by the system.
fn answer_timeout(backoff: &Backoff) -> Duration {
    backoff.answer_timeout().max(Duration::from_millis(100))
}
