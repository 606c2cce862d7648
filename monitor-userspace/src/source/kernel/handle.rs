//! The kernel half as one value: loaded, attached, drained, told whom to track.

use std::{
    os::{
        fd::{AsFd as _, BorrowedFd},
        unix::fs::MetadataExt as _,
    },
    path::{Path, PathBuf},
};

use agentsnoop_pipeline::input::{Hook, HookState};
use anyhow::{Context as _, Result, bail};
use aya::{
    Ebpf, EbpfLoader,
    maps::{HashMap, MapData, MapError, PerCpuArray, RingBuf},
};
use monitor_common::{
    Pod, bytes_of,
    counters::Counters,
    from_bytes,
    limits::{CANDIDATES, RING_BYTES},
    offsets::Offsets,
    task::{Candidate, Task},
};

#[cfg(feature = "debug-log")]
use super::messages;
use super::{
    KERNEL_BTF,
    bounds::{Bounds, Entries},
    bursts::Bursts,
    error::OpenError,
    fields::KernelTypes,
    libcs::{Libcs, find_libcs},
    programs::{self, demand},
    repeats::Counted,
    syscall,
    variant::Variant,
};

type TaskBytes = [u8; size_of::<Task>()];
type CountersBytes = [u8; size_of::<Counters>()];
type CandidateBytes = [u8; size_of::<Candidate>()];

/// What to observe with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of the ring: a power of two and a multiple of the page size (4,096).
    pub ring_bytes: u32,
    /// Names of programs that make a process a candidate at exec; at most [`CANDIDATES`].
    pub candidates: Vec<Candidate>,
    /// The C libraries whose getenv is observed; see [`find_libcs`].
    pub libcs: Vec<PathBuf>,
    /// The kernel's BTF; `None` means [`KERNEL_BTF`].
    pub btf: Option<PathBuf>,
    /// Whether all hooks but those of the life of processes wait for [`Kernel::engage_calls`].
    pub on_demand: bool,
    /// Entries of the maps.
    pub bounds: Bounds,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ring_bytes: RING_BYTES,
            candidates: Vec::new(),
            libcs: find_libcs(),
            btf: None,
            on_demand: false,
            bounds: Bounds::default(),
        }
    }
}

/// The kernel half, loaded and attached. Dropping it detaches everything.
pub struct Kernel {
    ebpf: Ebpf,
    ring: RingBuf<MapData>,
    ring_bytes: u32,
    tasks: HashMap<MapData, u32, TaskBytes>,
    counters: PerCpuArray<MapData, CountersBytes>,
    bursts: Bursts,
    repeats: Counted,
    variant: Variant,
    offsets: Offsets,
    hooks: Vec<Hook>,
    libcs: Libcs,
    /// The libraries that were named at the start.
    known_libcs: Vec<PathBuf>,
    demand: Demand,
    #[cfg(feature = "debug-log")]
    messages: aya_log::EbpfLogger<messages::Lines>,
}

/// Whether hooks come on demand, and which have come.
enum Demand {
    /// All are attached from the start.
    Always,
    /// Those of the calls wait.
    Waiting,
    /// They were attached on demand.
    Engaged(demand::Links),
}

