//! From an entry to the program that its app would start.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::around::{Around, path};
use super::fill::{Filled, Source};
use super::find::Places;
use super::{Finding, FindingKind, Notes, Subject, is_place};
use crate::client::{Folder, read_entry, words_of};
use crate::host::Platform;
use crate::import::ENVS;
use crate::secret::{find_plaintext, is_token_name, looks_like_token};

/// A program as an app would start it.
pub struct Start {
    /// Its name, with what the app fills in.
    pub command: String,
    /// The file, where it was found.
    pub program: Option<PathBuf>,
    /// Its arguments.
    pub args: Vec<String>,
    /// All its variables.
    pub env: BTreeMap<String, String>,
    /// Those that the entry gives, by itself, by a file or by name.
    pub variables: Vec<Variable>,
    /// Where it starts.
    pub folder: PathBuf,
    /// Whether it may first fetch what it needs from the network.
    pub fetches: bool,
    /// Whether the newest protocol revision is asked for first.
    pub asks_newest: bool,
}

/// A variable that an entry gives.
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value; absent where it takes one away.
    pub value: Option<String>,
    /// Whether nobody is to see it.
    pub secret: bool,
}

impl Variable {
    /// One that stands outside of the entry: it is seen before the start like the entry's own, since it may do anything
    /// to a program, but a program that repeats it is not told, since it may be a secret of any shape.
    fn found(name: &str, value: &str, notes: &mut Notes) -> Self {
        let secret = is_token_name(name) || looks_like_token(value);
        if secret {
            notes.hide(value);
        } else {
            notes.keep_quiet(value);
        }
        Self { name: name.to_owned(), value: Some(value.to_owned()), secret }
    }
}

impl Start {
    /// What makes it this start and no other.
    pub(super) fn identify(&self, parts: &mut Vec<String>) {
        parts.extend(["start".to_owned(), self.command.clone(), self.folder.display().to_string()]);
        parts.push(self.program.as_ref().map(|program| program.display().to_string()).unwrap_or_default());
        parts.push(self.args.len().to_string());
        parts.extend(self.args.iter().cloned());
        for variable in &self.variables {
            parts.push(variable.name.clone());
            // One that is taken away is another start than one that is empty.
            parts.extend(variable.value.iter().map(|value| format!("={value}")));
        }
    }
}

/// Programs that fetch what they start.
const FETCHERS: [&str; 13] =
    ["npx", "pnpx", "bunx", "uvx", "uv", "pipx", "docker", "podman", "npm", "pnpm", "yarn", "bun", "deno"];
/// Programs that fill references in by themselves.
const FILL_THEMSELVES: [&str; 8] = ["sh", "bash", "zsh", "dash", "cmd", "powershell", "pwsh", "mcp-remote"];

/// A word's file name without its ending.
fn stem(word: &str) -> String {
    let file = word.rsplit(['/', '\\']).next().unwrap_or(word).to_lowercase();
    let file = [".exe", ".cmd", ".bat"].iter().find_map(|end| file.strip_suffix(end)).unwrap_or(&file).to_owned();
    file.split('@').next().filter(|name| !name.is_empty()).map_or(file.clone(), str::to_owned)
}

/// What the app would start for an entry that names a program.
pub(super) fn start(subject: &Subject<'_>, around: &Around<'_>, notes: &mut Notes) -> Start {
    let rules = &subject.client.starts;
    let project = subject.scope.folder().map_or_else(|| around.host.home.clone(), PathBuf::from);
    let written = own_variables(subject.value, notes);
    let plain = written.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect();
    let source = source(subject, around, &project, &plain);
    let words = words_of(subject.value);
    let themselves = words.iter().any(|word| FILL_THEMSELVES.contains(&stem(word).as_str()));
    let filler = Filler { source: &source, themselves };
    let mut words = words.iter().map(|word| filler.fill(word, notes)).collect::<Vec<_>>().into_iter();
    let command = words.next().unwrap_or_default();
    let args: Vec<String> = words.collect();
    let variables = variables(&filler, &written, subject.value, notes);
    let folder = folder(subject, &filler, &project, notes);
    let named = named(subject, around, notes);
    let variables = joined([named, from_file(subject, (&filler, &folder), notes), variables]);
    let env = environment(subject, around, &variables, notes);
    let places = Places {
        app: path(&env),
        shell: around.shell_path.as_deref(),
        folder: &folder,
        platform: around.host.platform,
    };
    let program = own_or(subject, &command, &places, notes);
    let fetches = std::iter::once(&command).chain(&args).any(|word| FETCHERS.contains(&stem(word).as_str()));
    if !rules.sure {
        notes.add(Finding::new(FindingKind::RulesNotSure));
    }
    let start = Start { command, program, args, env, variables, folder, fetches, asks_newest: rules.asks_newest };
    blanks(subject, &start, around.host.platform, notes);
    start
}

