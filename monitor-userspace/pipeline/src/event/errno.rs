//! errno by name.

use std::borrow::Cow;

/// What stands for the result of a call that a seccomp filter has trapped or killed.
const NO_RESULT: u64 = monitor_common::syscall::NO_RESULT.unsigned_abs();

/// Names by number (asm-generic/errno-base.h and errno.h, which x86-64 uses); 0, 41 and 58 have none.
#[rustfmt::skip]
const NAMES: [&str; 134] = [
    "", "EPERM", "ENOENT", "ESRCH", "EINTR", "EIO", "ENXIO", "E2BIG", "ENOEXEC", "EBADF", "ECHILD", "EAGAIN",
    "ENOMEM", "EACCES", "EFAULT", "ENOTBLK", "EBUSY", "EEXIST", "EXDEV", "ENODEV", "ENOTDIR", "EISDIR", "EINVAL",
    "ENFILE", "EMFILE", "ENOTTY", "ETXTBSY", "EFBIG", "ENOSPC", "ESPIPE", "EROFS", "EMLINK", "EPIPE", "EDOM",
    "ERANGE", "EDEADLK", "ENAMETOOLONG", "ENOLCK", "ENOSYS", "ENOTEMPTY", "ELOOP", "", "ENOMSG", "EIDRM", "ECHRNG",
    "EL2NSYNC", "EL3HLT", "EL3RST", "ELNRNG", "EUNATCH", "ENOCSI", "EL2HLT", "EBADE", "EBADR", "EXFULL", "ENOANO",
    "EBADRQC", "EBADSLT", "", "EBFONT", "ENOSTR", "ENODATA", "ETIME", "ENOSR", "ENONET", "ENOPKG", "EREMOTE",
    "ENOLINK", "EADV", "ESRMNT", "ECOMM", "EPROTO", "EMULTIHOP", "EDOTDOT", "EBADMSG", "EOVERFLOW", "ENOTUNIQ",
    "EBADFD", "EREMCHG", "ELIBACC", "ELIBBAD", "ELIBSCN", "ELIBMAX", "ELIBEXEC", "EILSEQ", "ERESTART", "ESTRPIPE",
    "EUSERS", "ENOTSOCK", "EDESTADDRREQ", "EMSGSIZE", "EPROTOTYPE", "ENOPROTOOPT", "EPROTONOSUPPORT",
    "ESOCKTNOSUPPORT", "EOPNOTSUPP", "EPFNOSUPPORT", "EAFNOSUPPORT", "EADDRINUSE", "EADDRNOTAVAIL", "ENETDOWN",
    "ENETUNREACH", "ENETRESET", "ECONNABORTED", "ECONNRESET", "ENOBUFS", "EISCONN", "ENOTCONN", "ESHUTDOWN",
    "ETOOMANYREFS", "ETIMEDOUT", "ECONNREFUSED", "EHOSTDOWN", "EHOSTUNREACH", "EALREADY", "EINPROGRESS", "ESTALE",
    "EUCLEAN", "ENOTNAM", "ENAVAIL", "EISNAM", "EREMOTEIO", "EDQUOT", "ENOMEDIUM", "EMEDIUMTYPE", "ECANCELED",
    "ENOKEY", "EKEYEXPIRED", "EKEYREVOKED", "EKEYREJECTED", "EOWNERDEAD", "ENOTRECOVERABLE", "ERFKILL", "EHWPOISON",
];

/// The name of an errno. Numbers from 512 on never reach a program: a call that a signal interrupted shows them where
/// the kernel is observed (include/linux/errno.h).
#[must_use]
pub fn name(errno: u64) -> Cow<'static, str> {
    let named = usize::try_from(errno).ok().and_then(|at| NAMES.get(at)).filter(|name| !name.is_empty());
    if let Some(name) = named {
        return Cow::Borrowed(name);
    }
    match errno {
        512 => Cow::Borrowed("ERESTARTSYS"),
        513 => Cow::Borrowed("ERESTARTNOINTR"),
        514 => Cow::Borrowed("ERESTARTNOHAND"),
        515 => Cow::Borrowed("ENOIOCTLCMD"),
        516 => Cow::Borrowed("ERESTART_RESTARTBLOCK"),
        NO_RESULT => Cow::Borrowed("SECCOMP"),
        _ => Cow::Owned(format!("E{errno}")),
    }
}

/// The name of the errno in a result of a call, or `None` when the call succeeded.
#[must_use]
pub fn of_result(result: i64) -> Option<Cow<'static, str>> {
    (result < 0).then(|| name(result.unsigned_abs()))
}