impl Kernel {
    /// Loads and attaches everything that this kernel takes. What it refuses becomes an unavailable hook.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when nothing can be observed at all; it says why and what to do.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        check_ring(options.ring_bytes)?;
        check_pid_namespace()?;
        let path = options.btf.as_deref().unwrap_or(Path::new(KERNEL_BTF));
        let variant = Variant::choose();
        // A new loader reads all types of the kernel before it can be told that it needs none, so ours are read meanwhile.
        let (types, loader) = std::thread::scope(|scope| {
            let types = scope.spawn(|| KernelTypes::read(path, &programs::tracepoints()));
            let mut loader = EbpfLoader::new();
            loader.btf(None);
            (types.join(), loader)
        });
        let KernelTypes { offsets, tracepoints } =
            types.map_err(|_| OpenError::Other("cannot find the kernel's fields".to_owned()))??;
        release_memory();
        let mut ebpf = load(options, loader, variant, &offsets)?;
        let mut hooks = programs::attach(&mut ebpf, &tracepoints, &offsets, options.on_demand)?;
        let on_tracepoints = hooks.len();
        programs::load_uprobes(&mut ebpf, &mut hooks);
        let repeats = Counted::open(&mut ebpf, &mut hooks)?;
        if !hooks[..on_tracepoints].iter().any(|hook| hook.state.is_attached()) {
            return Err(OpenError::NothingAttached { hooks });
        }
        #[cfg(feature = "debug-log")]
        let messages = messages::open(&mut ebpf)?;
        let mut kernel = Self {
            ring: RingBuf::try_from(take(&mut ebpf, "RING")?).map_err(|error| OpenError::map(&error))?,
            ring_bytes: options.ring_bytes,
            tasks: HashMap::try_from(take(&mut ebpf, "TASKS")?).map_err(|error| OpenError::map(&error))?,
            counters: PerCpuArray::try_from(take(&mut ebpf, "COUNTERS")?).map_err(|error| OpenError::map(&error))?,
            bursts: Bursts::new(HashMap::try_from(take(&mut ebpf, "BURSTS")?).map_err(|error| OpenError::map(&error))?),
            repeats,
            ebpf,
            variant,
            offsets,
            hooks,
            libcs: Libcs::default(),
            known_libcs: options.libcs.clone(),
            demand: if options.on_demand { Demand::Waiting } else { Demand::Always },
            #[cfg(feature = "debug-log")]
            messages,
        };
        if !options.on_demand {
            kernel.engage_libcs();
        }
        release_memory();
        Ok(kernel)
    }

    /// Whether the hooks of the calls wait to be attached.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        matches!(self.demand, Demand::Waiting)
    }

    /// Attaches the hooks of the calls, where they wait, and returns those that have changed.
    pub fn engage_calls(&mut self) -> Vec<Hook> {
        if !self.is_waiting() {
            return Vec::new();
        }
        let (links, changed) = demand::attach(&mut self.ebpf, &self.offsets, &mut self.hooks);
        self.demand = Demand::Engaged(links);
        changed
    }

    /// Observes getenv in the libraries that were named at the start, where that was not done yet, and returns the hooks.
    pub fn engage_libcs(&mut self) -> Vec<Hook> {
        let paths = self.known_libcs.clone();
        paths.iter().flat_map(|path| self.attach_libc(path)).collect()
    }

    /// Lets go of what was attached on demand, and returns the hooks that wait again.
    pub fn disengage(&mut self) -> Vec<Hook> {
        let Demand::Engaged(links) = std::mem::replace(&mut self.demand, Demand::Waiting) else {
            self.demand = Demand::Always;
            return Vec::new();
        };
        let mut changed = demand::detach(&mut self.ebpf, links, &mut self.hooks);
        self.libcs.detach(&mut self.ebpf);
        // They are found again, those of containers when they are opened again.
        let libraries = self.hooks.extract_if(.., |hook| hook.feature == "getenv" && hook.state == HookState::Attached);
        changed.extend(libraries.map(|hook| Hook { state: demand::waiting(), ..hook }));
        changed
    }

    /// Looks whether what was attached still is, and returns the hooks that are not: somebody closed what holds them. Each
    /// is returned once.
    pub fn lost_hooks(&mut self) -> Vec<Hook> {
        programs::lost::find(&self.ebpf, &mut self.hooks)
    }

    /// Every hook, attached or not.
    #[must_use]
    pub fn hooks(&self) -> &[Hook] {
        &self.hooks
    }

    /// Has the kernel half look for programs of these names too.
    ///
    /// # Errors
    ///
    /// There are more names than it takes.
    pub fn watch_for(&mut self, names: &[Candidate]) -> Result<(), OpenError> {
        watch_for(&mut self.ebpf, names)
    }

    /// The build of the kernel half that this kernel took.
    #[must_use]
    pub fn variant(&self) -> Variant {
        self.variant
    }

    /// How many instructions the verifier processed for each program, by its name; empty before Linux 5.16, which does
    /// not tell.
    #[must_use]
    pub fn verified(&self) -> Vec<(String, u32)> {
        programs::verified(&self.ebpf)
    }

    /// Where this kernel's fields are.
    #[must_use]
    pub fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    /// Bytes of the ring.
    #[must_use]
    pub fn ring_bytes(&self) -> u32 {
        self.ring_bytes
    }

    /// Tracks a thread from now on, and with it everything that it forks; `flags` are those of
    /// [`monitor_common::header::flag`]. Returns whether it was not tracked before: one that the kernel half tracks
    /// already stays as it is.
    ///
    /// All threads of a process must be tracked, the leader (`tid` equal to `pid`) among them: its entry is what
    /// tells the end of the process. A thread that ended before this call leaves an entry that nothing removes; so
    /// whoever tracks existing threads checks afterwards that they still run and untracks those that do not.
    ///
    /// # Errors
    ///
    /// The map is full ([`monitor_common::limits::TASKS`]).
    pub fn track(&mut self, pid: u32, tid: u32, root: u32, flags: u32) -> Result<bool> {
        const NO_EXIST: u64 = 1;
        let task = Task { pid, root, flags, ..Task::default() };
        match self.tasks.insert(tid, array_of(&task), NO_EXIST) {
            Ok(()) => Ok(true),
            Err(MapError::SyscallError(error)) if error.io_error.raw_os_error() == Some(libc::EEXIST) => Ok(false),
            Err(error) => Err(error).with_context(|| format!("cannot track thread {tid} of process {pid}")),
        }
    }

    /// Stops tracking a thread. What it forks afterwards is not tracked; what it forked before is.
    ///
    /// # Errors
    ///
    /// The kernel refuses; a thread that is not tracked is no error.
    pub fn untrack(&mut self, tid: u32) -> Result<()> {
        match self.tasks.remove(&tid) {
            Ok(()) | Err(MapError::KeyNotFound) => Ok(()),
            Err(MapError::SyscallError(error)) if error.io_error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot stop tracking thread {tid}")),
        }
    }

    /// Takes [`Kernel::track`] of a thread back that turns out to have ended before: its entry is removed, unless the
    /// kernel half has filled it in, since then it is that of a later thread with the same id.
    ///
    /// # Errors
    ///
    /// As [`Kernel::untrack`].
    pub fn take_back(&mut self, tid: u32) -> Result<()> {
        let entry: Option<Task> = self.tasks.get(&tid, 0).ok().and_then(|bytes| from_bytes(&bytes));
        if entry.is_some_and(|task| task.start == 0) { self.untrack(tid) } else { Ok(()) }
    }

    /// Stops tracking every thread that descends from a root, until none is left, and returns how many there were.
    ///
    /// # Errors
    ///
    /// The kernel refuses, or the tree forks faster than it can be forgotten.
    pub fn untrack_root(&mut self, root: u32) -> Result<usize> {
        self.untrack_where(|task| task.root == root)
            .with_context(|| format!("cannot forget the tree of process {root}"))
    }

    /// Stops tracking every thread, until none is left, and returns how many there were.
    ///
    /// # Errors
    ///
    /// As [`Kernel::untrack_root`].
    pub fn untrack_all(&mut self) -> Result<usize> {
        self.untrack_where(|_| true).context("cannot forget every process")
    }

    /// Children that are made before their parent is forgotten are found in the next round.
    fn untrack_where(&mut self, which: impl Fn(&Task) -> bool) -> Result<usize> {
        /// A round takes about a millisecond; a tree that outruns so many forks without end.
        const ROUNDS: usize = 64;
        let mut gone = 0;
        for _ in 0..ROUNDS {
            let tids: Vec<u32> = self.tasks().filter(|(_, task)| which(task)).map(|(tid, _)| tid).collect();
            if tids.is_empty() {
                return Ok(gone);
            }
            gone += tids.len();
            for tid in tids {
                self.untrack(tid)?;
            }
        }
        bail!("it makes new processes faster than they can be forgotten; stop it first")
    }

    /// Stops tracking a thread if it is still the one that `seen` tells of.
    ///
    /// # Errors
    ///
    /// As [`Kernel::untrack`].
    pub fn untrack_stale(&mut self, tid: u32, seen: &Task) -> Result<bool> {
        let now: Option<Task> = self.tasks.get(&tid, 0).ok().and_then(|bytes| from_bytes(&bytes));
        if now.as_ref() != Some(seen) {
            return Ok(false);
        }
        self.untrack(tid).map(|()| true)
    }

    /// The tracked threads, by thread id. A snapshot that is not atomic: threads come and go meanwhile.
    pub fn tasks(&self) -> impl Iterator<Item = (u32, Task)> + '_ {
        self.tasks.iter().flatten().filter_map(|(tid, bytes)| Some((tid, from_bytes(&bytes)?)))
    }

    /// How many entries the maps have that fill while something is observed.
    #[must_use]
    pub fn entries(&self) -> Entries {
        let threads = self.tasks.keys().flatten().count();
        Entries { threads, repeats: self.repeats.entries(), bursts: self.bursts.entries() }
    }

    /// The ring's descriptor, readable when the kernel half has woken the reader; see the module for when to drain.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }

    /// Hands over at most `limit` records in the order in which they were written, and returns how many there were.
    /// The bytes are checked by [`monitor_common::decode`], not here.
    pub fn drain(&mut self, limit: usize, mut f: impl FnMut(&[u8])) -> usize {
        #[cfg(feature = "debug-log")]
        self.messages.flush();
        let mut count = 0;
        while count < limit {
            let Some(record) = self.ring.next() else { break };
            f(&record);
            count += 1;
        }
        count
    }

    /// Has the bursts of sending and receiving told that rested until `boot_ns` (`CLOCK_BOOTTIME`, nanoseconds): once each,
    /// as bursts that go on; those of threads that are tracked no more for good.
    pub fn tell_resting_bursts(&mut self, boot_ns: u64) {
        self.bursts.tell_resting(&mut self.ebpf, boot_ns);
    }

    /// Has all bursts told. Once nothing is tracked, that ends them.
    pub fn end_bursts(&mut self) {
        syscall::wait_for_programs();
        self.bursts.tell_all(&mut self.ebpf);
    }

    /// What each possible CPU has counted, by its number.
    ///
    /// # Errors
    ///
    /// The kernel refuses to show them.
    pub fn counters(&self) -> Result<Vec<Counters>> {
        let values = self.counters.get(&0, 0).context("cannot read the kernel half's counters")?;
        Ok(values.iter().map(|bytes| from_bytes(bytes).unwrap_or_default()).collect())
    }

    /// Lets the kernel half tell the calls that it has counted and not told yet, of every process; and forgets processes
    /// whose end it missed. To be called at each tick.
    pub fn tell_repeats(&mut self) {
        let tracked = self.tasks.iter().flatten().filter_map(|(_, bytes)| from_bytes(&bytes));
        let tracked = tracked.map(|task: Task| task.pid).collect();
        self.repeats.tell(&tracked);
    }

    /// Calls that the kernel half has counted and not told.
    #[must_use]
    pub fn held_calls(&self) -> u64 {
        self.repeats.held()
    }

    /// How often the kernel skipped a program since the same program already ran on the CPU, by program. Kernels
    /// before 5.12 do not tell, which reads as 0.
    ///
    /// # Errors
    ///
    /// The kernel refuses to show a program's information.
    pub fn recursion_misses(&self) -> Result<Vec<(String, u64)>> {
        programs::recursion_misses(&self.ebpf)
    }

    /// Observes getenv and secure_getenv in a C library and returns the hooks: none when this file (by device and
    /// inode) was attached to, or refused as it is now, before.
    ///
    /// The path may come from an observed process; see `libcs` for what is refused.
    pub fn attach_libc(&mut self, path: &Path) -> Vec<Hook> {
        let hooks = self.libcs.attach(&mut self.ebpf, path);
        self.hooks.extend(hooks.iter().cloned());
        hooks
    }
}

