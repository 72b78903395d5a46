//! Command lines: what stands behind `npx`, `cmd /c`, `docker run` and the like.

/// A command without the programs that only start it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unwrapped<'a> {
    /// The program's or package's name, without folder, ending and version.
    pub(super) name: String,
    /// What it is given.
    pub(super) args: Vec<&'a str>,
    /// Variables that are set on the way (`env A=b`, `docker run -e A=b`).
    pub(super) env: Vec<(&'a str, &'a str)>,
}

/// Options of package runners that take a value.
const PACKAGE_VALUES: [&str; 8] =
    ["-p", "--package", "--from", "--python", "--with", "--registry", "--cache", "--spec"];
/// Options of `docker run` that take none.
const IMAGE_FLAGS: [&str; 12] =
    ["-i", "-t", "-it", "-ti", "-d", "--rm", "--init", "--interactive", "--tty", "--privileged", "--read-only", "-P"];

/// What a command line starts in the end; none where it starts nothing that can be told.
pub(super) fn unwrap<'a>(words: &[&'a str]) -> Option<Unwrapped<'a>> {
    let (first, rest) = words.split_first()?;
    let name = bare(first);
    let second = rest.first().copied().unwrap_or_default();
    match (name.as_str(), second) {
        ("cmd", _) => unwrap(&rest[rest.iter().position(|word| !word.starts_with('/'))?..]),
        ("env", _) => of_env(rest),
        ("npx" | "pnpx" | "bunx" | "uvx", _) => of_package(rest),
        ("bun" | "npm", "x") | ("pnpm" | "yarn", "dlx") | ("npm" | "pnpm", "exec") | ("pipx", "run") => {
            of_package(&rest[1..])
        }
        ("uv", "tool") if rest.get(1) == Some(&"run") => of_package(&rest[2..]),
        ("docker" | "podman", "run") => of_image(&rest[1..]),
        ("node" | "bun" | "deno", _) if in_package(second).is_some() => {
            Some(Unwrapped { name: in_package(second)?, args: rest[1..].to_vec(), env: Vec::new() })
        }
        _ => Some(Unwrapped { name, args: rest.to_vec(), env: Vec::new() }),
    }
}

/// A program's name without its folder and the endings of Windows.
fn bare(program: &str) -> String {
    let file = program.rsplit(['/', '\\']).next().unwrap_or(program).to_lowercase();
    [".exe", ".cmd", ".bat"].iter().find_map(|end| file.strip_suffix(end)).unwrap_or(&file).to_owned()
}

fn of_env<'a>(words: &[&'a str]) -> Option<Unwrapped<'a>> {
    let begins = words.iter().position(|word| !word.starts_with('-') && !word.contains('='))?;
    let mut inner = unwrap(&words[begins..])?;
    inner.env.extend(words[..begins].iter().filter_map(|word| word.split_once('=')));
    Some(inner)
}

fn of_package<'a>(words: &[&'a str]) -> Option<Unwrapped<'a>> {
    let at = first_value(words, |option| PACKAGE_VALUES.contains(&option))?;
    Some(Unwrapped { name: without_version(words[at]), args: words[at + 1..].to_vec(), env: Vec::new() })
}

fn of_image<'a>(words: &[&'a str]) -> Option<Unwrapped<'a>> {
    let at = first_value(words, |option| !IMAGE_FLAGS.contains(&option))?;
    let image = words[at].rsplit('/').next().unwrap_or(words[at]);
    let name = image.split([':', '@']).next().unwrap_or(image).to_owned();
    let set = words[..at].windows(2).filter(|pair| ["-e", "--env"].contains(&pair[0]));
    let joined = words[..at].iter().filter_map(|word| word.strip_prefix("--env="));
    let env = set.map(|pair| pair[1]).chain(joined).filter_map(|word| word.split_once('=')).collect();
    Some(Unwrapped { name, args: words[at + 1..].to_vec(), env })
}

/// Where the first word stands that is no option and no option's value.
fn first_value(words: &[&str], takes_value: impl Fn(&str) -> bool) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = words.get(at).filter(|word| word.starts_with('-')) {
        at += if *word != "--" && !word.contains('=') && takes_value(word) { 2 } else { 1 };
    }
    (at < words.len()).then_some(at)
}

/// `@scope/name@1.2`, `name==1.2` and `name[extra]` without what follows the name.
fn without_version(package: &str) -> String {
    let package = package.split("==").next().unwrap_or(package).split('[').next().unwrap_or(package);
    let at = package.rfind('@').filter(|at| *at > 0);
    at.map_or(package, |at| &package[..at]).to_owned()
}

/// The package whose file a path is.
fn in_package(path: &str) -> Option<String> {
    let parts: Vec<_> = path.split(['/', '\\']).collect();
    let at = parts.iter().rposition(|part| *part == "node_modules")?;
    let name = parts.get(at + 1)?;
    Some(if name.starts_with('@') { format!("{name}/{}", parts.get(at + 2)?) } else { (*name).to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_starts_a_program_is_taken_away() {
        let cases: [(&str, &str, &str); 12] = [
            ("npx mcp-remote URL", "mcp-remote", "URL"),
            ("npx -y mcp-remote@latest URL", "mcp-remote", "URL"),
            ("C:\\node\\npx.cmd --yes @a/b@1.2 URL", "@a/b", "URL"),
            ("cmd /c npx -y mcp-remote URL", "mcp-remote", "URL"),
            ("bunx mcp-remote URL", "mcp-remote", "URL"),
            ("bun x mcp-remote URL", "mcp-remote", "URL"),
            ("pnpm dlx mcp-remote URL", "mcp-remote", "URL"),
            ("uvx --from mcp-proxy==0.8 mcp-proxy URL", "mcp-proxy", "URL"),
            ("npx --package=mcp-remote -- mcp-remote URL", "mcp-remote", "URL"),
            ("docker run -i --rm -e A=b --network host x/mcp-remote:latest URL", "mcp-remote", "URL"),
            ("node /x/node_modules/mcp-remote/dist/proxy.js URL", "mcp-remote", "URL"),
            ("/usr/bin/own-program URL", "own-program", "URL"),
        ];
        for (line, name, arg) in cases {
            let words: Vec<_> = line.split(' ').collect();
            let found = unwrap(&words).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((found.name.as_str(), found.args.as_slice()), (name, &[arg][..]), "{line}");
        }
        let words = ["docker", "run", "-e", "A=b", "--env=C=d", "image"];
        assert_eq!(unwrap(&words).map(|found| found.env), Some(vec![("A", "b"), ("C", "d")]));
        let words = ["env", "A=b", "npx", "mcp-remote", "URL"];
        assert_eq!(unwrap(&words).map(|found| (found.name, found.env)), Some(("mcp-remote".into(), vec![("A", "b")])));
        assert_eq!(unwrap(&["npx", "-y"]), None);
        assert_eq!(unwrap(&["cmd", "/c"]), None);
    }
}
