//! Running a proxy script: within a bound of memory, stack and time, in an engine that is made for it and thrown away.
//!
//! It finds the language and the functions of proxy scripts there, and nothing else: no files, no network, no modules.

use std::rc::Rc;
use std::time::{Duration, Instant};

use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::convert::Coerced;
use rquickjs::function::{Func, Rest};
use rquickjs::{Context, Ctx, Error, FromJs, Function, Runtime, Value};
use url::{Host, Url};

use super::ScriptWhy;
use super::functions::{ALL, Around};

/// What it may take: in bytes, and in time, the looking up of names included.
const MOST_MEMORY: usize = 16 * 1024 * 1024;
const MOST_STACK: usize = 256 * 1024;
pub(super) const MOST_TIME: Duration = Duration::from_secs(3);
/// The thread that it runs on has this for both its stack and the functions' own.
pub(super) const THREAD_STACK: usize = 2 * 1024 * 1024;
/// What is told of a script's error at most, in characters.
const MOST_SAID: usize = 160;

/// The parts of the language that scripts are written in.
type Language = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::MapSet,
    intrinsic::Promise,
);

/// Scripts may declare it in any way; the second is Microsoft's, for those that have no other.
const WANTED: &str = "typeof FindProxyForURL === 'function' ? FindProxyForURL \
                      : typeof FindProxyForURLEx === 'function' ? FindProxyForURLEx : undefined";

/// What a script says of an address, word for word; nothing where it says `null`. It blocks, no longer than [`MOST_TIME`]
/// but for a name's being looked up and for single steps of the engine's.
///
/// # Errors
/// It is broken, takes too long, or says what is no text.
pub(super) fn run(source: &str, to: &Url, around: Around) -> Result<Option<String>, ScriptWhy> {
    let until = Instant::now() + MOST_TIME;
    let unfit = |_| ScriptWhy::Broken("its engine does not start".to_owned());
    let runtime = Runtime::new().map_err(unfit)?;
    runtime.set_memory_limit(MOST_MEMORY);
    runtime.set_max_stack_size(MOST_STACK);
    runtime.set_interrupt_handler(Some(Box::new(move || Instant::now() >= until)));
    let context = Context::custom::<Language>(&runtime).map_err(unfit)?;
    context.with(|ctx| {
        let said = ask(&ctx, source, to, around);
        said.unwrap_or_else(|error| {
            let is_late = Instant::now() >= until;
            Err(if is_late { ScriptWhy::Slow } else { ScriptWhy::Broken(words(&ctx, &error)) })
        })
    })
}

fn ask(ctx: &Ctx<'_>, source: &str, to: &Url, around: Around) -> Result<Result<Option<String>, ScriptWhy>, Error> {
    let around = Rc::new(around);
    for (name, function) in ALL {
        let around = around.clone();
        let function = move |Rest(args): Rest<Coerced<String>>| {
            function(&around, &args.iter().map(|arg| arg.0.as_str()).collect::<Vec<_>>())
        };
        ctx.globals().set(*name, Func::from(function))?;
    }
    ctx.eval_with_options::<(), _>(source, plain())?;
    let wanted: Value = ctx.eval_with_options(WANTED, plain())?;
    let Some(wanted) = wanted.as_function() else {
        return Ok(Err(ScriptWhy::Broken("it has no FindProxyForURL".to_owned())));
    };
    answer(wanted, to)
}

fn answer(wanted: &Function<'_>, to: &Url) -> Result<Result<Option<String>, ScriptWhy>, Error> {
    let said: Value = wanted.call((shown(to), host(to)))?;
    if said.is_null() {
        return Ok(Ok(None));
    }
    match said.as_string() {
        Some(text) => text.to_string().map(|text| Ok(Some(text))),
        None => Ok(Err(ScriptWhy::NamesNothing(said.type_name().to_owned()))),
    }
}

/// As scripts are meant to be read, which are older than the strict kind.
fn plain() -> EvalOptions {
    let mut options = EvalOptions::default();
    options.strict = false;
    options
}

/// The address as a script may know it: what is private in it stands behind the host.
fn shown(to: &Url) -> String {
    format!("{}/", to.origin().ascii_serialization())
}

/// The host without brackets.
fn host(to: &Url) -> String {
    match to.host() {
        Some(Host::Ipv6(address)) => address.to_string(),
        Some(host) => host.to_string(),
        None => String::new(),
    }
}

/// What the engine says of an error, short.
fn words(ctx: &Ctx<'_>, error: &Error) -> String {
    let said = match error {
        Error::Exception => Coerced::<String>::from_js(ctx, ctx.catch()).map(|said| said.0).unwrap_or_default(),
        other => other.to_string(),
    };
    short(&said)
}

/// A few words of a script's, fit to be shown.
pub(super) fn short(said: &str) -> String {
    said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_SAID).collect::<String>().trim().to_owned()
}
