//! `qalipsis campaign`: campaigns of a head elsewhere.

use crate::cli::{CampaignCommand, Invocation};
use crate::error::Error;
use crate::live::{Live, Ticker};
use crate::output;
use crate::printing::Verbosity;
use crate::problem::Problem;
use crate::stops::Stops;
use futures::FutureExt;
use futures::future::BoxFuture;
use qalipsis_client::{Campaign, ClientError, Connection, Event, Following, Head, select};
use qalipsis_config::Settings;
use qalipsis_head::Command;
use qalipsis_model::plan::Stop;
use qalipsis_model::suggest::hint;
use qalipsis_model::verdict::exit;
use qalipsis_report::progress::Standing;
use qalipsis_report::text::one_line;
use qalipsis_report::{console, github};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// Keys that say what happens here, and are not sent to the head.
const LOCAL: &[&str] = &["client.", "report.export.github.", "report.export.junit.folder"];

/// Characters of the name of a campaign.
const SHORTEST_NAME: usize = 3;
const LONGEST_NAME: usize = 300;

/// Does what the user asked for with the campaigns of a head elsewhere, and gives the exit code.
///
/// # Errors
/// When the head cannot be asked, or refuses.
pub(crate) async fn campaign(
    invocation: &Invocation,
    head: Option<&str>,
    command: &CampaignCommand,
    mut stops: Stops,
) -> Result<u8, Error> {
    let (settings, problems) = invocation.sources.read();
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let connection = Connection::of(&settings, head)?;
    let head = Head::new(&connection)?;
    let patience = connection.patience;
    match command {
        CampaignCommand::Start { name, payload, detach } => {
            let payload =
                stops.unless_asked(request(invocation, &head, name.as_deref(), payload.as_deref())).await?;
            // Once it was sent, nobody knows whether it starts.
            let campaign = tokio::select! {
                started = head.start(&payload) => started?,
                _ = stops.next() => return Err(Error::MayHaveStarted),
            };
            if *detach {
                output::print(&format!("{}\n", campaign.key))?;
                return Ok(exit::OK);
            }
            // Who ends the job that started it wants no load either.
            let ended =
                follow(invocation, &head, &campaign.key, patience, &mut stops, Interrupted::Abort).await?;
            finish(invocation, &settings, &head, &ended, &mut stops).await
        }
        CampaignCommand::Wait { key } => {
            stops.unless_asked(async { Ok(head.campaign(key).await?) }).await?;
            let ended = follow(invocation, &head, key, patience, &mut stops, Interrupted::Leave).await?;
            finish(invocation, &settings, &head, &ended, &mut stops).await
        }
        CampaignCommand::Report { key } => {
            let campaign = stops.unless_asked(async { Ok(head.campaign(key).await?) }).await?;
            if campaign.exit_code.is_none() {
                let why =
                    format!("campaign {key} has not ended: wait for it with qalipsis campaign wait {key}");
                return Err(Error::Usage(why));
            }
            finish(invocation, &settings, &head, &campaign, &mut stops).await.map(|_| exit::OK)
        }
        CampaignCommand::List { status, scenario, page, size, json } => {
            let mut query = vec![("page", page.to_string()), ("size", size.to_string())];
            query.extend(status.clone().map(|status| ("status", status.to_uppercase())));
            query.extend(scenario.clone().map(|scenario| ("scenario", scenario)));
            let list = stops.unless_asked(async { Ok(head.campaigns(&query).await?) }).await?;
            let text = if *json { pretty(&json!(list)) } else { table(&list.campaigns, list.total) };
            output::print(&text)?;
            Ok(exit::OK)
        }
        CampaignCommand::Show { key, json } => {
            let looked = async {
                Ok(match json {
                    true => pretty(&head.document(key).await?),
                    false => details(&head.campaign(key).await?, &head),
                })
            };
            let text = stops.unless_asked(looked).await?;
            output::print(&text)?;
            Ok(exit::OK)
        }
        CampaignCommand::Abort { key, hard } => {
            let campaign = stops.unless_asked(async { Ok(head.abort(key, *hard).await?) }).await?;
            output::print(&format!("campaign {} stops\n", campaign.key))?;
            Ok(exit::OK)
        }
    }
}

