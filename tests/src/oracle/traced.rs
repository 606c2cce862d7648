//! What strace saw, as events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::compare::Side;
use super::families::{self, Context};
use super::syntax::{Call, file, string};
use super::trace::{Step, Trace};

/// The events that strace saw. `foreign_root` says that the processes have another root, at whose files this process
/// cannot look.
#[must_use]
pub fn events(trace: &Trace, foreign_root: bool) -> Side {
    let mut side = Side::default();
    // pivot_root changes the path of every working directory in its mount namespace, at a moment that only its caller knows.
    let calls = trace.threads.values().flatten().filter_map(Step::call);
    let pivots = calls.filter(|call| call.name == "pivot_root").any(|call| call.value().is_some());
    let tree = Arc::new(trace.threads.keys().copied().collect());
    let first = Context { foreign_root, tree, ..Context::default() };
    let mut inherited = BTreeMap::<u32, Context>::new();
    for thread in makers_first(trace) {
        let process = trace.process(thread);
        let mut context = inherited.remove(&thread).unwrap_or_else(|| first.clone());
        context.leader = thread == process;
        let steps = &trace.threads[&thread];
        let folders = if pivots { vec![None; steps.len()] } else { folders(steps, context.cwd.take()) };
        for (step, folder) in steps.iter().zip(folders) {
            context.cwd = folder;
            let event = match step {
                Step::Call(call) => {
                    if let Some(child) = call.child() {
                        inherited.insert(child, context.clone());
                    }
                    context.root.extend(new_root(call).unwrap_or_default());
                    families::of_call(call, &context)
                }
                Step::Ended(said) => (thread == process).then(|| families::ended(said)),
                Step::Superseded(_) => None,
            };
            if let Some(event) = event {
                side.add(process, thread, event);
            }
        }
    }
    side
}

/// The threads, each behind the one that made it.
fn makers_first(trace: &Trace) -> Vec<u32> {
    let children = |steps: &[Step]| -> Vec<u32> { steps.iter().filter_map(|step| step.call()?.child()).collect() };
    let made: BTreeSet<u32> = trace.threads.values().flat_map(|steps| children(steps)).collect();
    let mut order: Vec<u32> = trace.threads.keys().copied().filter(|thread| !made.contains(thread)).collect();
    let mut at = 0;
    while let Some(thread) = order.get(at) {
        let next = children(trace.threads.get(thread).map(Vec::as_slice).unwrap_or_default());
        order.extend(next.into_iter().filter(|child| trace.threads.contains_key(child)));
        at += 1;
    }
    order
}

/// The working directory at each step of a thread that begins in `first`. strace tells it only with calls that take a
/// folder (`AT_FDCWD</folder>`), as each program makes some when it is loaded; between two changes it is the same.
fn folders(steps: &[Step], first: Option<Vec<u8>>) -> Vec<Option<Vec<u8>>> {
    let changes = |call: &Call| matches!(call.name.as_str(), "chdir" | "fchdir") && call.value().is_some();
    let told =
        |call: &Call| call.arguments.iter().find(|text| text.starts_with("AT_FDCWD<")).and_then(|text| file(text));
    let mut folders = vec![None; steps.len()];
    let (mut start, mut here) = (0, first);
    for (at, call) in steps.iter().enumerate().filter_map(|(at, step)| Some((at, step.call()?))) {
        here = here.or_else(|| told(call).map(|folder| folder.path));
        if changes(call) {
            folders[start..=at].fill(here.take());
            start = at + 1;
            // What a descriptor leads to is told; what a path leads to, the next call tells.
            here = file(call.argument(0)).map(|folder| folder.path);
        }
    }
    folders[start..].fill(here);
    folders
}

/// Below what the root of the thread was, the folder that a chroot has made its root.
fn new_root(call: &Call) -> Option<Vec<u8>> {
    call.value().filter(|_| call.name == "chroot")?;
    string(call.argument(0)).filter(|path| path.starts_with(b"/") && path.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_working_directory_is_what_calls_around_tell_of_it() {
        let text = "unlink(\"\\x61\") = 0\nopenat(AT_FDCWD<\\x2f\\x61>, \"\\x61\", O_RDONLY) = 3<\\x2f>\n\
            chdir(\"\\x62\") = 0\nunlink(\"\\x61\") = 0\nfchdir(3<\\x2f\\x63>) = 0\nunlink(\"\\x61\") = 0\n";
        let trace = Trace::parse(&[(1, text.to_owned())].into()).unwrap();
        let folders = folders(&trace.threads[&1], None);
        let known = |text: &str| Some(text.as_bytes().to_vec());
        assert_eq!(folders, [known("/a"), known("/a"), known("/a"), None, None, known("/c")]);
    }

    #[test]
    fn paths_begin_at_the_root_of_the_thread_which_its_children_have_too() {
        let open = r#"openat(AT_FDCWD<\x2f>, "\x61", O_RDONLY) = 3<\x2f\x72\x2f\x61>"#;
        let texts = [
            (5, format!("{open}\nvfork() = 4\nchroot(\"\\x2f\\x72\") = 0\nvfork() = 6\n")),
            (4, open.to_owned()),
            (6, open.to_owned()),
        ];
        let side = format!("{:?}", events(&Trace::parse(&texts.into()).unwrap(), false));
        let paths: Vec<_> = side.match_indices(r#"("path", Some("/r/a"))"#).collect();
        assert_eq!(paths.len(), 2, "{side}");
        assert_eq!(side.matches(r#"("path", Some("/a"))"#).count(), 1, "{side}");
    }
}
