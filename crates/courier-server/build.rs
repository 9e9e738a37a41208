//! Lists the files of the console, so that they become part of the binary. Without them the build works, too: the server
//! then serves a page that says how to get the console.

use std::{env, fmt::Write, fs, io, path::Path};

fn main() -> io::Result<()> {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../console/dist");
    // To look again when files come or go, cargo needs a folder to look at; one that is missing would mean a build each time. Where
    // none can be made, that is how it is.
    let _ = fs::create_dir(&dist);
    println!("cargo::rerun-if-changed={}", dist.display());

    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        find(&dist, "", &mut files)?;
    }
    files.sort();
    // From a copy: the console may be built anew while this is being compiled.
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    let copy = Path::new(&out).join("console");
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    let mut list = String::from("[\n");
    for name in files {
        let path = copy.join(&name);
        fs::create_dir_all(path.parent().unwrap_or(&copy))?;
        fs::copy(dist.join(&name), &path)?;
        // Writing to a text can't fail.
        let _ = writeln!(list, "    ({name:?}, include_bytes!({path:?}) as &[u8]),");
    }
    list.push_str("]\n");
    fs::write(Path::new(&out).join("console.rs"), list)
}

/// All files below the folder, by their paths from it.
fn find(folder: &Path, below: &str, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            find(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.push(name);
        }
    }
    Ok(())
}
