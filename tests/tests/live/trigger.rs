//! What the live tests observe: `live trigger NAME [ARGUMENT…]` does one thing and ends.

use std::ffi::CString;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

/// A user and a group that are not root's.
const NOBODY: u32 = 65534;

/// Does what the arguments name.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("trigger: {error:#}");
            ExitCode::from(99)
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    match words {
        ["nothing", ..] => Ok(()),
        ["exec-from-thread"] => exec_from_thread(),
        ["exec-from-thread", "second"] => Command::new("true").status().map(|_| ()).context("cannot run true"),
        ["host", call @ ..] => crate::host::calls::make(call),
        ["reuse-a-pid"] => reuse_a_pid(),
        ["killed-by-a-filter", file] => crate::host::calls::killed(file),
        ["compat"] => {
            crate::host::calls::compat();
            Ok(())
        }
        ["host-waits"] => crate::host::calls::waits(),
        ["in-a-session", rest @ ..] => {
            // A leader of a process group cannot begin a session; a child is none.
            let own = std::env::current_exe()?;
            let mut command = Command::new(own);
            command.arg("trigger").args(rest);
            // SAFETY: setsid takes nothing and allocates nothing.
            unsafe { command.pre_exec(|| Ok(nix::unistd::setsid().map(drop)?)) };
            Ok(command.status().map(drop)?)
        }
        ["apart", rest @ ..] => {
            nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS | nix::sched::CloneFlags::CLONE_NEWNET)?;
            Err(Command::new(std::env::current_exe()?).arg("trigger").args(rest).exec().into())
        }
        ["as-nobody", program, rest @ ..] => {
            Err(Command::new(program).arg("trigger").args(rest).uid(NOBODY).gid(NOBODY).exec().into())
        }
        ["open", call, path] => open(call, path),
        ["open-at", folder, name] => open_at(folder, name),
        ["open-path", path] => {
            raw(libc::SYS_openat, [-100, pointer(path)?.as_ptr() as i64, i64::from(libc::O_PATH), 0]).map(drop)
        }
        ["opens", count, path] => (0..count.parse::<u32>()?).try_for_each(|_| open("openat", path)),
        // Each path so often, in turn.
        ["stats", count, paths @ ..] => {
            for path in (0..count.parse::<u32>()?).flat_map(|_| paths) {
                let _ = std::fs::symlink_metadata(path);
            }
            Ok(())
        }
        ["connect", "ipv4", port] => std::net::TcpStream::connect(format!("127.0.0.1:{port}")).map(drop).or(Ok(())),
        ["connect", "ipv6", port] => std::net::TcpStream::connect(format!("[::1]:{port}")).map(drop).or(Ok(())),
        ["connect", "unix", path, "twice"] => {
            drop((std::os::unix::net::UnixStream::connect(path)?, std::os::unix::net::UnixStream::connect(path)?));
            Ok(())
        }
        ["connect", "unix", path] => std::os::unix::net::UnixStream::connect(path).map(drop).or(Ok(())),
        ["connect", "abstract", name] => abstract_connect(name),
        ["connect", "nonblocking", port] => nonblocking(port.parse()?),
        ["connect", "udp", port] => {
            let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
            Ok(socket.connect(format!("127.0.0.1:{port}"))?)
        }
        ["getenv", names @ ..] => names.iter().try_for_each(|name| getenv(name, false)),
        ["enumerate", names @ ..] => enumerate(names),
        ["secure-getenv", name] => getenv(name, true),
        ["open-until-eof", path] => open_until_eof(path),
        // Reads until its standard input ends, then opens: the test decides when.
        ["wait-then-open", path] => {
            std::io::stdout().write_all(b"ready\n")?;
            std::io::stdin().read_to_string(&mut String::new())?;
            open("openat", path)?;
            Ok(std::io::stdout().write_all(b"opened\n")?)
        }
        ["traffic", call @ ..] => crate::traffic::calls::make(call),
        ["dns", "ask", how] => crate::dns::asking::ask(how),
        ["dns", "network", "itself", how] => {
            let own = std::env::current_exe()?;
            crate::dns::network::run(own.to_str().context("an odd path")?, &["trigger", "dns", "ask", how])
        }
        ["dns", "network", "program", program, arguments @ ..] => crate::dns::network::run(program, arguments),
        ["sockets", call @ ..] => crate::sockets::calls::make(call),
        ["daemon", fifo, path] => daemon(fifo, path),
        ["children", count] => children(count.parse()?),
        ["lineage", folder] => crate::running::trigger(folder),
        ["looks", look @ ..] => crate::looks::trigger(look),
        ["paths", count] => crate::many::open_paths(count.parse()?),
        ["execs", program, count] => crate::many::execute(program, count.parse()?),
        ["full", what, children, calls] => crate::full::trigger(what, children.parse()?, calls.parse()?),
        ["waiting", folder] => crate::waiting::trigger(folder, false),
        ["waiting", folder, "stay"] => crate::waiting::trigger(folder, true),
        ["numbered", batch, prefix, file] => crate::numbered::trigger(batch.parse()?, prefix, file),
        ["on-a-small-disk", folder] => crate::disk::trigger(folder),
        ["dying", count] => dying(count.parse()?),
        ["waiting-open", fifo] => {
            std::io::stdout().write_all(format!("{}\n", std::process::id()).as_bytes())?;
            open("openat", fifo)
        }
        ["descriptors"] => descriptors(),
        ["io-uring", mode, folder, port] => crate::io_uring::trigger(mode, folder, port),
        ["calls", calls @ ..] => calls.split(|word| *word == ";").try_for_each(crate::oracle::calls::by_name),
        ["secrets", port] => crate::secrets::trigger(port),
        ["each-call", folder] => crate::oracle::calls::make(folder),
        ["killed-in-a-call", folder] => crate::oracle::calls::killed_in_a_call(folder),
        _ => bail!("no such trigger: {words:?}"),
    }
}