/// Where an app looks for what it fills in.
pub(super) fn source<'a>(
    subject: &Subject<'a>,
    around: &'a Around<'_>,
    project: &'a Path,
    own: &'a BTreeMap<String, String>,
) -> Source<'a> {
    let Around { host, env, .. } = around;
    let unset = subject.client.starts.fills.unset;
    Source { client: subject.client, unset, platform: host.platform, home: &host.home, project, env, own }
}

/// Fills texts in, and notes what came of it.
struct Filler<'a> {
    source: &'a Source<'a>,
    /// Whether what the app leaves is filled in by the program.
    themselves: bool,
}

impl Filler<'_> {
    fn fill(&self, text: &str, notes: &mut Notes) -> String {
        let filled = self.source.fill(text);
        note(&filled, notes, |name| self.themselves && self.source.own.contains_key(name), self.themselves);
        filled.text
    }
}

/// Notes what filling in has shown; `known` says which variables somebody else fills in.
pub(super) fn note(filled: &Filled, notes: &mut Notes, known: impl Fn(&str) -> bool, themselves: bool) {
    for name in filled.unset.iter().filter(|name| !known(name)) {
        notes.add(Finding::new(FindingKind::NotSet).named(name));
    }
    for name in filled.left.iter().filter(|_| !themselves) {
        notes.add(Finding::new(FindingKind::NotFilledIn).named(name));
    }
    for name in &filled.kept {
        notes.add(Finding::new(FindingKind::KeptByApp).named(name));
    }
    for (name, value) in &filled.put {
        if is_token_name(name) || name.starts_with("file:") || looks_like_token(value) {
            notes.hide(value);
        }
    }
}

/// The variables that an entry gives, as they are written.
fn own_variables(value: &Value, notes: &mut Notes) -> BTreeMap<String, Option<String>> {
    let tables = ENVS.iter().filter_map(|table| value.pointer(table)?.as_object());
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    };
    // Goose keeps the values of these in its own place.
    for name in value.get("env_keys").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        notes.add(Finding::new(FindingKind::KeptByApp).named(name));
    }
    tables.flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn variables(
    filler: &Filler<'_>,
    written: &BTreeMap<String, Option<String>>,
    entry: &Value,
    notes: &mut Notes,
) -> Vec<Variable> {
    let plain: BTreeSet<String> =
        find_plaintext(entry).into_iter().filter_map(|one| one.path.rsplit('.').next().map(str::to_owned)).collect();
    let mut all = Vec::new();
    for (name, value) in written {
        // Such a value stands for the variable of that name (GitHub Copilot CLI).
        let named = value
            .as_ref()
            .filter(|_| filler.source.client.starts.fills.own)
            .and_then(|value| filler.source.env.get(value));
        let value = match (named, value) {
            (Some(named), _) => Some(named.clone()),
            (None, Some(value)) => Some(Filler { source: filler.source, themselves: false }.fill(value, notes)),
            (None, None) => None,
        };
        let is_named = is_token_name(name) || plain.contains(name);
        let secret = value.as_deref().is_some_and(|value| (is_named && !is_place(value)) || looks_like_token(value));
        if let Some(value) = value.as_deref().filter(|_| secret) {
            notes.hide(value);
        }
        all.push(Variable { name: name.clone(), value, secret });
    }
    all
}

fn folder(subject: &Subject<'_>, filler: &Filler<'_>, project: &Path, notes: &mut Notes) -> PathBuf {
    let Source { home, platform, .. } = *filler.source;
    let written = ["/cwd", "/transport/cwd"].iter().find_map(|place| subject.value.pointer(place)?.as_str());
    let folder = match (written.filter(|_| subject.client.starts.takes_folder), subject.client.starts.folder) {
        (Some(written), _) => project.join(filler.fill(written, notes)),
        (None, Folder::Project) => project.to_path_buf(),
        (None, Folder::Root) if platform == Platform::MacOs => PathBuf::from("/"),
        (None, Folder::Root | Folder::Home) => home.to_path_buf(),
    };
    if !folder.is_dir() {
        notes.add(Finding::new(FindingKind::FolderMissing).named(folder.display().to_string()));
    }
    folder
}

