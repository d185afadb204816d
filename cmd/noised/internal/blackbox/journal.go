package blackbox

import (
	"errors"
	"fmt"
	"os"
)

// journalBytes is how much of the end of a log is shown.
const journalBytes = 64 << 10

// journal is what a process logs. The process writes the file itself, so that
// whatever it logged before it answered is there when the answer is: through a pipe,
// a log that is looked at for the reason of an answer lacked that reason.
type journal struct{ file *os.File }

// newJournal makes a file without a name. A log is read after its server's end, so
// that nobody closes the file: it goes with the journal.
func newJournal() (*journal, error) {
	f, err := os.CreateTemp("", "noised-log-")
	if err != nil {
		return nil, fmt.Errorf("a file for the log: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("a file for the log: %w", err), f.Close())
	}
	return &journal{f}, nil
}

// String returns the end of what was logged.
func (j *journal) String() string {
	info, err := j.file.Stat()
	if err != nil {
		return "the log cannot be read: " + err.Error()
	}
	text := make([]byte, min(info.Size(), journalBytes))
	n, err := j.file.ReadAt(text, info.Size()-int64(len(text)))
	if err != nil {
		return string(text[:n]) + "\nthe rest of the log cannot be read: " + err.Error()
	}
	return string(text[:n])
}
