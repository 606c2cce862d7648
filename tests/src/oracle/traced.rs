//! What strace saw, as events.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::Side;
use super::families::{self, Context};
use super::syntax::{Call, string};
use super::trace::{Step, Trace};

/// The events that strace saw. `foreign_root` says that the processes have another root, at whose files this process
/// cannot look.
#[must_use]
pub fn events(trace: &Trace, foreign_root: bool) -> Side {
    let mut side = Side::default();
    let mut roots = BTreeMap::<u32, Vec<u8>>::new();
    for thread in makers_first(trace) {
        let process = trace.process(thread);
        let mut context = Context { foreign_root, root: roots.get(&thread).cloned().unwrap_or_default() };
        for step in &trace.threads[&thread] {
            let event = match step {
                Step::Call(call) => {
                    if let Some(child) = call.child() {
                        roots.insert(child, context.root.clone());
                    }
                    context.root.extend(new_root(call).unwrap_or_default());
                    families::of_call(&call.name).and_then(|family| (family.of_call)(call, &context))
                }
                Step::Ended(said) => (thread == process).then(|| families::ended(said)),
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

/// Below what the root of the thread was, the folder that a chroot has made its root.
fn new_root(call: &Call) -> Option<Vec<u8>> {
    call.value().filter(|_| call.name == "chroot")?;
    string(call.argument(0)).filter(|path| path.starts_with(b"/") && path.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

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
