//! Where the fields of kernel structures are: found in the kernel's BTF by userspace, handed to the programs as
//! one global, never guessed.

use crate::pod;

/// The offset of a field that this kernel's BTF does not have; what needs the field is switched off.
pub const ABSENT: u32 = u32::MAX;

/// A field that the kernel half reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The structure, as BTF names it.
    pub structure: &'static str,
    /// The member; members of anonymous structures and unions count as the outer structure's own.
    pub member: &'static str,
}

macro_rules! offsets {
    ($($(#[$doc:meta])* $name:ident = $structure:literal . $member:literal,)*) => {
        /// Byte offsets of the fields that the kernel half reads, each [`ABSENT`] where the kernel has no such field.
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Offsets {
            $(
                #[doc = concat!("`", $structure, ".", $member, "`.")]
                $(#[$doc])*
                pub $name: u32,
            )*
        }

        impl Offsets {
            /// No offset is known.
            pub const ABSENT: Self = Self { $($name: ABSENT,)* };

            /// Asks `find` for each field in turn; `None` makes it [`ABSENT`].
            pub fn from_fn(mut find: impl FnMut(Field) -> Option<u32>) -> Self {
                Self { $($name: find(Field { structure: $structure, member: $member }).unwrap_or(ABSENT),)* }
            }

            /// Every field with its offset, in the order of the layout.
            pub fn fields(&self) -> impl Iterator<Item = (Field, u32)> {
                [$((Field { structure: $structure, member: $member }, self.$name),)*].into_iter()
            }
        }

        const COUNT: usize = [$(stringify!($name)),*].len();
    };
}

offsets! {
    task_group_leader = "task_struct"."group_leader",
    task_start_boottime = "task_struct"."start_boottime",
    task_pid = "task_struct"."pid",
    task_tgid = "task_struct"."tgid",
    task_real_parent = "task_struct"."real_parent",
    task_comm = "task_struct"."comm",
    task_signal = "task_struct"."signal",
    task_exit_code = "task_struct"."exit_code",
    task_files = "task_struct"."files",
    task_fs = "task_struct"."fs",
    task_mm = "task_struct"."mm",
    task_thread_info = "task_struct"."thread_info",
    thread_info_status = "thread_info"."status",
    task_seccomp = "task_struct"."seccomp",
    seccomp_mode = "seccomp"."mode",
    signal_live = "signal_struct"."live",
    signal_flags = "signal_struct"."flags",
    signal_group_exit_code = "signal_struct"."group_exit_code",
    files_fdt = "files_struct"."fdt",
    fdt_max_fds = "fdtable"."max_fds",
    fdt_fd = "fdtable"."fd",
    file_path = "file"."f_path",
    file_inode = "file"."f_inode",
    file_private_data = "file"."private_data",
    path_mnt = "path"."mnt",
    path_dentry = "path"."dentry",
    dentry_parent = "dentry"."d_parent",
    dentry_hash = "dentry"."d_hash",
    dentry_name = "dentry"."d_name",
    qstr_len = "qstr"."len",
    qstr_name = "qstr"."name",
    vfsmount_root = "vfsmount"."mnt_root",
    mount_mnt = "mount"."mnt",
    mount_parent = "mount"."mnt_parent",
    mount_mountpoint = "mount"."mnt_mountpoint",
    fs_root = "fs_struct"."root",
    fs_pwd = "fs_struct"."pwd",
    mm_exe_file = "mm_struct"."exe_file",
    mm_arg_start = "mm_struct"."arg_start",
    mm_arg_end = "mm_struct"."arg_end",
    mm_env_start = "mm_struct"."env_start",
    mm_env_end = "mm_struct"."env_end",
    binprm_filename = "linux_binprm"."filename",
    inode_mode = "inode"."i_mode",
    inode_rdev = "inode"."i_rdev",
    inode_number = "inode"."i_ino",
    inode_superblock = "inode"."i_sb",
    superblock_device = "super_block"."s_dev",
    /// Where the request stands among the arguments of the tracepoint `io_uring_submit_req`, or of `io_uring_submit_sqe`
    /// where there is no such, in bytes: these are no structures, but the kernel's types tell them alike.
    submit_request = "io_uring_submit"."request",
    /// 0 where the kernel has the tracepoint `io_uring_submit_req`.
    submit_req = "io_uring_submit"."req",
    request_file = "io_kiocb"."file",
    request_opcode = "io_kiocb"."opcode",
    request_async = "io_kiocb"."async_data",
    filename_name = "filename"."name",
    io_open_folder = "io_open"."dfd",
    io_open_name = "io_open"."filename",
    io_open_how = "io_open"."how",
    open_how_flags = "open_how"."flags",
    io_statx_folder = "io_statx"."dfd",
    io_statx_name = "io_statx"."filename",
    io_statx_flags = "io_statx"."flags",
    io_unlink_folder = "io_unlink"."dfd",
    io_unlink_name = "io_unlink"."filename",
    io_unlink_flags = "io_unlink"."flags",
    io_mkdir_folder = "io_mkdir"."dfd",
    io_mkdir_name = "io_mkdir"."filename",
    io_mkdir_mode = "io_mkdir"."mode",
    io_rename_from_folder = "io_rename"."old_dfd",
    io_rename_from = "io_rename"."oldpath",
    io_rename_to_folder = "io_rename"."new_dfd",
    io_rename_to = "io_rename"."newpath",
    io_rename_flags = "io_rename"."flags",
    io_link_from_folder = "io_link"."old_dfd",
    io_link_from = "io_link"."oldpath",
    io_link_to_folder = "io_link"."new_dfd",
    io_link_to = "io_link"."newpath",
    io_link_flags = "io_link"."flags",
    io_connect_address = "io_connect"."addr",
    io_connect_len = "io_connect"."addr_len",
    io_bind_len = "io_bind"."addr_len",
    async_address = "io_async_msghdr"."addr",
    socket_type = "socket"."type",
    socket_sock = "socket"."sk",
    sock_protocol = "sock"."sk_protocol",
    sock_common = "sock"."__sk_common",
    common_family = "sock_common"."skc_family",
    common_peer = "sock_common"."skc_daddr",
    common_own = "sock_common"."skc_rcv_saddr",
    common_peer_port = "sock_common"."skc_dport",
    common_own_port = "sock_common"."skc_num",
    common_peer6 = "sock_common"."skc_v6_daddr",
    common_own6 = "sock_common"."skc_v6_rcv_saddr",
    unix_peer = "unix_sock"."peer",
    unix_address = "unix_sock"."addr",
    unix_address_len = "unix_address"."len",
    unix_address_name = "unix_address"."name",
    task_cred = "task_struct"."cred",
    task_thread_pid = "task_struct"."thread_pid",
    task_nsproxy = "task_struct"."nsproxy",
    signal_pids = "signal_struct"."pids",
    cred_euid = "cred"."euid",
    cred_egid = "cred"."egid",
    cred_user_ns = "cred"."user_ns",
    cred_permitted = "cred"."cap_permitted",
    cred_ambient = "cred"."cap_ambient",
    pid_level = "pid"."level",
    pid_numbers = "pid"."numbers",
    upid_nr = "upid"."nr",
    upid_ns = "upid"."ns",
    nsproxy_mnt = "nsproxy"."mnt_ns",
    nsproxy_net = "nsproxy"."net_ns",
    pid_namespace_common = "pid_namespace"."ns",
    user_namespace_common = "user_namespace"."ns",
    mnt_namespace_common = "mnt_namespace"."ns",
    net_common = "net"."ns",
    ns_common_number = "ns_common"."inum",
    pid_namespace_reaper = "pid_namespace"."child_reaper",
    inode_private = "inode"."i_private",
    superblock_magic = "super_block"."s_magic",
}
pod!(Offsets, 4 * COUNT);

/// The fields without which the path of no file is told, as `structure.member`: those of the walk from a file, or from a
/// descriptor or folder of a thread, to the thread's root.
pub const PATH_FIELDS: &[&str] = &[
    "task_struct.fs",
    "fs_struct.root",
    "fs_struct.pwd",
    "task_struct.files",
    "files_struct.fdt",
    "fdtable.max_fds",
    "fdtable.fd",
    "file.f_path",
    "path.mnt",
    "path.dentry",
    "dentry.d_parent",
    "dentry.d_hash",
    "dentry.d_name",
    "qstr.len",
    "qstr.name",
    "vfsmount.mnt_root",
    "mount.mnt",
    "mount.mnt_parent",
    "mount.mnt_mountpoint",
];

/// Bits of [`Offsets::layout`]: what is there, and structures whose fields lie so that one read gets them all.
pub mod layout {
    /// In `dentry`, `d_hash.pprev`, `d_parent` and `d_name` follow each other, and in `qstr`, `len` at 4 and `name` at 8.
    pub const DENTRY: u32 = 1;
    /// In `mount`, `mnt_parent`, `mnt_mountpoint` and `mnt.mnt_root` follow each other.
    pub const MOUNT: u32 = 1 << 1;
    /// All of [`super::PATH_FIELDS`] are there.
    pub const PATHS: u32 = 1 << 2;
}

impl Offsets {
    /// The first of some fields, each as `structure.member`, that this kernel lacks.
    #[must_use]
    pub fn first_absent<'a>(&self, fields: &[&'a str]) -> Option<&'a str> {
        let known = |name: &str| {
            self.fields().any(|(field, offset)| {
                offset != ABSENT && name.split_once('.') == Some((field.structure, field.member))
            })
        };
        fields.iter().copied().find(|name| !known(name))
    }

    /// Bits of [`layout`] that hold for these offsets.
    #[must_use]
    pub fn layout(&self) -> u32 {
        let follows = |first: u32, second: u32| first != ABSENT && first.checked_add(8) == Some(second);
        let mut bits = if self.first_absent(PATH_FIELDS).is_none() { layout::PATHS } else { 0 };
        let pprev = self.dentry_hash.saturating_add(8);
        if follows(pprev, self.dentry_parent)
            && follows(self.dentry_parent, self.dentry_name)
            && self.qstr_len == 4
            && self.qstr_name == 8
        {
            bits |= layout::DENTRY;
        }
        if follows(self.mount_parent, self.mount_mountpoint)
            && self.vfsmount_root == 0
            && follows(self.mount_mountpoint, self.mount_mnt)
        {
            bits |= layout::MOUNT;
        }
        bits
    }
}
