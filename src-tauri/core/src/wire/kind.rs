//! What kind of answer it is, by its headers and by how it begins.

use reqwest::Response;
use reqwest::header::CONTENT_ENCODING;

/// How far a page may be from its beginning.
const FAR: usize = 2048;

/// Whether it is packed. A coding that names none packs nothing.
pub fn is_compressed(response: &Response) -> bool {
    let codings = response.headers().get_all(CONTENT_ENCODING).iter().filter_map(|coding| coding.to_str().ok());
    let mut each = codings.flat_map(|codings| codings.split(',')).map(str::trim);
    each.any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"))
}

/// Whether a body is a web page for people, whatever its content type says: one may begin with a declaration or a remark.
pub fn is_page(body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    let begin = body[..body.len().min(FAR)].to_ascii_lowercase();
    let says = |sign: &[u8]| begin.windows(sign.len()).any(|window| window == sign);
    begin.starts_with(b"<") && [&b"<html"[..], b"<!doctype html", b"<head", b"<body"].into_iter().any(says)
}
