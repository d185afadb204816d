package sandbox_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// attempts are what a process in a sandbox must be able to do, and must not.
func attempts(c cell) []attempt {
	own := c.Options.Write
	inside := []attempt{
		{"reading the upload", true, func() error { return read(c.Options.Read[0]) }},
		{"writing in its directory", true, func() error { return os.WriteFile(filepath.Join(own, "a"), []byte("x"), 0o600) }},
		{"renaming there", true, func() error { return os.Rename(filepath.Join(own, "a"), filepath.Join(own, "b")) }},
		{"removing there", true, func() error { return os.Remove(filepath.Join(own, "b")) }},
		{"a directory there", true, func() error { return os.MkdirAll(filepath.Join(own, "c/d"), 0o700) }},
		{"files without a name", true, unnamed},
		{"many threads", true, threads},
		{"memory of its own", true, func() error { return os.WriteFile(filepath.Join(own, "m"), make([]byte, 1<<19), 0o600) }},
	}
	return append(append(inside, files(c)...), append(network(c), processes(c)...)...)
}

func files(c cell) []attempt {
	own := c.Options.Write
	write := func(path string) func() error { return func() error { return os.WriteFile(path, []byte("x"), 0o600) } }
	return []attempt{
		{"reading /etc/passwd", false, func() error { return read("/etc/passwd") }},
		{"reading another tenant's file", false, func() error { return read(c.Foreign) }},
		{"the same, which was open when it began", false, func() error {
			_, err := unix.Pread(3, make([]byte, 1), 0)
			return err
		}},
		{"the same by a path through its own directory", false, func() error { return read(own + "/../others/segment.duckdb") }},
		{"the same by a link", false, func() error {
			link := filepath.Join(own, "link")
			if err := os.Symlink(c.Foreign, link); err != nil {
				return err
			}
			return read(link)
		}},
		{"the same by a second name", false, func() error { return os.Link(c.Foreign, filepath.Join(own, "hard")) }},
		{"moving it to itself", false, func() error { return os.Rename(c.Foreign, filepath.Join(own, "moved")) }},
		{"changing the upload", false, write(c.Options.Read[0])},
		{"writing outside", false, write(filepath.Join(c.Outside, "new"))},
		{"writing to /tmp", false, write(filepath.Join(os.TempDir(), "noised-sandbox-escape"))},
		{"removing a file of others", false, func() error { return os.Remove(c.Foreign) }},
		{"emptying a file of others", false, func() error { return os.Truncate(c.Foreign, 0) }},
		{"listing others", false, func() error { _, err := os.ReadDir(c.Outside); return err }},
		{"a device", false, func() error { return unix.Mknod(filepath.Join(own, "dev"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))) }},
		{"a file larger than it may be", false, func() error { return os.WriteFile(filepath.Join(own, "large"), make([]byte, 2<<20), 0o600) }},
		{"more files than it may have open", false, func() error {
			for range 100 {
				f, err := os.Open(c.Options.Read[0])
				if err != nil {
					return err
				}
				defer f.Close()
			}
			return nil
		}},
		{"raising its own limits", false, func() error { return unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 40, Max: 1 << 40}) }},
		{"mounting", false, func() error { return unix.Mount("none", own, "tmpfs", 0, "") }},
		{"another root", false, func() error { return unix.Chroot(own) }},
	}
}

func network(c cell) []attempt {
	socket := func(domain, kind int) func() error {
		return func() error {
			fd, err := unix.Socket(domain, kind, 0)
			if err == nil {
				_ = unix.Close(fd)
			}
			return err
		}
	}
	return []attempt{
		{"connecting to loopback", false, func() error {
			conn, err := net.DialTimeout("tcp", c.TCP, time.Second)
			if err == nil {
				conn.Close()
			}
			return err
		}},
		{"listening", false, func() error { _, err := net.Listen("tcp", "127.0.0.1:0"); return err }},
		{"a datagram", false, socket(unix.AF_INET, unix.SOCK_DGRAM)},
		{"a socket of IPv6", false, socket(unix.AF_INET6, unix.SOCK_STREAM)},
		{"a socket of the machine", false, socket(unix.AF_UNIX, unix.SOCK_STREAM)},
		{"a raw socket", false, socket(unix.AF_INET, unix.SOCK_RAW)},
		{"netlink", false, socket(unix.AF_NETLINK, unix.SOCK_RAW)},
		{"a pair of sockets", false, func() error { _, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0); return err }},
		{"sockets by io_uring", false, func() error { return call(unix.SYS_IO_URING_SETUP, 1, 0, 0) }},
	}
}

