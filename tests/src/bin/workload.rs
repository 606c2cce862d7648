//! A load of known size, for benchmarks and tests: how many of what, and nothing else.
//!
//! `workload opens COUNT PATH` opens and closes PATH COUNT times and prints the nanoseconds of one round; `workload moves COUNT
//! file|pipe|socket|turns` writes 64 bytes each time, and reads them back unless they go to a file: over one socket, or
//! over two that answer each other.

use std::ffi::CString;
use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use std::time::Instant;

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
        return Err("usage: workload opens|moves|getpids|getenvs|forks COUNT [PATH|WHAT|NAME]".into());
    };
    let count: u32 = count.parse().map_err(|_| format!("COUNT is no number: {count}"))?;
    let text =
        CString::new(rest.first().map_or("", String::as_str)).map_err(|_| "an argument holds a NUL".to_owned())?;
    let started = Instant::now();
    match what.as_str() {
        "opens" => opens(count, &text)?,
        "getpids" => (0..count).for_each(|_| {
            // SAFETY: getpid takes nothing and cannot fail. The raw call is made each time, whatever libc caches.
            unsafe { libc::syscall(libc::SYS_getpid) };
        }),
        "getenvs" => (0..count).for_each(|_| {
            // SAFETY: the name is a C string that outlives the call, and nothing here writes the environment.
            unsafe { libc::getenv(text.as_ptr()) };
        }),
        "moves" => return moves(count, rest.first().map_or("", String::as_str)).map_err(|error| error.to_string()),
        "forks" => forks(count)?,
        other => return Err(format!("no such load: {other}")),
    }
    let nanoseconds = started.elapsed().as_secs_f64() * 1e9 / f64::from(count.max(1));
    Ok(format!("{nanoseconds:.1}"))
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
    let started = Instant::now();
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
    Ok(format!("{:.1}", started.elapsed().as_secs_f64() * 1e9 / f64::from(calls.max(1))))
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
