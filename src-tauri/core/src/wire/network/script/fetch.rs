//! Getting a proxy script: over http or https, from a file, or out of its own address.
//!
//! It is asked for directly, as the way elsewhere is what it is to tell, and with nothing that belongs to anybody.

use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::{Address, ScriptWhy, off_the_threads};
use crate::wire::network::Network;
use crate::wire::{WireError, from_base64, read_bounded};

/// What is larger is no proxy script, in bytes.
const MOST: usize = 1024 * 1024;
const MOST_REDIRECTS: usize = 5;
const MOST_TIME: Duration = Duration::from_secs(5);

/// A script's text.
///
/// # Errors
/// It cannot be had, or is too large, or nobody says where it is.
pub(super) async fn fetch(address: Option<&Address>, network: &Network) -> Result<String, ScriptWhy> {
    let Address(address) = address.ok_or(ScriptWhy::NoAddress)?;
    let nowhere = || ScriptWhy::Unreached("this is no address".to_owned());
    let bytes = match Url::parse(address) {
        Ok(url) => match url.scheme() {
            "http" | "https" => of_web(url, network).await?,
            "file" => of_file(url.to_file_path().map_err(|()| nowhere())?).await?,
            "data" => of_address(url.path()).ok_or_else(nowhere)?,
            _ => return Err(nowhere()),
        },
        Err(_) if Path::new(address).is_absolute() => of_file(PathBuf::from(address)).await?,
        Err(_) => return Err(nowhere()),
    };
    if bytes.len() > MOST { Err(ScriptWhy::TooLarge) } else { Ok(text(&bytes)) }
}

async fn of_web(url: Url, network: &Network) -> Result<Vec<u8>, ScriptWhy> {
    let unreached = |why: &str| ScriptWhy::Unreached(why.to_owned());
    let tls = network.web_tls().map_err(|error| unreached(&error.message))?;
    let client = reqwest::Client::builder()
        .no_proxy()
        .referer(false)
        .redirect(reqwest::redirect::Policy::limited(MOST_REDIRECTS))
        .tls_backend_preconfigured(tls)
        .timeout(MOST_TIME)
        .user_agent(concat!("patchbay/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|_| unreached("the HTTP library does not start"))?;
    let response = client.get(url).send().await.map_err(|error| unreached(&why(&error)))?;
    if !response.status().is_success() {
        return Err(ScriptWhy::Unreached(format!("the answer is {}", response.status().as_u16())));
    }
    match read_bounded(response, MOST).await {
        Ok(bytes) => Ok(bytes.into()),
        Err(WireError::TooLarge) => Err(ScriptWhy::TooLarge),
        Err(error) => Err(unreached(&error.to_string())),
    }
}

fn why(error: &reqwest::Error) -> String {
    if error.is_redirect() { "it sends in circles".to_owned() } else { WireError::of(error).to_string() }
}

async fn of_file(path: PathBuf) -> Result<Vec<u8>, ScriptWhy> {
    let read = move || {
        let found = std::fs::metadata(&path)?;
        // A pipe or a device might never end.
        if !found.is_file() {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        if found.len() > MOST as u64 { Ok(None) } else { std::fs::read(&path).map(Some) }
    };
    match off_the_threads(read).await {
        Some(Ok(Some(bytes))) => Ok(bytes),
        Some(Ok(None)) => Err(ScriptWhy::TooLarge),
        Some(Err(_)) | None => Err(ScriptWhy::Unreached("the file cannot be read".to_owned())),
    }
}

/// What stands in an address of the kind `data:` itself (RFC 2397).
fn of_address(path: &str) -> Option<Vec<u8>> {
    let (kind, data) = path.split_once(',')?;
    let bytes = super::super::proxy::decoded_bytes(data);
    let is_base64 = kind.rsplit(';').next().is_some_and(|last| last.eq_ignore_ascii_case("base64"));
    if is_base64 { from_base64(String::from_utf8(bytes).ok()?.trim()) } else { Some(bytes) }
}

/// Bytes as text: UTF-16 where their mark says so, else UTF-8, and where they are none, Latin-1.
fn text(bytes: &[u8]) -> String {
    let wide = |of: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|two| of([two[0], two[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            let latin = || bytes.iter().map(|byte| char::from(*byte)).collect();
            std::str::from_utf8(bytes).map_or_else(|_| latin(), str::to_owned)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_script_is_written_in_is_read() {
        let wide = |of: fn(u16) -> [u8; 2]| "\u{feff}a\u{e4}".encode_utf16().flat_map(of).collect::<Vec<_>>();
        assert_eq!(text(b"\xef\xbb\xbfa\xc3\xa4"), "a\u{e4}");
        assert_eq!(text(b"a\xc3\xa4"), "a\u{e4}");
        assert_eq!(text(b"a\xe4"), "a\u{e4}");
        assert_eq!(text(&wide(u16::to_le_bytes)), "a\u{e4}");
        assert_eq!(text(&wide(u16::to_be_bytes)), "a\u{e4}");
        assert_eq!(text(b"\xff\xfea"), "");
    }

    #[tokio::test]
    async fn scripts_stand_in_files_and_in_addresses() {
        let got = async |address: &str| fetch(Some(&Address(address.to_owned())), &Network::default()).await;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("my script.pac");
        std::fs::write(&path, "here").expect("written");
        let address = Url::from_file_path(&path).expect("an address");
        assert_eq!(got(address.as_str()).await.as_deref(), Ok("here"));
        assert_eq!(got(&path.display().to_string()).await.as_deref(), Ok("here"));
        assert_eq!(got("data:application/x-ns-proxy-autoconfig,a%20b").await.as_deref(), Ok("a b"));
        assert_eq!(got("data:text/plain;base64,Zm9v").await.as_deref(), Ok("foo"));
        std::fs::File::options().write(true).open(&path).expect("opened").set_len(MOST as u64 + 1).expect("grown");
        assert_eq!(got(address.as_str()).await, Err(ScriptWhy::TooLarge));
        for nowhere in ["", "proxy.pac", "ftp://a.example/proxy.pac", "data:none", "file:///no/such/file"] {
            assert!(matches!(got(nowhere).await, Err(ScriptWhy::Unreached(_))), "{nowhere}");
        }
    }
}
