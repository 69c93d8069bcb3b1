"""The system calls that a sandbox is about: their numbers on both architectures, and what becomes of each.

What becomes of calls whose arguments decide stands in `seccomp.py`, with the program that does it.
"""


def _table(text: str, column: int) -> dict[str, int]:
    """Numbers by name, of one architecture; `-` where it has no such call."""
    rows = (entry.split() for entry in text.replace("\n", " ").split(",") if entry.strip())
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


_NUMBERS = """
    _sysctl 156 -, acct 163 89, add_key 248 217, adjtimex 159 171, bpf 321 280, chmod 90 -, chown 92 -,
    chroot 161 51, clock_adjtime 305 266, clock_settime 227 112, clone 56 220, clone3 435 435, connect 42 203,
    creat 85 -, create_module 174 -, delete_module 176 106, fanotify_init 300 262, fchmod 91 52,
    fchmodat 268 53, fchmodat2 452 452, fchownat 260 54, file_setattr 469 469, finit_module 313 273,
    fsconfig 431 431, fsmount 432 432, fsopen 430 430, fspick 433 433, futimesat 261 -, get_kernel_syms 177 -,
    init_module 175 105, inotify_add_watch 254 27, io_uring_enter 426 426, io_uring_register 427 427,
    io_uring_setup 425 425, ioctl 16 29, ioperm 173 -, iopl 172 -, ioprio_set 251 30, kcmp 312 272,
    kexec_file_load 320 294, kexec_load 246 104, keyctl 250 219, lchown 94 -, listmount 458 458,
    lookup_dcookie 212 18, lremovexattr 198 15, lsetxattr 189 6, lsm_set_self_attr 460 460,
    memfd_create 319 279, memfd_secret 447 447, migrate_pages 256 238, mknod 133 -, mknodat 259 33,
    modify_ldt 154 -, mount 165 40, mount_setattr 442 442, move_mount 429 429, move_pages 279 239,
    mq_open 240 180, mq_unlink 241 181, msgctl 71 187, msgget 68 186, msgrcv 70 188, msgsnd 69 189,
    name_to_handle_at 303 264, nfsservctl 180 42, open 2 -, open_by_handle_at 304 265, open_tree 428 428,
    open_tree_attr 467 467, openat 257 56, openat2 437 437, perf_event_open 298 241, personality 135 92,
    pidfd_getfd 438 438, pivot_root 155 41, prlimit64 302 261, process_madvise 440 440,
    process_mrelease 448 448, process_vm_readv 310 270, process_vm_writev 311 271, ptrace 101 117,
    query_module 178 -, quotactl 179 60, quotactl_fd 443 443, reboot 169 142, removexattr 197 14,
    removexattrat 466 466, request_key 249 218, sched_setaffinity 203 122, sched_setattr 314 274,
    sched_setparam 142 118, sched_setscheduler 144 119, semctl 66 191, semget 64 190, semop 65 193,
    semtimedop 220 192, setdomainname 171 162, sethostname 170 161, setns 308 268, setpgid 109 154,
    setpriority 141 140, setsid 112 157, settimeofday 164 170, setxattr 188 5, setxattrat 463 463,
    shmat 30 196, shmctl 31 195, shmget 29 194, socket 41 198, socketpair 53 199, statmount 457 457,
    swapoff 168 225, swapon 167 224, syslog 103 116, umount2 166 39, unshare 272 97, uselib 134 -,
    userfaultfd 323 282, utime 132 -, utimensat 280 88, utimes 235 -, vhangup 153 58,
"""
X86_64 = _table(_NUMBERS, 1)
AARCH64 = _table(_NUMBERS, 2)

NEWEST = 469
"""The newest call known here (`file_setattr`, Linux 6.17). What is newer has no name in these tables."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


REFUSED = _names("""
    mount umount2 pivot_root chroot unshare setns open_tree move_mount fsopen fsconfig fsmount fspick
    mount_setattr statmount listmount open_tree_attr ptrace process_vm_readv process_vm_writev process_madvise
    process_mrelease kcmp pidfd_getfd keyctl add_key request_key bpf userfaultfd perf_event_open init_module
    finit_module delete_module create_module get_kernel_syms query_module kexec_load kexec_file_load
    open_by_handle_at name_to_handle_at acct swapon swapoff reboot syslog quotactl quotactl_fd nfsservctl
    _sysctl uselib ioperm iopl modify_ldt lookup_dcookie settimeofday clock_settime clock_adjtime adjtimex
    sethostname setdomainname vhangup fanotify_init migrate_pages move_pages lsm_set_self_attr
""")
"""Refused in every sandbox."""

MISSING = _names("""
    io_uring_setup io_uring_enter io_uring_register clone3 openat2 memfd_create memfd_secret shmget msgget
""")
"""Answered as if the kernel did not have them, so that libraries take another way. Memory files and segments are
memory that no limit of a process counts."""

REDUCED_REFUSED = _names("""
    setsid setpgid setpriority ioprio_set sched_setscheduler sched_setattr sched_setparam
    file_setattr inotify_add_watch
""")
"""Without namespaces: what would leave the process group, reach the user's other processes or watch
the user's files."""

REDUCED_MISSING = _names("""
    semget semop semtimedop semctl shmat shmctl msgsnd msgrcv msgctl mq_open mq_unlink
""")
"""Without namespaces: memory, semaphores and queues that programs of the computer share."""

REDUCED_PRETENDED = _names("""
    chmod fchmodat fchmodat2 chown lchown fchownat setxattr lsetxattr removexattr lremovexattr setxattrat
    removexattrat utime utimes futimesat utimensat
""")
"""Without a file system of its own: Landlock does not see changes of modes, owners, attributes and times. They are
reported as done and not done: a refusal would end `shutil.copy`."""
