//! A load of known size, for benchmarks and tests: how many of what, and nothing else.
//!
//! `workload opens COUNT PATH` opens and closes PATH COUNT times and prints the nanoseconds of processor time of one round; `workload moves COUNT
//! file|pipe|socket|turns` writes 64 bytes each time, and reads them back unless they go to a file: over one socket, or
//! over two that answer each other. Others make one call of a family a round, below the folder PATH where they need one: `looks` (one path
//! again and again), `firsts` (another path each time), `links`, `modes`, `renames`, `connects`, `unames`, `getpids`, `getenvs`, `forks`,
//! `execs`; `paths` opens and looks at another path each time, and `crowd` makes COUNT processes that are all there at once.

use std::ffi::CString;
use std::io::{Read as _, Write as _};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(line) => {
            #[expect(clippy::print_stdout, reason = "the figure is what the program is for")]
            {
                println!("{line}");
            }
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("workload: {message}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<String, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, count, rest @ ..] = arguments.as_slice() else {
        return Err("usage: workload opens|moves|looks|getpids|… COUNT [PATH|WHAT|NAME]".into());
    };
    let count: u32 = count.parse().map_err(|_| format!("COUNT is no number: {count}"))?;
    let text =
        CString::new(rest.first().map_or("", String::as_str)).map_err(|_| "an argument holds a NUL".to_owned())?;
    let started = worked();
    match what.as_str() {
        "opens" => opens(count, &text)?,
        "getpids" => (0..count).for_each(|_| {
            // SAFETY: getpid takes nothing and cannot fail. The raw call is made each time, whatever libc caches.
            unsafe { libc::syscall(libc::SYS_getpid) };
        }),
        "getenvs" => (0..count).for_each(|_| {
            // SAFETY: the name is a C string that outlives the call, and nothing here writes the environment.
            std::hint::black_box(unsafe { libc::getenv(std::hint::black_box(text.as_ptr())) });
        }),
        "moves" => return moves(count, rest.first().map_or("", String::as_str)).map_err(|error| error.to_string()),
        "forks" => forks(count)?,
        "crowd" => crowd(count)?,
        "paths" | "looks" | "firsts" | "links" | "modes" | "renames" | "connects" | "unames" | "execs" => {
            calls(what, count, rest.first().map_or("", String::as_str)).map_err(|error| error.to_string())?;
        }
        other => return Err(format!("no such load: {other}")),
    }
    let nanoseconds = (worked() - started) / f64::from(count.max(1));
    Ok(format!("{nanoseconds:.1}"))
}

/// Nanoseconds that a processor has worked for this process and for its children that have ended: what others do on the
/// machine meanwhile counts less than in the time that passes.
fn worked() -> f64 {
    let mut own = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let mut children = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both calls write to what they are given, which has the type that they expect; zeroes are a valid `rusage`.
    let children = unsafe {
        libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut own);
        libc::getrusage(libc::RUSAGE_CHILDREN, children.as_mut_ptr());
        children.assume_init()
    };
    let ended = |time: libc::timeval| time.tv_sec as f64 * 1e9 + time.tv_usec as f64 * 1e3;
    own.tv_sec as f64 * 1e9 + own.tv_nsec as f64 + ended(children.ru_utime) + ended(children.ru_stime)
}

fn opens(count: u32, path: &CString) -> Result<(), String> {
    for _ in 0..count {
        // SAFETY: the path is a C string that outlives the call; the descriptor is closed at once and used nowhere else.
        unsafe {
            let fd = libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
            if fd < 0 {
                return Err(format!("cannot open {}: {}", path.to_string_lossy(), std::io::Error::last_os_error()));
            }
            libc::close(fd);
        }
    }
    Ok(())
}

/// The nanoseconds of one call that moves bytes.
fn moves(count: u32, what: &str) -> std::io::Result<String> {
    let bytes = [7; 64];
    let mut room = [0; 64];
    let (one, other) = std::os::unix::net::UnixStream::pair()?;
    let (mut reader, mut writer) = std::io::pipe()?;
    let path = std::env::temp_dir().join(format!("agentsnoop-moves-{}", std::process::id()));
    let mut file = std::fs::File::create_new(&path)?;
    std::fs::remove_file(&path)?;
    let started = worked();
    let mut calls = 0;
    for _ in 0..count {
        match what {
            "file" => file.write_all(&bytes)?,
            "pipe" => writer.write_all(&bytes).and_then(|()| reader.read_exact(&mut room))?,
            _ => (&one).write_all(&bytes).and_then(|()| (&other).read_exact(&mut room))?,
        }
        calls += if what == "file" { 1 } else { 2 };
        if what == "turns" {
            (&other).write_all(&bytes).and_then(|()| (&one).read_exact(&mut room))?;
            calls += 2;
        }
    }
    Ok(format!("{:.1}", (worked() - started) / f64::from(calls.max(1))))
}

