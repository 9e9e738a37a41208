//! ARCHITECTURE.md is held to the code: the crate edges it shows, and what it says must stay absent.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::house::{files, read, root};

type Edges = BTreeMap<String, BTreeSet<String>>;

/// The table in the fenced block `edges` of ARCHITECTURE.md: `crate: dependency dependency …` a line.
fn drawn() -> Edges {
    let text = read("ARCHITECTURE.md");
    let block = text
        .split("```edges\n")
        .nth(1)
        .expect("ARCHITECTURE.md has a block ```edges");
    let block = block.split("```").next().unwrap();
    block
        .lines()
        .map(|line| {
            let (name, needs) = line
                .split_once(':')
                .unwrap_or_else(|| panic!("no colon in {line:?}"));
            (
                name.trim().to_owned(),
                needs.split_whitespace().map(str::to_owned).collect(),
            )
        })
        .collect()
}

/// The workspace's packages, as cargo sees them.
fn packages() -> Vec<Value> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// The edges between our crates, without those that only tests use.
fn built() -> Edges {
    let packages = packages();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let ours: BTreeSet<String> = packages.iter().map(|package| text(&package["name"])).collect();
    let needs = |package: &Value| {
        let dependencies = package["dependencies"].as_array().unwrap();
        let linked = dependencies
            .iter()
            .filter(|dependency| dependency["kind"] != "dev");
        linked
            .map(|dependency| text(&dependency["name"]))
            .filter(|name| ours.contains(name))
            .collect()
    };
    packages
        .iter()
        .map(|package| (text(&package["name"]), needs(package)))
        .collect()
}

#[test]
fn the_crate_edges_are_the_ones_drawn() {
    let (drawn, built) = (drawn(), built());
    let pairs = |edges: &Edges| -> BTreeSet<String> {
        let crates = edges.keys().cloned();
        let needs = edges
            .iter()
            .flat_map(|(name, needs)| needs.iter().map(move |need| format!("{name} -> {need}")));
        crates.chain(needs).collect()
    };
    let (drawn, built) = (pairs(&drawn), pairs(&built));
    let undrawn: Vec<_> = built.difference(&drawn).collect();
    let unbuilt: Vec<_> = drawn.difference(&built).collect();
    assert!(
        undrawn.is_empty() && unbuilt.is_empty(),
        "ARCHITECTURE.md and the manifests differ\n  built, not drawn: {undrawn:?}\n  drawn, not built: {unbuilt:?}"
    );
}

/// A protocol crate is one that implements the transfer interface: it knows `courier-transfer` and the wire.
const PROTOCOLS: [&str; 2] = ["courier-local", "courier-sftp"];

#[test]
fn the_engine_names_no_protocol_and_no_protocol_knows_the_store() {
    let edges = built();
    let reaches = |from: &str| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from.to_owned()];
        while let Some(name) = open.pop() {
            open.extend(
                edges[&name]
                    .iter()
                    .filter(|need| seen.insert((*need).clone()))
                    .cloned(),
            );
        }
        seen
    };
    for protocol in PROTOCOLS {
        assert!(
            !reaches("courier-engine").contains(protocol),
            "courier-engine reaches {protocol}"
        );
        for above in [
            "courier-store",
            "courier-vault",
            "courier-engine",
            "courier-api",
            "courier-server",
        ] {
            assert!(!reaches(protocol).contains(above), "{protocol} reaches {above}");
        }
    }
}

#[test]
fn a_crate_is_called_like_its_folder_and_takes_the_workspace_lints() {
    for package in packages() {
        let (name, manifest) = (
            package["name"].as_str().unwrap(),
            package["manifest_path"].as_str().unwrap(),
        );
        assert!(
            manifest.ends_with(&format!("/crates/{name}/Cargo.toml")),
            "{name} lives in {manifest}"
        );
        assert!(
            read(manifest).contains("[lints]\nworkspace = true\n"),
            "{name} does not take the workspace's lints"
        );
        assert_ne!(
            name, "courier-common",
            "a crate for everything is a crate for nothing"
        );
    }
}

/// Code lines of a source file with their numbers; comments may name what code may not use.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim_start()));
    lines.filter(|(_, line)| !line.starts_with("//"))
}

#[test]
fn only_the_configuration_reads_the_environment() {
    // The server's configuration, the command line, whose variables its help lists, and what starts servers for tests.
    let allowed = [
        "crates/courier-storage/src/testkit/",
        "crates/courier-server/src/config.rs",
        "crates/courier-server/src/config/",
        "crates/courier/src/",
    ];
    let mut readers = Vec::new();
    for path in files("crates", ".rs") {
        let name = path.to_string_lossy();
        if !name.contains("/src/") || allowed.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        for (line, text) in code(&read(&path)) {
            if text.contains("std::env") || text.contains("env::var") {
                readers.push(format!("{name}:{line}: {text}"));
            }
        }
    }
    assert!(
        readers.is_empty(),
        "only courier-server's config reads the environment:\n{}",
        readers.join("\n")
    );
}

/// The files of a folder with more lines than there may be, each with its number.
fn longer_than(most: usize, dir: &str, suffix: &str) -> Vec<String> {
    files(dir, suffix)
        .iter()
        .map(|path| (read(path).lines().count(), path))
        .filter(|(lines, _)| *lines > most)
        .map(|(lines, path)| format!("{} has {lines} lines", path.display()))
        .collect()
}

#[test]
fn no_source_file_passes_600_lines() {
    let long = longer_than(600, "crates", ".rs");
    assert!(long.is_empty(), "find the seam:\n{}", long.join("\n"));
}

#[test]
fn no_source_file_of_the_console_passes_400_lines() {
    let mut long = Vec::new();
    for dir in ["console/src", "console/e2e", "console/scripts"] {
        for suffix in [".ts", ".tsx", ".mjs", ".css"] {
            long.extend(longer_than(400, dir, suffix));
        }
    }
    // Made from the API's document.
    long.retain(|file| !file.starts_with("console/src/api/schema.ts "));
    assert!(long.is_empty(), "find the seam:\n{}", long.join("\n"));
}

#[test]
fn the_console_switches_no_check_off() {
    let switches = [
        "biome-ignore",
        "eslint-disable",
        "@ts-ignore",
        "@ts-expect-error",
        "@ts-nocheck",
        "dangerouslySetInnerHTML",
        "test.only",
        "test.skip",
    ];
    let mut found = Vec::new();
    for dir in ["console/src", "console/e2e"] {
        for path in [files(dir, ".ts"), files(dir, ".tsx")].concat() {
            let text = read(&path);
            let off = switches.iter().filter(|switch| text.contains(**switch));
            found.extend(off.map(|switch| format!("{}: {switch}", path.display())));
        }
    }
    assert!(found.is_empty(), "do without:\n{}", found.join("\n"));
}