fn pointer(text: &str) -> Result<CString> {
    CString::new(text).context("an argument holds a NUL")
}

/// A system call with up to four arguments; a failure is a result like any other.
fn raw(number: i64, arguments: [i64; 4]) -> Result<i64> {
    let [a, b, c, d] = arguments;
    // SAFETY: the callers pass numbers, and pointers to values that outlive the call.
    let result = unsafe { libc::syscall(number, a, b, c, d) };
    if result >= 0 && [libc::SYS_open, libc::SYS_creat, libc::SYS_openat, libc::SYS_openat2].contains(&number) {
        // SAFETY: the descriptor was just opened here and is used nowhere else.
        unsafe { libc::syscall(libc::SYS_close, result) };
    }
    Ok(result)
}

fn open(call: &str, path: &str) -> Result<()> {
    let path = pointer(path)?;
    let pointer = path.as_ptr() as i64;
    let flags = i64::from(libc::O_RDONLY | libc::O_CLOEXEC);
    // struct open_how of linux/openat2.h: flags, mode, resolve (RESOLVE_NO_MAGICLINKS).
    let how = [u64::try_from(flags)?, 0, 0x2];
    match call {
        "open" => raw(libc::SYS_open, [pointer, flags, 0, 0]),
        "openat" => raw(libc::SYS_openat, [-100, pointer, flags, 0]),
        "openat2" => raw(libc::SYS_openat2, [-100, pointer, how.as_ptr() as i64, 24]),
        "creat" => raw(libc::SYS_creat, [pointer, 0o640, 0, 0]),
        other => bail!("no such call: {other}"),
    }
    .map(drop)
}

/// Opens without pause until standard input ends.
fn open_until_eof(path: &str) -> Result<()> {
    let reader = std::thread::spawn(|| std::io::stdin().read_to_string(&mut String::new()));
    while !reader.is_finished() {
        open("openat", path)?;
    }
    Ok(())
}

/// Leaves a process behind, in a session of its own and with the caller's output closed, that creates a file once nobody
/// holds the FIFO open for writing any more.
fn daemon(fifo: &str, path: &str) -> Result<()> {
    use nix::unistd::{ForkResult, fork, setsid};
    let mut fifo = std::fs::File::open(fifo).context("cannot open the FIFO")?;
    // SAFETY: this process has one thread, so the child may do whatever its parent may.
    if let ForkResult::Parent { child } = unsafe { fork() }? {
        nix::sys::wait::waitpid(child, None)?;
        return Ok(());
    }
    setsid()?;
    // SAFETY: as above. The child that was forked first ends, so the daemon is nobody's child here.
    if let ForkResult::Parent { .. } = unsafe { fork() }? {
        return Ok(());
    }
    for own in 0..3 {
        // SAFETY: nothing in this process uses its standard streams after this.
        unsafe { libc::close(own) };
    }
    fifo.read_to_string(&mut String::new())?;
    open("creat", path)
}

/// Makes children that are all there at once, and end when the last has been made.
fn children(count: usize) -> Result<()> {
    use nix::unistd::{ForkResult, fork};
    let (hold, held) = nix::unistd::pipe()?;
    for _ in 0..count {
        // SAFETY: this process has one thread, and the child calls nothing but read, close and _exit.
        if let ForkResult::Child = unsafe { fork() }? {
            drop(held);
            let _ = nix::unistd::read(&hold, &mut [0]);
            // SAFETY: _exit takes a number.
            unsafe { libc::_exit(0) };
        }
    }
    drop(held);
    for _ in 0..count {
        nix::sys::wait::wait()?;
    }
    Ok(())
}