func processes(c cell) []attempt {
	server := fmt.Sprintf("/proc/%d/", c.Server)
	return []attempt{
		{"a shell", false, func() error {
			sh := exec.Command("/bin/sh", "-c", "true")
			sh.Stdin, sh.Stdout, sh.Stderr = os.Stdin, os.Stderr, os.Stderr // not /dev/null, which is no file to write to
			return sh.Run()
		}},
		{"becoming a shell", false, func() error { return syscall.Exec("/bin/sh", []string{"sh", "-c", "true"}, nil) }},
		{"becoming a file in memory", false, func() error { return call(unix.SYS_EXECVEAT, 0, 0, 0) }},
		{"a process", false, fork},
		{"a signal to the server", false, func() error { return unix.Kill(c.Server, 0) }},
		{"a signal to a thread of it", false, func() error { return unix.Tgkill(c.Server, c.Server, 0) }},
		{"its environment", false, func() error { return read(server + "environ") }},
		{"its memory", false, func() error { return read(server + "mem") }},
		{"its command line", false, func() error { return read(server + "cmdline") }},
		{"its open files", false, func() error { return read(server + "fd/0") }},
		{"tracing it", false, func() error { return unix.PtraceAttach(c.Server) }},
		{"its memory by a call", false, func() error {
			b := make([]byte, 1)
			_, err := unix.ProcessVMReadv(c.Server, []unix.Iovec{{Base: &b[0], Len: 1}}, []unix.RemoteIovec{{Base: uintptr(unsafe.Pointer(&b[0])), Len: 1}}, 0)
			return err
		}},
		{"its files by a call", false, func() error { return call(unix.SYS_PIDFD_OPEN, uintptr(c.Server), 0, 0) }},
		{"its limits", false, func() error { return call(unix.SYS_PRLIMIT64, uintptr(c.Server), unix.RLIMIT_NOFILE, 0) }},
		{"namespaces", false, func() error { return unix.Unshare(unix.CLONE_NEWUSER) }},
		{"the kernel's programs", false, func() error { return call(unix.SYS_BPF, 0, 0, 0) }},
		{"its keys", false, func() error { _, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false); return err }},
		{"another user", false, func() error { return call(unix.SYS_SETUID, 1, 0, 0) }},
		{"dumping itself", false, func() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) }},
		{"the old calls of 32 bits", false, func() error { return call(0x40000000|unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0) }},
	}
}

func read(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Read(make([]byte, 1))
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func call(number, a, b, c uintptr) error {
	if _, _, e := unix.Syscall(number, a, b, c); e != 0 {
		return e
	}
	return nil
}

// fork tries a process, which would end at once.
func fork() error {
	pid, _, e := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if e != 0 {
		return e
	}
	if pid == 0 {
		unix.Exit(0)
	}
	return nil
}

// unnamed opens a file again that has no name any more, and one that never had any.
func unnamed() error {
	fd, err := unix.MemfdCreate("x", unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte("x")); err != nil {
		return err
	}
	return read(fmt.Sprintf("/proc/self/fd/%d", fd))
}

// threads tries the walls from many threads at a time.
func threads() error {
	var wg sync.WaitGroup
	faults := make(chan error, 64)
	for range cap(faults) {
		wg.Go(func() {
			runtime.LockOSThread() // ends with its thread
			if err := read("/etc/passwd"); err == nil {
				faults <- errors.New("a thread may read /etc/passwd")
			}
			if fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); err == nil {
				_ = unix.Close(fd)
				faults <- errors.New("a thread may make a socket")
			}
			status, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/status", unix.Gettid()))
			if err != nil || !strings.Contains(string(status), "NoNewPrivs:\t1") {
				faults <- fmt.Errorf("a thread may gain privileges (%v)", err)
			}
		})
	}
	wg.Wait()
	close(faults)
	return <-faults
}