/// Calls of one family. Of what a call gives nothing is needed.
fn calls(what: &str, count: u32, folder: &str) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = |name: &str| CString::new(format!("{folder}/{name}")).map_err(std::io::Error::other);
    let (file, link, other) = (path("file.txt")?, path("link")?, path("other")?);
    let mode = std::fs::Permissions::from_mode(0o644);
    if what == "links" {
        // It may be there from the round before.
        let _ = std::os::unix::fs::symlink("file.txt", format!("{folder}/link"));
    }
    let mut room = std::mem::MaybeUninit::<libc::stat>::uninit();
    let mut name = std::mem::MaybeUninit::<libc::utsname>::uninit();
    let mut target = [0u8; 256];
    for round in 0..count {
        // SAFETY: the paths are C strings and the buffers have the lengths and types that the calls are told; all outlive them.
        unsafe {
            match what {
                "looks" => libc::syscall(libc::SYS_newfstatat, libc::AT_FDCWD, file.as_ptr(), room.as_mut_ptr(), 0),
                "firsts" => {
                    let path = path(&round.to_string())?;
                    libc::syscall(libc::SYS_newfstatat, libc::AT_FDCWD, path.as_ptr(), room.as_mut_ptr(), 0)
                }
                "paths" => {
                    let path = path(&round.to_string())?;
                    libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), libc::O_RDONLY, 0);
                    libc::syscall(libc::SYS_newfstatat, libc::AT_FDCWD, path.as_ptr(), room.as_mut_ptr(), 0)
                }
                "links" => libc::readlink(link.as_ptr(), target.as_mut_ptr().cast(), target.len()) as i64,
                "modes" => i64::from(libc::chmod(file.as_ptr(), mode.mode())),
                "renames" if round % 2 == 0 => i64::from(libc::rename(file.as_ptr(), other.as_ptr())),
                "renames" => i64::from(libc::rename(other.as_ptr(), file.as_ptr())),
                "unames" => i64::from(libc::uname(name.as_mut_ptr())),
                "connects" => {
                    // Nobody listens there, which is an answer like any other.
                    let _ = std::os::unix::net::UnixStream::connect(format!("{folder}/nobody"));
                    0
                }
                _ => std::process::Command::new("/bin/true").status().map(|_| 0)?,
            };
        }
    }
    if what == "renames" && count % 2 == 1 {
        std::fs::rename(format!("{folder}/other"), format!("{folder}/file.txt"))?;
    }
    Ok(())
}

/// Processes that wait until the last has been made.
fn crowd(count: u32) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("cannot make a crowd: {error}");
    let (mut hold, held) = std::io::pipe().map_err(cannot)?;
    for _ in 0..count {
        // SAFETY: this process has one thread; the child reads, and calls _exit.
        match unsafe { libc::fork() } {
            -1 => return Err(cannot(std::io::Error::last_os_error())),
            0 => {
                drop(held);
                let _ = hold.read(&mut [0]);
                // SAFETY: _exit takes a number.
                unsafe { libc::_exit(0) };
            }
            _ => {}
        }
    }
    drop(held);
    for _ in 0..count {
        // SAFETY: the status is not asked for.
        unsafe { libc::wait(std::ptr::null_mut()) };
    }
    Ok(())
}

fn forks(count: u32) -> Result<(), String> {
    for _ in 0..count {
        // SAFETY: the child calls nothing but _exit, which is async-signal-safe; the parent waits for it.
        unsafe {
            match libc::fork() {
                -1 => return Err(format!("cannot fork: {}", std::io::Error::last_os_error())),
                0 => libc::_exit(0),
                child => {
                    let mut status = 0;
                    libc::waitpid(child, &raw mut status, 0);
                }
            }
        }
    }
    Ok(())
}
