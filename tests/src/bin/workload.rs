//! A load of known size, for benchmarks and tests: how many of what, and nothing else.
//!
//! `workload opens COUNT PATH` opens and closes PATH COUNT times and prints the nanoseconds of one round.

use std::ffi::CString;
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
        return Err("usage: workload opens|getpids|getenvs|forks COUNT [PATH|NAME]".into());
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
