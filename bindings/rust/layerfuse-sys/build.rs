//! Finds liblayerfuse: in LAYERFUSE_LIB_DIR where that is set, else by the program pkg-config.

use std::env;
use std::process::{exit, Command};

/// The oldest library whose functions are all of those declared here.
const OLDEST: &str = "0.1";

fn fail(text: &str) -> ! {
    eprintln!("layerfuse-sys: {text}");
    exit(1)
}

fn pkg_config(arguments: &[&str]) -> Result<String, String> {
    let program = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".into());
    match Command::new(&program).args(arguments).output() {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

fn main() {
    for name in ["LAYERFUSE_LIB_DIR", "PKG_CONFIG", "PKG_CONFIG_PATH"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    if let Ok(folder) = env::var("LAYERFUSE_LIB_DIR") {
        println!("cargo:rustc-link-search=native={folder}");
        println!("cargo:rustc-link-lib=dylib=layerfuse");
        return;
    }
    let wanted = format!("layerfuse >= {OLDEST}");
    let flags = pkg_config(&["--print-errors", "--libs", &wanted]).unwrap_or_else(|text| {
        fail(&format!(
            "{text}\ninstall liblayerfuse, say by PKG_CONFIG_PATH where its layerfuse.pc is, \
             or by LAYERFUSE_LIB_DIR where its library is"
        ))
    });
    for flag in flags.split_whitespace() {
        match flag.split_at(2.min(flag.len())) {
            ("-L", folder) => println!("cargo:rustc-link-search=native={folder}"),
            ("-l", name) => println!("cargo:rustc-link-lib=dylib={name}"),
            _ => {}
        }
    }
}
