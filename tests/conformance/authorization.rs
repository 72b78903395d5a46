//! The official suite's scenarios for authorization servers, at the practice service: an independent judge of what the
//! bridge's own sign-in is tested with.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use patchbay_test_support::Home;
use patchbay_test_support::practice::Practice;
use serde_json::json;

use crate::node;
use crate::suite::{checks, suite};

/// A program that ends when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The practice service; its port.
fn practice(home: &Home) -> (Running, u16) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.args(["practice", "--port", "0", "--json"]).env_clear().envs(home.env());
    let mut program = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut line = String::new();
    BufReader::new(program.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    let told: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let url = told["mcp"].as_str().expect("its address");
    let port = url.split(['/', ':']).find_map(|part| part.parse().ok()).expect("its port");
    (Running(program), port)
}

fn free_port() -> u16 {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    free.local_addr().expect("an address").port()
}

#[test]
fn the_practice_service_passes_the_scenarios_for_authorization_servers() {
    let (home, folder, back) = (Home::new(), tempfile::tempdir().expect("a folder"), free_port());
    let (_service, port) = practice(&home);
    let app = json!({
        "client_name": "Suite",
        "redirect_uris": [format!("http://127.0.0.1:{back}/callback")],
        "token_endpoint_auth_method": "none",
    });
    let app = Practice::at(port).post("/register", &app).expect("it registers");
    let mut command = suite("0.2.0-alpha.12");
    command.args(["authorization", "--url", &format!("http://127.0.0.1:{port}"), "--port", &back.to_string()]);
    command.args(["--client-id", app["client_id"].as_str().expect("an id")]);
    command.args(["--resource", &format!("http://127.0.0.1:{port}/mcp"), "--output-dir"]).arg(folder.path());
    let mut program = Running(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("node runs"));
    let mut said = String::new();
    for line in BufReader::new(program.0.stdout.take().expect("its output")).lines().map_while(Result::ok) {
        if line.starts_with("http://") {
            person(&line);
        }
        said.push_str(&line);
        said.push('\n');
    }
    let checks = checks(folder.path());
    // To read an app's document the service would have to leave this computer: it says that it does not.
    let expected = |check: &&serde_json::Value| check["id"] == "authorization-server-metadata-cimd";
    let bad: Vec<_> = checks.iter().filter(|check| check["status"] != "SUCCESS" && !expected(check)).collect();
    assert!(checks.len() >= 2 && bad.is_empty(), "{bad:?}\n{said}");
}

/// Clicks *Allow* on the page of an address.
fn person(page: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/apps/person.mjs");
    let status = Command::new(node()).arg(script).args(["allow", page]).status();
    assert!(status.expect("node runs").success());
}
