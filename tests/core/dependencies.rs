use std::process::Command;

#[test]
fn core_bridge_and_cli_need_no_window_system() {
    for package in ["patchbay-core", "patchbay-bridge", "patchbay-cli"] {
        let tree = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--package",
                package,
                "--edges",
                "normal,build",
                "--prefix",
                "none",
                "--locked",
                "--offline",
            ])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs");
        let tree = String::from_utf8_lossy(&tree.stdout).into_owned();
        assert!(tree.contains("serde"), "the tree of {package} is there");
        let window: Vec<_> = tree
            .lines()
            .filter(|line| ["tauri", "wry", "webkit2gtk", "gtk"].iter().any(|name| line.starts_with(name)))
            .collect();
        assert!(window.is_empty(), "{package} needs {window:?}");
    }
}
