//! What somebody wants a storage to be, read with every problem at once.

use std::path::Path;

use courier_storage::{Credentials, Scheme, StorageUrl};
use courier_store::storages::Storage;
use courier_transfer::settings::{Kind, Problem, Setting};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use crate::{
    Engine, Error, Result,
    input::{Input, name_problem},
};

const NAME: Setting = Setting::required("name", Kind::Text, "Its name.");
const URL: Setting = Setting::required(
    "url",
    Kind::Text,
    "Where files go: file:///folder, s3://bucket/prefix, azblob://container/prefix, gcs://bucket/prefix.",
);
/// Write-only.
const CREDENTIALS: &str = "credentials";

/// What clients may send back without meaning it.
const READ_ONLY: &[&str] = &[
    "id",
    "scheme",
    "has_credentials",
    "warnings",
    "created_at",
    "updated_at",
];

/// A storage as somebody wants it.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) url: StorageUrl,
    /// None where they stay as they are.
    pub(super) credentials: Option<Option<Given>>,
    /// Credentials that were there are forgotten since the storage becomes another one.
    pub(super) forgets: bool,
}

/// Credentials that somebody gives.
#[derive(Debug)]
pub(super) struct Given {
    /// As JSON, to be sealed.
    pub(super) text: SecretString,
    pub(super) credentials: Credentials,
}

/// Reads a storage; what isn't given is as it was before.
///
/// # Errors
/// [`Error::Validation`].
pub(super) fn read(
    engine: &Engine,
    mut values: Map<String, Value>,
    before: Option<&Storage>,
) -> Result<Wanted> {
    if let Some(before) = before {
        for (field, stored) in [(NAME.name, &before.name), (URL.name, &before.url)] {
            values.entry(field).or_insert_with(|| json!(stored));
        }
    }
    let mut input = Input::new("", values);
    input.ignore(READ_ONLY);
    let name = input.text(&NAME).unwrap_or_default();
    if !name.is_empty()
        && let Some(message) = name_problem(&name)
    {
        input.problem(NAME.name, message);
    }
    let url = url(engine, &mut input, before);
    let given = input.raw(CREDENTIALS);
    let moved = url
        .as_ref()
        .zip(before)
        .is_some_and(|(url, before)| url.endpoint() != before.endpoint);
    let had = before.is_some_and(|before| before.has_credentials);
    let environment = url.as_ref().is_some_and(StorageUrl::environment);
    let forgets = given.is_none() && had && (moved || environment);
    let some_given = given.as_ref().is_some_and(|value| !value.is_null());
    let credentials = match given {
        None if forgets => Some(None),
        None => None,
        Some(Value::Null) => Some(None),
        Some(value) => url
            .as_ref()
            .and_then(|url| credentials(&mut input, url, &value))
            .map(Some),
    };
    if let Some(url) = &url {
        let needed = url.scheme() != Scheme::File && !url.environment();
        if some_given && url.environment() {
            let message = "are one too many where the url says auth=environment; leave out one of the two";
            input.problem(CREDENTIALS, message);
        } else if needed && !some_given && before.is_none() {
            // Whoever changes a storage may give them later.
            let (scheme, fields) = (url.scheme(), fields_of(url.scheme()));
            let message =
                format!("are required for {scheme}:// ({fields}), unless the url says auth=environment");
            input.problem(CREDENTIALS, message);
        }
    }
    match (url, input.finish()) {
        (Some(url), problems) if problems.is_empty() => Ok(Wanted {
            name,
            url,
            credentials,
            forgets,
        }),
        (_, problems) => Err(Error::Validation { fields: problems }),
    }
}

/// The fields of credentials, in words.
fn fields_of(scheme: Scheme) -> String {
    let fields = Credentials::fields(scheme);
    let fields = fields.iter().map(|field| match field.required {
        true => field.name.to_owned(),
        false => format!("{} (optional)", field.name),
    });
    fields.collect::<Vec<_>>().join(", ")
}

fn url(engine: &Engine, input: &mut Input, before: Option<&Storage>) -> Option<StorageUrl> {
    let text = input.text(&URL)?;
    let url = match text.parse::<StorageUrl>() {
        Ok(url) => url,
        Err(error) => {
            input.problem(URL.name, error.to_string());
            return None;
        }
    };
    if let Some(folder) = url.folder()
        && before.is_none_or(|before| before.url != url.to_string())
        && let Err(message) = usable(engine, folder)
    {
        input.problem(URL.name, message);
        return None;
    }
    Some(url)
}

/// May files go to this folder? Makes it where it is missing.
fn usable(engine: &Engine, folder: &Path) -> Result<(), String> {
    engine.0.paths.check_storage(folder)?;
    std::fs::create_dir_all(folder).map_err(|error| {
        let folder = folder.display();
        format!("the folder {folder} can't be made: {error}; make it, and give it to the user that Courier runs as")
    })
}

fn credentials(input: &mut Input, url: &StorageUrl, value: &Value) -> Option<Given> {
    match Credentials::parse(url.scheme(), value) {
        Ok(credentials) => Some(Given {
            text: SecretString::from(value.to_string()),
            credentials,
        }),
        Err(problems) => {
            let named = |(field, message): (String, String)| match field.is_empty() {
                true => Problem::new(CREDENTIALS, message),
                false => Problem::new(format!("{CREDENTIALS}.{field}"), message),
            };
            input.problems(problems.into_iter().map(named).collect());
            None
        }
    }
}
