//! The documentation names only what is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use courier_api::ErrorCode;

use crate::house::{files, read, root};

/// The documents at the root and below docs/.
fn documents() -> Vec<PathBuf> {
    let mut documents = files("docs", ".md");
    let top = std::fs::read_dir(root())
        .unwrap()
        .map(|entry| PathBuf::from(entry.unwrap().file_name()));
    documents.extend(top.filter(|name| name.extension().is_some_and(|extension| extension == "md")));
    documents
}

/// What stands between `open` and `close` in `text`, each time.
fn between<'t>(text: &'t str, open: &'t str, close: char) -> impl Iterator<Item = &'t str> {
    text.split(open)
        .skip(1)
        .filter_map(move |rest| rest.split_once(close))
        .map(|(inside, _)| inside)
}

#[test]
fn links_lead_to_files() {
    let mut broken = Vec::new();
    for document in documents() {
        let folder = root().join(document.parent().unwrap_or(Path::new("")));
        for link in between(&read(&document), "](", ')') {
            let file = link.split('#').next().unwrap();
            if !file.is_empty() && !file.contains("://") && !folder.join(file).exists() {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

#[test]
fn every_error_code_is_explained() {
    let code = |code: &ErrorCode| (code.number(), code.status());
    let table: Vec<(u16, u16)> = ErrorCode::ALL.iter().map(code).collect();
    let text = read("docs/errors.md");
    let row = |line: &str| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        Some((cells.next()?.parse().ok()?, cells.next()?.parse().ok()?))
    };
    let explained: Vec<(u16, u16)> = text.lines().filter_map(row).collect();
    assert_eq!(
        explained, table,
        "docs/errors.md and the table in courier-api differ (code, status)"
    );
}

#[test]
fn paths_in_code_spans_exist() {
    let mut absent = Vec::new();
    for document in documents() {
        for span in read(&document).split('`').skip(1).step_by(2) {
            let is_path = ["crates/", "docs/", "scripts/", "bench/"]
                .iter()
                .any(|top| span.starts_with(top));
            // `crates/courier-<name>/` and `bench/…` stand for a name that the reader fills in.
            let is_exact = !span.contains(['<', '*', '…', ' ', '\n', '{']);
            if is_path && is_exact && !root().join(span).exists() {
                absent.push(format!("{}: {span}", document.display()));
            }
        }
    }
    assert!(
        absent.is_empty(),
        "paths that are not there:\n{}",
        absent.join("\n")
    );
}

/// The names that start with `COURIER_` in a text.
fn variables(text: &str) -> impl Iterator<Item = String> {
    let is_part = |c: char| c.is_ascii_uppercase() || c == '_';
    text.split("COURIER_").skip(1).filter_map(move |rest| {
        let name = rest.split(|c| !is_part(c)).next()?;
        (!name.is_empty()).then(|| format!("COURIER_{name}"))
    })
}

#[test]
fn every_variable_is_in_the_readme() {
    let sources = ["crates/courier-server/src/config", "crates/courier/src"].map(|dir| files(dir, ".rs"));
    let read_by: BTreeSet<String> = sources
        .iter()
        .flatten()
        .flat_map(|path| between_quotes(&read(path)))
        .collect();
    let documented: BTreeSet<String> = variables(&read("README.md")).collect();
    assert_eq!(
        read_by, documented,
        "left: what the code reads; right: what README.md names"
    );
}

/// The variables that are named by a whole string literal.
fn between_quotes(text: &str) -> Vec<String> {
    between(text, "\"COURIER_", '"')
        .map(|rest| format!("COURIER_{rest}"))
        .filter(|name| variables(name).any(|variable| variable == *name))
        .collect()
}
