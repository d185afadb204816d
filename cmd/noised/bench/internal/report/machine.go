package report

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// Machine is where and what was measured.
type Machine struct {
	Cores    int       `json:"cores"`
	MemoryMB int64     `json:"memory_mb,omitempty"`
	CPU      string    `json:"cpu,omitempty"`
	System   string    `json:"system"`
	Go       string    `json:"go"`
	DuckDB   string    `json:"duckdb"`
	Commit   string    `json:"commit,omitempty"`
	At       time.Time `json:"at"`
}

// ThisMachine describes where the process runs. What the system does not tell
// stays empty.
func ThisMachine(duckdb string, now time.Time) Machine {
	kib, _, _ := strings.Cut(procField("/proc/meminfo", "MemTotal"), " ")
	memory, _ := strconv.ParseInt(kib, 10, 64)
	return Machine{
		Cores: runtime.GOMAXPROCS(0), MemoryMB: memory >> 10, CPU: procField("/proc/cpuinfo", "model name"),
		System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), DuckDB: duckdb, Commit: commit(), At: now.UTC().Truncate(time.Second),
	}
}

// procField returns a field of a file of lines "name: value".
func procField(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if field, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(field) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// commit is that of the working tree, or else of the build.
func commit() string {
	if out, err := exec.Command("git", "describe", "--always", "--dirty", "--abbrev=12").Output(); err == nil {
		return strings.TrimSpace(string(out))
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return ""
}