/// What starts the campaign: a file as the API takes it, or the scenarios and keys of the command line.
async fn request(
    invocation: &Invocation,
    head: &Head,
    name: Option<&str>,
    payload: Option<&Path>,
) -> Result<Value, Error> {
    let mut request = match payload {
        Some(path) => {
            let path = path.to_owned();
            // Standard input may never end, and must not keep Ctrl-C from being seen.
            let reading = tokio::task::spawn_blocking(move || read_payload(&path));
            reading.await.map_err(|panic| Error::Internal(panic.to_string()))??
        }
        None => {
            let offered = head.scenarios().await?;
            let chosen = select(&invocation.scenarios, &offered).map_err(|pattern| {
                let near = hint(&pattern, offered.iter().map(String::as_str));
                Problem::new(format_args!(
                    "the head at {} has no scenario '{pattern}', {near}",
                    head.address()
                ))
            })?;
            if chosen.is_empty() {
                return Err(Error::NothingToRun(format!("the head at {} has no scenario", head.address())));
            }
            let scenarios: Map<String, Value> =
                chosen.iter().map(|name| ((*name).clone(), json!({}))).collect();
            let names: Vec<&str> = chosen.iter().map(|name| name.as_str()).collect();
            Map::from_iter([
                ("name".to_owned(), json!(name_of(&names))),
                ("scenarios".to_owned(), Value::Object(scenarios)),
            ])
        }
    };
    if let Some(name) = name {
        request.insert("name".to_owned(), json!(name));
    }
    if let Some(seed) = invocation.sources.seed {
        request.insert("seed".to_owned(), json!(seed));
    }
    let pairs = invocation.sources.expanded_pairs().map_err(Error::Invalid)?;
    let sent = pairs.into_iter().filter(|(key, _)| !LOCAL.iter().any(|local| key.starts_with(local)));
    let configuration = request.entry("configuration").or_insert(Value::Null);
    if configuration.is_null() {
        *configuration = json!({});
    }
    let Some(configuration) = configuration.as_object_mut() else {
        return Err(Problem::at("--payload", "configuration must be an object of keys and values").into());
    };
    configuration.extend(sent.map(|(key, value)| (key, json!(value))));
    Ok(Value::Object(request))
}

/// The name of a campaign of these scenarios, of a length that a head takes.
fn name_of(scenarios: &[&str]) -> String {
    let name = scenarios.join(", ");
    match name.chars().count() {
        0..SHORTEST_NAME => format!("campaign {name}"),
        SHORTEST_NAME..=LONGEST_NAME => name,
        _ => format!("{} and others", name.chars().take(LONGEST_NAME - 20).collect::<String>()),
    }
}

fn read_payload(path: &Path) -> Result<Map<String, Value>, Error> {
    let place = format!("--payload {}", path.display());
    let mut text = String::new();
    let read = match path.to_str() {
        Some("-") => std::io::stdin().read_to_string(&mut text),
        _ => std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text)),
    };
    read.map_err(|error| Problem::at(&place, format_args!("cannot be read: {error}")))?;
    // The text is not shown: it may have secrets.
    match serde_json::from_str(&text) {
        Ok(Value::Object(request)) => Ok(request),
        Ok(_) => Err(Problem::at(&place, "must be a JSON object, as POST /campaigns takes it").into()),
        Err(error) => Err(Problem::at(
            &place,
            format_args!("is no JSON, line {}, column {}", error.line(), error.column()),
        )
        .into()),
    }
}

/// What a request to stop does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interrupted {
    /// The campaign is stopped, and followed to its end.
    Abort,
    /// The campaign goes on without this process.
    Leave,
}

/// Shows what happens until the campaign ends.
async fn follow(
    invocation: &Invocation,
    head: &Head,
    key: &str,
    patience: Duration,
    stops: &mut Stops,
    interrupted: Interrupted,
) -> Result<Campaign, Error> {
    let live = Live::new(invocation.verbosity);
    live.line(&format!("following campaign {key} at {}", head.address_of(key)));
    let ended = follow_with(head, key, patience, stops, interrupted, &live).await;
    live.end();
    ended
}

async fn follow_with(
    head: &Head,
    key: &str,
    patience: Duration,
    stops: &mut Stops,
    interrupted: Interrupted,
    live: &Live,
) -> Result<Campaign, Error> {
    let mut following = Following::new(head.clone(), key.to_owned(), patience);
    let mut ticker = Ticker::new(live);
    let unfollowed = |error: ClientError| match error {
        // It says itself that the campaign may still run.
        ClientError::Gone { .. } => Error::Client(error),
        error => Error::Unfollowed { key: key.to_owned(), why: error.to_string() },
    };
    // What the user has asked for while the head was away.
    let mut wanted: Option<Stop> = None;
    let mut aborting: Option<BoxFuture<'_, Result<Campaign, ClientError>>> = None;
    let mut is_away = false;
    loop {
        let event = tokio::select! {
            event = following.next() => match event.map_err(unfollowed)? {
                Some(event) => event,
                // It ended before, while nobody looked.
                None => return Ok(head.campaign(key).await?),
            },
            Some(command) = stops.next() => {
                // Who waits no longer for a head that does not answer may go.
                if interrupted == Interrupted::Leave || (is_away && wanted.is_some()) {
                    return Err(Error::Left(key.to_owned()));
                }
                let is_hard = matches!(command, Command::Stop(Stop::Hard));
                if is_away {
                    live.line("the campaign is stopped as soon as the head answers, again to leave it");
                    wanted = Some(if is_hard { Stop::Hard } else { Stop::Graceful });
                } else {
                    aborting = Some(head.abort(key, is_hard).boxed());
                }
                continue;
            }
            answer = answered(&mut aborting) => {
                aborting = None;
                // It may have ended meanwhile; then its end comes next.
                match answer {
                    Ok(_) => live.line("stopping the campaign, again to cancel running iterations"),
                    Err(error) => live.line(&format!("the campaign could not be stopped: {error}")),
                }
                continue;
            }
        };
        match &event {
            Event::Ended(campaign) => return Ok(campaign.clone()),
            Event::Away { .. } => is_away = true,
            Event::Back => {
                is_away = false;
                if let Some(stop) = wanted.take() {
                    aborting = Some(head.abort(key, stop == Stop::Hard).boxed());
                }
            }
            _ => {}
        }
        show(event, live, &mut ticker);
    }
}