fn check_ring(bytes: u32) -> Result<(), OpenError> {
    const PAGE: u32 = 4096;
    if bytes.is_power_of_two() && bytes >= PAGE {
        return Ok(());
    }
    Err(OpenError::Other(format!(
        "a ring of {bytes} bytes is not possible: give a power of two of at least {PAGE}, such as {RING_BYTES}"
    )))
}

/// The kernel half knows threads by their ids in the initial pid namespace, so userspace must know the same ones.
fn check_pid_namespace() -> Result<(), OpenError> {
    /// `PROC_PID_INIT_INO` (linux/proc_ns.h).
    const INITIAL: u64 = 0xEFFF_FFFC;
    match std::fs::metadata("/proc/self/ns/pid") {
        Ok(metadata) if metadata.ino() == INITIAL => Ok(()),
        Ok(_) => Err(OpenError::NotInitialPidNamespace),
        Err(error) => Err(OpenError::Other(format!(
            "cannot tell in which pid namespace agentsnoop runs: /proc/self/ns/pid: {error}; mount /proc"
        ))),
    }
}

/// Makes the maps and fills in the globals.
fn load(options: &Options, loader: EbpfLoader<'_>, variant: Variant, offsets: &Offsets) -> Result<Ebpf, OpenError> {
    let cpus = aya::util::nr_cpus().map_err(|(what, error)| {
        OpenError::Other(format!("cannot tell how many CPUs are possible: {what}: {error}"))
    })?;
    let layout = offsets.layout();
    let version = monitor_common::WIRE_VERSION;
    let seed = random()?;
    // It borrows the values from here on.
    let mut loader = loader;
    let mut ebpf = options
        .bounds
        .set(&mut loader)
        .override_global(monitor_common::WIRE_SYMBOL, &version, true)
        .override_global("OFFSETS", bytes_of(offsets), true)
        .override_global("LAYOUT", &layout, true)
        .override_global("SEED", &seed, true)
        .map_max_entries("RING", options.ring_bytes)
        .map_max_entries("EXEC_BUFFERS", u32::try_from(cpus).unwrap_or(u32::MAX))
        .load(variant.object())
        .map_err(|error| OpenError::load(&error))?;
    watch_for(&mut ebpf, &options.candidates)?;
    Ok(ebpf)
}

