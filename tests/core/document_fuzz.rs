//! What fuzzing has found interesting, run again. The corpus holds what reaches different code; regressions have names.

use std::path::Path;

use super::law;

fn replay(target: &str, law: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus").join(target);
    let files: Vec<_> = std::fs::read_dir(folder).expect("the corpus").filter_map(Result::ok).collect();
    assert!(files.len() > 50, "the corpus of {target} is there");
    for file in files {
        law(&std::fs::read(file.path()).expect("it can be read"));
    }
}

#[test]
fn strict_json_of_the_corpus_keeps_the_laws() {
    replay("json", law::json);
}

#[test]
fn json_with_comments_of_the_corpus_keeps_the_laws() {
    replay("jsonc", law::jsonc);
}

#[test]
fn toml_of_the_corpus_keeps_the_laws() {
    replay("toml", law::toml);
}

#[test]
fn white_space_at_the_end_of_a_comment_stays_with_it() {
    law::jsonc(b"{\n  \"t\": {\n    \"a\": {} // \n  }\n}");
    law::jsonc(b"{\n  \"t\": {\n    \"a\": {}, // \t\n  },\n}");
}

#[test]
fn the_last_lines_of_a_dotted_entry_go_without_a_line_end_behind_them() {
    law::toml(b"t.a.x = 0\nt.k.x = 0 # k\nt.k.y = 3");
}

#[test]
fn dotted_keys_in_braces_come_back_with_values_that_json_has_no_word_for() {
    law::toml(b"t = {\n'k' .x = \n\ninf}");
}

#[test]
fn what_others_wrote_in_the_manner_of_our_entry_stays_as_they_wrote_it() {
    law::json(b"\n{  \"t\":  { \n \"a\":{\r\n} }}\n");
}

#[test]
fn yaml_of_the_corpus_keeps_the_laws() {
    replay("yaml", law::yaml);
}

#[test]
fn a_text_in_the_place_of_an_entry_is_not_replaced() {
    law::yaml(b"t:\n    k: |\n      text\n    z: >-\n      folded\n");
}
