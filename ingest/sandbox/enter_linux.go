package sandbox

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/landlock-lsm/go-landlock/landlock"
	llsys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// Supported says what Enter could put in force here, without doing it.
func Supported() Report {
	r := Report{Calls: filterable()}
	if v, err := llsys.LandlockGetABIVersion(); err == nil && v > 0 {
		r.Files = v
	}
	return r
}

// Enter restricts this process, all of its threads and whatever they start. It
// cannot be undone, and after an error some of it may hold: a process that fails to
// enter should end.
func Enter(o Options) (Report, error) {
	if err := dropInherited(); err != nil {
		return Report{}, fmt.Errorf("closing what was open: %w", err)
	}
	limit(o)
	can := Supported()
	if err := o.require(can); err != nil {
		return can, err
	}
	if can.Files > 0 {
		if err := shutFiles(o); err != nil {
			return Report{}, fmt.Errorf("shutting files off: %w", err)
		}
	}
	if can.Calls {
		if err := filterCalls(); err != nil {
			return Report{}, fmt.Errorf("filtering system calls: %w", err)
		}
	}
	return can, probe(can)
}

// dropInherited closes the files that this process was started with, other than its
// standard streams. DuckDB opens what it reads without the mark that keeps a file from
// children, so that a server's child has the files of all tenants open, which no
// later restriction takes away. What this process opened itself bears the mark.
func dropInherited() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= 2 {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC != 0 {
			continue // of the listing itself, or our own
		}
		if err := unix.Close(fd); err != nil {
			return err
		}
	}
	return nil
}

// limit sets what the kernel counts. Core dumps would hold rows and keys. Whatever a
// limit was, it is never raised.
func limit(o Options) {
	lower := func(resource int, to uint64) {
		var now unix.Rlimit
		if unix.Getrlimit(resource, &now) == nil {
			to = min(to, now.Max)
		}
		_ = unix.Setrlimit(resource, &unix.Rlimit{Cur: to, Max: to})
	}
	lower(unix.RLIMIT_CORE, 0)
	lower(unix.RLIMIT_NPROC, maxThreads)
	lower(unix.RLIMIT_MSGQUEUE, 0)
	for resource, to := range map[int]uint64{
		unix.RLIMIT_DATA: o.DataBytes, unix.RLIMIT_FSIZE: o.FileBytes, unix.RLIMIT_NOFILE: o.OpenFiles, unix.RLIMIT_CPU: o.CPUSeconds,
	} {
		if to > 0 && to <= math.MaxInt64 {
			lower(resource, to)
		}
	}
}

// maxThreads bounds the threads of all processes of this user. No process can be
// started under the filter; this is for a kernel without one.
const maxThreads = 8192

const (
	readFile = landlock.AccessFSSet(llsys.AccessFSReadFile)
	readDir  = readFile | landlock.AccessFSSet(llsys.AccessFSReadDir)
	// What can be done in a directory of one's own: neither running programs nor
	// making devices and sockets.
	ownDir = readDir | landlock.AccessFSSet(llsys.AccessFSWriteFile|llsys.AccessFSMakeReg|llsys.AccessFSMakeDir|llsys.AccessFSMakeSym|
		llsys.AccessFSRemoveFile|llsys.AccessFSRemoveDir|llsys.AccessFSTruncate|llsys.AccessFSRefer)
)

// machine is what the Go runtime, the C library and DuckDB read of the machine and
// of this process. Nothing of other processes is in it.
func machine() []string {
	return []string{
		fmt.Sprintf("/proc/%d", os.Getpid()), "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/mounts", "/proc/sys/vm", "/proc/sys/kernel",
		"/sys/devices/system", "/sys/fs/cgroup", "/sys/kernel/mm", "/dev/urandom", "/dev/null",
	}
}

// shutFiles leaves the named files. Networks and other processes' signals are shut
// off with them where the kernel can; the filter does that, too.
func shutFiles(o Options) error {
	var rules []landlock.Rule
	for _, path := range append(machine(), o.Read...) {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return err
		case info.IsDir():
			rules = append(rules, landlock.PathAccess(readDir, path))
		default:
			rules = append(rules, landlock.PathAccess(readFile, path))
		}
	}
	if o.Write != "" {
		if o.Write = filepath.Clean(o.Write); o.Write == "/" {
			return errors.New("the whole of the machine is no directory of one's own")
		}
		rules = append(rules, landlock.PathAccess(ownDir, o.Write))
	}
	return landlock.V11.BestEffort().Restrict(rules...)
}

// probe tries what must be refused now.
func probe(in Report) error {
	if in.Files > 0 {
		f, err := os.Open("/")
		if err == nil {
			f.Close()
			return errors.New("the machine's files can be listed still")
		} else if !errors.Is(err, os.ErrPermission) {
			return fmt.Errorf("trying whether files are shut off: %w", err)
		}
	}
	if !in.Calls {
		return nil
	}
	if fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); err == nil {
		_ = unix.Close(fd)
		return errors.New("a socket can be made still")
	}
	return everyThread()
}

// everyThread checks that the filter is that of every thread: the kernel leaves out
// all where it cannot have one.
func everyThread() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tasks, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(tasks) == 0 {
		return errors.New("the threads of this process cannot be listed")
	}
	for _, task := range tasks {
		status, err := os.ReadFile(task)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // it has ended
		} else if err != nil {
			return err
		}
		if !strings.Contains(string(status), "\nSeccomp:\t2\n") {
			return errors.New("a thread has no filter")
		}
	}
	return nil
}
