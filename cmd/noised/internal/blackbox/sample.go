package blackbox

import "github.com/noised/noised/cmd/noised/internal/sample"

// Verdict is a rating with every fifth row's left out, so that there is a
// measure with NULLs.
func Verdict(r sample.Rating) *int8 {
	if r.Row%5 == 0 {
		return nil
	}
	return &r.Rating
}

// Files returns the departments' files with the verdicts as a further column.
func Files(rows sample.Ratings) (map[string][]byte, error) {
	return rows.Files(sample.Measure{Name: "verdict", Value: Verdict})
}
