package worker

import (
	"os"

	"golang.org/x/sys/unix"
)

// maxCPUSeconds ends a worker that a file has sent round in circles.
const maxCPUSeconds = 4 * 3600

// limitProcess gives up what a worker does not need. It is best effort: none
// of it is what the guarantee rests on.
func limitProcess() {
	// A core dump would hold rows and keys.
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = unix.Setrlimit(unix.RLIMIT_CPU, &unix.Rlimit{Cur: maxCPUSeconds, Max: maxCPUSeconds})
	// When memory runs out, the kernel should end the load and not the server.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	unix.Umask(0o077)
}
