package sandbox

import (
	"os"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// calls are the system calls that the Go runtime, the C library and DuckDB make to
// compute and to use files. What is not here is refused: programs and processes
// (execve, fork), the network (socket and all that needs one), other processes
// (ptrace, kill, process_vm_readv), and the machine (mount, bpf, io_uring_setup, …).
var calls = []string{
	"read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2", "pwritev2", "lseek", "close", "close_range",
	"open", "openat", "openat2", "stat", "fstat", "lstat", "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat", "faccessat2", "readlink", "readlinkat",
	"getdents", "getdents64", "getcwd", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2", "symlink", "symlinkat", "memfd_create",
	"truncate", "ftruncate", "fallocate", "fadvise64", "fsync", "fdatasync", "sync_file_range", "copy_file_range", "sendfile", "flock", "fcntl", "dup", "dup2", "dup3", "fchmod", "umask",
	"pipe", "pipe2", "poll", "ppoll", "select", "pselect6", "eventfd2", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
	"mmap", "munmap", "mremap", "mprotect", "madvise", "mincore", "msync", "brk", "membarrier", "mlock", "munlock", "pkey_mprotect", "map_shadow_stack",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "sigaltstack", "restart_syscall", "exit", "exit_group",
	"futex", "futex_waitv", "set_robust_list", "get_robust_list", "set_tid_address", "rseq", "sched_yield", "sched_getaffinity", "sched_setaffinity", "sched_getparam", "sched_getscheduler", "getcpu", "get_mempolicy",
	"nanosleep", "clock_nanosleep", "clock_gettime", "clock_getres", "gettimeofday", "time", "times", "timer_create", "timer_settime", "timer_delete", "setitimer",
	"getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getpgrp", "getpriority", "uname", "sysinfo", "getrusage", "getrlimit", "getrandom", "arch_prctl",
}

// unknown makes a call look like one that the kernel does not have, so that the C
// library goes on with an older one whose arguments can be seen.
const unknown = seccomp.ActionErrno | seccomp.Action(unix.ENOSYS)

// filterable reports whether system calls can be filtered.
func filterable() bool {
	_, err := arch.GetInfo("")
	return err == nil && seccomp.Supported()
}

// filterCalls refuses what is not listed, in every thread.
func filterCalls() error {
	known, err := arch.GetInfo("")
	if err != nil {
		return err
	}
	here := func(names []string) (found []string) {
		for _, name := range names {
			if _, ok := known.SyscallNames[name]; ok {
				found = append(found, name) // not every machine has every call
			}
		}
		return found
	}
	self := uint64(os.Getpid())
	only := func(name string, argument uint32, is seccomp.Operation, value uint64) seccomp.NameWithConditions {
		return seccomp.NameWithConditions{Name: name, Conditions: []seccomp.Condition{{Argument: argument, Operation: is, Value: value}}}
	}
	return seccomp.LoadFilter(seccomp.Filter{
		NoNewPrivs: true,
		Flag:       seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{
			DefaultAction: seccomp.ActionErrno,
			Syscalls: []seccomp.SyscallGroup{
				{Names: here(calls), Action: seccomp.ActionAllow},
				{Names: here([]string{"clone3"}), Action: unknown},
				// Last, since arguments are left where the number of the call was.
				{Action: seccomp.ActionAllow, NamesWithCondtions: []seccomp.NameWithConditions{
					only("clone", 0, seccomp.BitsSet, unix.CLONE_THREAD), // the kernel wants the rest of a thread with it
					only("tgkill", 0, seccomp.Equal, self),               // a signal to a thread of one's own
					only("prlimit64", 0, seccomp.Equal, 0),               // one's own limits
					only("prctl", 0, seccomp.Equal, unix.PR_SET_NAME),    // of a thread
					only("prctl", 0, seccomp.Equal, unix.PR_SET_VMA),     // names memory
				}},
			},
		},
	})
}
