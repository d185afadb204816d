package worker

import (
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/sandbox"
	"github.com/noised/noised/ingest/upload"
)

// MaxCPUSeconds ends a worker that a file has sent round in circles.
const MaxCPUSeconds = 4 * 3600

// Politeness is how much a worker yields to the server beside it: a load takes
// what processor time queries leave.
const politeness = 10

// limitProcess gives up what a worker does not need and a sandbox does not take. It
// is best effort: none of it is what the guarantee rests on.
func limitProcess() {
	// When memory runs out, the kernel should end the load and not the server.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	unix.Umask(0o077)
	// Threads have a priority each; those to come take that of the one that starts them.
	tasks, _ := filepath.Glob("/proc/self/task/*")
	for _, task := range tasks {
		if id, err := strconv.Atoi(filepath.Base(task)); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, id, politeness)
		}
	}
}

// What a load may take beyond what it is expected to, since limits that are met by
// honest files are lifted by those who run servers.
const (
	dataAllowance = 2 << 30 // address space that DuckDB and the Go runtime map and do not use
	fileAllowance = 1 << 30
	fileFactor    = 24 // rows of a few bytes of text have a pseudonym, typed columns, ranks
	someFiles     = 256
)

// confines are what is left to the process that does what the order says: the files
// that it names, one directory, and sizes that follow from theirs.
func confines(o Order) sandbox.Options {
	reads := o.Reads()
	var size int64
	for _, path := range reads {
		if info, err := os.Stat(path); err == nil {
			size += info.Size()
		}
	}
	size += plainBytes(o.Spec, size)
	return sandbox.Options{
		Read: reads, Write: o.Dir, Require: o.RequireSandbox,
		DataBytes:  uint64(max(o.MemoryMB, 0))<<20*2 + dataAllowance,
		FileBytes:  uint64(size)*fileFactor + fileAllowance,
		OpenFiles:  uint64(4*len(reads)) + someFiles,
		CPUSeconds: MaxCPUSeconds,
	}
}

// plainBytes bounds what an upload becomes once it is decompressed.
func plainBytes(s build.Spec, size int64) int64 {
	if s.Task != build.TaskLoad {
		return 0
	}
	return upload.Largest(size, s.MaxBytes)
}