/// Codex: further variables of its own that it hands on, by name.
fn named(subject: &Subject<'_>, around: &Around<'_>, notes: &mut Notes) -> Vec<Variable> {
    let mut all = Vec::new();
    for named in subject.value.get("env_vars").and_then(Value::as_array).into_iter().flatten() {
        let Some(name) = named.as_str().or_else(|| named.get("name")?.as_str()) else { continue };
        match around.env.get(name) {
            Some(value) => all.push(Variable::found(name, value, notes)),
            None => notes.add(Finding::new(FindingKind::NotSet).named(name)),
        }
    }
    all
}

/// Those of a file that an entry names, in apps that read one.
fn from_file(subject: &Subject<'_>, (filler, folder): (&Filler<'_>, &Path), notes: &mut Notes) -> Vec<Variable> {
    let file = subject.value.get("envFile").and_then(Value::as_str).filter(|_| subject.client.starts.takes_env_file);
    let Some(file) = file else { return Vec::new() };
    let pairs = env_file(&folder.join(filler.fill(file, notes)), notes);
    pairs.iter().map(|(name, value)| Variable::found(name, value, notes)).collect()
}

/// Variables of several origins, each once: the later count.
fn joined(all: [Vec<Variable>; 3]) -> Vec<Variable> {
    let all: BTreeMap<String, Variable> =
        all.into_iter().flatten().map(|variable| (variable.name.clone(), variable)).collect();
    all.into_values().collect()
}

/// All that a program gets: what the app hands on, and what the entry gives.
fn environment(
    subject: &Subject<'_>,
    around: &Around<'_>,
    variables: &[Variable],
    notes: &mut Notes,
) -> BTreeMap<String, String> {
    let mut env = around.passed_on(subject.client);
    for Variable { name, value, .. } in variables {
        match value {
            Some(value) => drop(env.insert(name.clone(), value.clone())),
            None => drop(env.remove(name)),
        }
    }
    for (_, value) in env.iter().filter(|(name, _)| is_token_name(name)) {
        notes.hide(value);
    }
    env
}

/// Lines `NAME=value` of a file.
fn env_file(file: &Path, notes: &mut Notes) -> Vec<(String, String)> {
    let Ok(text) = std::fs::read_to_string(file) else {
        notes.add(Finding::new(FindingKind::EnvFileMissing).named(file.display().to_string()));
        return Vec::new();
    };
    let pair = |line: &str| {
        let line = line.trim().trim_start_matches("export ");
        let (name, value) = line.split_once('=').filter(|_| !line.starts_with('#'))?;
        Some((name.trim().to_owned(), value.trim().trim_matches(['"', '\'']).to_owned()))
    };
    text.lines().filter_map(pair).collect()
}

/// The program; of ours it is said when it lies at an old place.
fn own_or(subject: &Subject<'_>, command: &str, places: &Places<'_>, notes: &mut Notes) -> Option<PathBuf> {
    let is_ours = read_entry(subject.name, subject.value).ours.is_some();
    if is_ours && Path::new(command) != subject.own && !Path::new(command).is_file() && command.contains(['/', '\\']) {
        notes.add(Finding::new(FindingKind::OldPatchbay).named(command));
        return None;
    }
    places.program(command, notes)
}

fn blanks(subject: &Subject<'_>, start: &Start, platform: Platform, notes: &mut Notes) {
    let Some(program) = start.program.as_ref().filter(|_| subject.client.starts.cuts_at_blanks) else { return };
    let is_script =
        program.extension().is_some_and(|end| end.eq_ignore_ascii_case("cmd") || end.eq_ignore_ascii_case("bat"));
    let program = program.display().to_string();
    let cut = std::iter::once(&program).chain(&start.args).find(|word| word.contains(' '));
    if let Some(word) = cut.filter(|_| platform == Platform::Windows && is_script) {
        notes.add(Finding::new(FindingKind::BlanksCut).named(word));
    }
}