/// Makes children that end at once, so many at a time, until standard input ends.
fn dying(count: usize) -> Result<()> {
    use nix::unistd::{ForkResult, fork};
    let input = std::io::stdin();
    let mut out = std::io::stdout();
    let mut poll = [nix::poll::PollFd::new(std::os::fd::AsFd::as_fd(&input), nix::poll::PollFlags::POLLIN)];
    let mut is_ready = false;
    while nix::poll::poll(&mut poll, nix::poll::PollTimeout::ZERO)? == 0 {
        for _ in 0..count {
            // SAFETY: this process has one thread, and the child calls nothing but _exit.
            if let ForkResult::Child = unsafe { fork() }? {
                // SAFETY: _exit takes a number.
                unsafe { libc::_exit(0) };
            }
        }
        if !is_ready {
            out.write_all(b"ready\n")?;
            is_ready = true;
        }
        for _ in 0..count {
            nix::sys::wait::wait()?;
        }
    }
    Ok(out.write_all(b"over\n")?)
}

/// Prints the open descriptors, one a line, without opening one to find out.
fn descriptors() -> Result<()> {
    // SAFETY: F_GETFD takes a number and changes nothing.
    let open = (0..1024).filter(|&number| unsafe { libc::fcntl(number, libc::F_GETFD) } >= 0);
    let lines: String = open.map(|number| format!("{number}\n")).collect();
    Ok(std::io::stdout().write_all(lines.as_bytes())?)
}

fn open_at(folder: &str, name: &str) -> Result<()> {
    let folder = std::fs::File::open(folder)?;
    let name = pointer(name)?;
    let fd = i64::from(std::os::fd::AsRawFd::as_raw_fd(&folder));
    raw(libc::SYS_openat, [fd, name.as_ptr() as i64, i64::from(libc::O_RDONLY), 0]).map(drop)
}

fn exec_from_thread() -> Result<()> {
    let own = std::env::current_exe()?;
    let thread = std::thread::spawn(move || Command::new(own).args(["trigger", "exec-from-thread", "second"]).exec());
    // The exec ends this thread; only a failed one returns.
    match thread.join() {
        Ok(error) => Err(error).context("cannot exec from a thread"),
        Err(_) => bail!("the thread panicked"),
    }
}

fn abstract_connect(name: &str) -> Result<()> {
    use std::os::linux::net::SocketAddrExt;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
    std::os::unix::net::UnixStream::connect_addr(&address).map(drop).or(Ok(()))
}

fn nonblocking(port: u16) -> Result<()> {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, connect, socket};
    let fd = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_NONBLOCK, None)?;
    let _ = connect(std::os::fd::AsRawFd::as_raw_fd(&fd), &SockaddrIn::new(127, 0, 0, 1, port));
    Ok(())
}

unsafe extern "C" {
    /// secure_getenv(3), which the libc crate does not declare.
    fn secure_getenv(name: *const libc::c_char) -> *mut libc::c_char;
}

/// Looks every name of the environment up, three times each, as Node does for `{...process.env}`; then the names given.
fn enumerate(names: &[&str]) -> Result<()> {
    let own: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
    for name in &own {
        for _ in 0..3 {
            getenv(name, false)?;
        }
    }
    names.iter().try_for_each(|name| getenv(name, false))
}

pub(crate) fn getenv(name: &str, secure: bool) -> Result<()> {
    let name = pointer(name)?;
    // SAFETY: the name is a C string that outlives the call, and nothing here writes the environment.
    unsafe {
        if secure {
            secure_getenv(name.as_ptr())
        } else {
            libc::getenv(name.as_ptr())
        };
    }
    Ok(())
}

/// Makes two children with the same pid, one after the other, and prints it. The kernel gives the number behind the last
/// one (`ns_last_pid`, proc_sys_kernel(5)); whoever else forks at the moment takes it, so it is tried again.
fn reuse_a_pid() -> Result<()> {
    use nix::unistd::{ForkResult, fork};
    let child = |code: i32| -> Result<i32> {
        // SAFETY: this process has one thread; the child ends at once.
        match unsafe { fork() }? {
            ForkResult::Child => std::process::exit(code),
            ForkResult::Parent { child } => Ok(child.as_raw()),
        }
    };
    for _ in 0..1000 {
        let first = child(3)?;
        nix::sys::wait::wait()?;
        std::fs::write("/proc/sys/kernel/ns_last_pid", (first - 1).to_string())?;
        let second = child(4)?;
        nix::sys::wait::wait()?;
        if first == second {
            return Ok(std::io::stdout().write_all(first.to_string().as_bytes())?);
        }
    }
    bail!("the pid was always taken by another process")
}
