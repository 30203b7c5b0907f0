//! A real Apache Kafka broker that checks who comes.

use crate::certificates::{Authority, Identity};
use crate::kafka::{Further, KafkaBroker};
use crate::port::free_port;
use anyhow::Context;
use std::fs;
use std::path::{Path, PathBuf};

/// The password of user `alice`, for tests that look for it where it must not show.
pub const KAFKA_PASSWORD: &str = "open-sesame-2468";

/// A broker with a listener for each kind of security. All are at 127.0.0.1.
pub struct SecuredKafka {
    /// The broker, without any security.
    pub broker: KafkaBroker,
    /// The authority of the broker and of its clients.
    pub authority: Authority,
    /// TLS, `host:port`.
    pub tls: String,
    /// TLS with a certificate for another name.
    pub wrong_name: String,
    /// TLS with a certificate that has expired.
    pub expired: String,
    /// TLS that asks the client for a certificate of the authority.
    pub mutual: String,
    /// TLS and SASL with SCRAM-SHA-256 and SCRAM-SHA-512, for `alice` with [`KAFKA_PASSWORD`].
    pub scram: String,
    /// TLS and SASL with OAUTHBEARER, whose tokens need no signature.
    pub oauth: String,
}

impl SecuredKafka {
    /// Starts one. Takes as long as any broker.
    ///
    /// # Errors
    ///
    /// As [`KafkaBroker::start_own`].
    pub fn start() -> anyhow::Result<Self> {
        let authority = Authority::new()?;
        let mut addresses = Vec::new();
        for _ in 0..6 {
            addresses.push(format!("127.0.0.1:{}", free_port()?));
        }
        let [tls, wrong_name, expired, mutual, scram, oauth] =
            <[String; 6]>::try_from(addresses).map_err(|_| anyhow::anyhow!("six addresses"))?;
        let valid = authority.identity(&["127.0.0.1", "localhost"])?;
        let identities = [
            ("TLS", "SSL", &tls, valid.clone()),
            ("WRONGNAME", "SSL", &wrong_name, authority.identity(&["shop.example"])?),
            ("EXPIRED", "SSL", &expired, authority.expired_identity(&["127.0.0.1"])?),
            ("MUTUAL", "SSL", &mutual, valid.clone()),
            ("SCRAM", "SASL_SSL", &scram, valid.clone()),
            ("OAUTH", "SASL_SSL", &oauth, valid),
        ];
        let broker = KafkaBroker::launch(
            |address| Ok(address.to_owned()),
            |directory| {
                let ca = write(directory, "ca.pem", &authority.pem())?;
                let mut further = Further::default();
                for (name, protocol, address, identity) in &identities {
                    further.listeners.push((*name, *protocol, (*address).clone()));
                    further.properties += &listener(directory, name, identity)?;
                }
                further.properties += &format!(
                    "listener.name.mutual.ssl.truststore.type=PEM\n\
                     listener.name.mutual.ssl.truststore.location={}\n\
                     listener.name.mutual.ssl.client.auth=required\n\
                     listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512\n\
                     listener.name.scram.scram-sha-256.sasl.jaas.config={SCRAM}\n\
                     listener.name.scram.scram-sha-512.sasl.jaas.config={SCRAM}\n\
                     listener.name.oauth.sasl.enabled.mechanisms=OAUTHBEARER\n\
                     listener.name.oauth.oauthbearer.sasl.jaas.config={OAUTH}\n",
                    ca.display()
                );
                for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
                    let user = format!("{mechanism}=[name=alice,password={KAFKA_PASSWORD}]");
                    further.format.extend(["--add-scram".to_owned(), user]);
                }
                Ok(further)
            },
        )?;
        Ok(Self { broker, authority, tls, wrong_name, expired, mutual, scram, oauth })
    }
}

const SCRAM: &str = "org.apache.kafka.common.security.scram.ScramLoginModule required;";

const OAUTH: &str = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required \
                     unsecuredLoginStringClaim_sub=\"broker\";";

/// The properties of one listener's certificate.
fn listener(directory: &Path, name: &str, identity: &Identity) -> anyhow::Result<String> {
    let name = name.to_lowercase();
    let path = write(directory, &format!("{name}.pem"), &identity.pem())?;
    Ok(format!(
        "listener.name.{name}.ssl.keystore.type=PEM\nlistener.name.{name}.ssl.keystore.location={}\n",
        path.display()
    ))
}

fn write(directory: &Path, name: &str, text: &str) -> anyhow::Result<PathBuf> {
    let path = directory.join(name);
    fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
    Ok(path)
}