/// Has the kernel half look for programs of these names.
fn watch_for(ebpf: &mut Ebpf, names: &[Candidate]) -> Result<(), OpenError> {
    // Borrowed, not taken: the programs that are still to be loaded refer to its descriptor.
    let map = ebpf.map_mut("CANDIDATES").ok_or_else(|| lacks("CANDIDATES"))?;
    let mut candidates: HashMap<_, CandidateBytes, u32> =
        HashMap::try_from(map).map_err(|error| OpenError::map(&error))?;
    for candidate in names {
        candidates.insert(candidate.comm, 0, 0).map_err(|error| {
            OpenError::Other(format!("cannot take more than {CANDIDATES} names of candidate programs: {error}"))
        })?;
    }
    Ok(())
}

/// Words that nobody can guess.
fn random() -> Result<[u64; 2], OpenError> {
    let mut words = [0u64; 2];
    // SAFETY: the buffer has the length that is told.
    let got = unsafe { libc::getrandom(words.as_mut_ptr().cast(), size_of_val(&words), 0) };
    if usize::try_from(got) == Ok(size_of_val(&words)) {
        return Ok(words);
    }
    Err(OpenError::Other(format!("cannot get random bytes: {}", std::io::Error::last_os_error())))
}

fn take(ebpf: &mut Ebpf, name: &str) -> Result<aya::maps::Map, OpenError> {
    ebpf.take_map(name).ok_or_else(|| lacks(name))
}

fn lacks(map: &str) -> OpenError {
    OpenError::WireMismatch(format!("the kernel half has no map {map}"))
}

/// The bytes of a value, as the maps take them.
fn array_of<T: Pod, const N: usize>(value: &T) -> [u8; N] {
    let mut bytes = [0; N];
    for (byte, from) in bytes.iter_mut().zip(bytes_of(value)) {
        *byte = *from;
    }
    bytes
}

/// Gives the memory that reading the BTF took back to the system.
pub(super) fn release_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim has no precondition.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_half_of_another_wire_is_refused_with_what_to_do() {
        let version = 0u32;
        // An object lacks the symbol of every wire version but its own; that is found before anything is loaded.
        let loaded =
            EbpfLoader::new().override_global("AGENTSNOOP_WIRE_0", &version, true).load(Variant::Usual.object());
        let Err(error) = loaded else { panic!("an object with another wire version was taken") };
        let error = OpenError::load(&error);
        assert!(matches!(error, OpenError::WireMismatch(_)), "{error}");
        let text = error.to_string();
        assert!(text.contains("wire version") && text.contains("build agentsnoop again"), "{text}");
    }
}