/// The answer to a request that is under way; never, when there is none.
async fn answered<T>(request: &mut Option<BoxFuture<'_, T>>) -> T {
    match request {
        Some(request) => request.await,
        None => std::future::pending().await,
    }
}

fn show(event: Event, live: &Live, ticker: &mut Ticker) {
    match event {
        Event::State(campaign) if campaign.phase == "QUEUED" => {
            live.line("the campaign waits for its turn");
        }
        Event::Second(progress) => ticker.show(&Standing {
            elapsed: Duration::from_millis(progress.elapsed_ms),
            released: progress.released,
            planned: progress.planned,
            active: progress.active,
            executions: progress.executions,
            failures: progress.failures,
        }),
        Event::Failure { scenario, step, message } if live.verbosity() == Verbosity::Verbose => {
            let step = step.map_or_else(String::new, |step| format!(" step '{step}'"));
            live.line(&format!("{scenario}{step}: {message}"));
        }
        Event::Notice(text) => live.line(&text),
        Event::Away { why } => live.line(&format!("the head does not answer, it is asked again: {why}")),
        Event::Back => live.line("the head is back"),
        Event::State(_) | Event::Failure { .. } | Event::Ended(_) => {}
    }
}

/// Writes and shows the reports of an ended campaign, and gives its exit code.
async fn finish(
    invocation: &Invocation,
    settings: &Settings,
    head: &Head,
    campaign: &Campaign,
    stops: &mut Stops,
) -> Result<u8, Error> {
    let code = campaign.exit_code.unwrap_or(exit::ABORTED);
    let fetched = tokio::select! {
        fetched = head.reports(&campaign.key) => fetched,
        _ = stops.next() => Err(ClientError::Setup("stopped by the user".to_owned())),
    };
    let reports = match fetched {
        Ok(reports) => reports,
        // It ended before it started, and left none.
        Err(ClientError::Refused { status: 409, .. }) if campaign.started_at.is_none() => {
            output::print(&details(campaign, head))?;
            return Ok(code);
        }
        Err(error) => {
            // The verdict is known, and must not get lost with the reports.
            output::print(&details(campaign, head))?;
            output::error(&format!("the reports could not be fetched: {error}"), invocation.color);
            return Ok(if code == exit::OK { exit::INTERNAL } else { code });
        }
    };
    let saved = reports.save(&settings.folder, &campaign.key);
    let style = output::style(invocation.color);
    let mut text = reports.text;
    if invocation.verbosity > Verbosity::Quiet
        && let Ok(folder) = &saved
    {
        text.push_str(&console::note("reports", &folder.display().to_string(), style));
    }
    output::print(&text)?;
    if github::is_wanted_by(settings) {
        let shown = tokio::select! {
            fetched = head.job_report(&campaign.key) => fetched.map_err(|error| error.to_string()),
            _ = stops.next() => Err("stopped by the user".to_owned()),
        };
        let shown = shown.and_then(|job| github::append_to_job(&job.summary).map(|()| job.annotations));
        match shown {
            Ok(annotations) => output::print(&annotations)?,
            Err(why) => output::warn(&format!("github: {why}"), invocation.color),
        }
    }
    match saved {
        Ok(_) => Ok(code),
        Err(error) => {
            output::error(&error.to_string(), invocation.color);
            Ok(if code == exit::OK { exit::INTERNAL } else { code })
        }
    }
}

fn pretty(value: &Value) -> String {
    // A value always becomes text.
    format!("{value:#}\n")
}

fn table(campaigns: &[Campaign], total: u64) -> String {
    let mut text = String::new();
    for campaign in campaigns {
        let _ = writeln!(
            text,
            "{}  {:<10}  {}  {}",
            campaign.key,
            campaign.status,
            campaign.queued_at.split('.').next().unwrap_or_default().replace('T', " "),
            one_line(&campaign.name)
        );
    }
    let shown = campaigns.len() as u64;
    if shown < total {
        let _ = writeln!(text, "{shown} of {total} campaigns, see --page and --size");
    }
    if total == 0 {
        text.push_str("no campaigns\n");
    }
    text
}

fn details(campaign: &Campaign, head: &Head) -> String {
    let mut text = format!("{}  {}: {}\n", campaign.status, campaign.key, one_line(&campaign.name));
    for cause in &campaign.causes {
        let _ = writeln!(text, "  {}", one_line(cause));
    }
    let progress = campaign.progress;
    let _ = writeln!(
        text,
        "  {} of {} minions released, {} executions, {} failed\n  {}",
        progress.released,
        progress.planned,
        progress.executions,
        progress.failures,
        head.address_of(&campaign.key)
    );
    text
}
