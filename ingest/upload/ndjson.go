package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/noised/noised/ingest/scan"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/ingest/shape"
)

// sampledLines is the number of lines of an NDJSON file whose keys are looked
// at to tell which columns it has.
const sampledLines = 1000

// ndjsonSource describes a file with one JSON object on each line. Keys are
// matched exactly; a key that a line does not have is NULL there.
func (u *Upload) ndjsonSource(path string) (*Source, error) {
	keys, err := u.sampleKeys(path)
	if err != nil {
		return nil, err
	}
	src := &Source{Rewrite: func(ctx context.Context) (*Source, error) { return u.rewriteNDJSON(ctx, path, keys) }}
	src.Ignored = u.unwanted(keys)
	if err := u.noneMissing(keys); err != nil {
		// The keys may all come later than the sample: the scanner finds out.
		return src, nil //nolint:nilerr // see above
	}
	var names []string
	for _, c := range u.Wanted {
		names = append(names, segment.Literal(c.Name)+": 'VARCHAR'")
		src.Columns = append(src.Columns, Column{Expr: segment.Quote(c.Name), Text: true})
	}
	if nested, err := shape.AnyDeep(path); err != nil || nested {
		return src, err // a line is not to be read by others
	}
	src.Relation = fmt.Sprintf("read_json(%s, auto_detect = false, format = 'newline_delimited', compression = 'uncompressed', "+
		"maximum_object_size = %d, columns = {%s})", segment.Literal(path), 2*scan.MaxRecord, strings.Join(names, ", "))
	return src, nil
}

func (u *Upload) unwanted(keys []string) (ignored []string) {
	for _, k := range keys {
		if !slices.ContainsFunc(u.Wanted, func(c segment.Column) bool { return c.Name == k }) {
			ignored = append(ignored, scan.ShortName(k))
		}
	}
	return ignored
}

func (u *Upload) noneMissing(keys []string) error {
	for _, c := range u.Wanted {
		if !slices.Contains(keys, c.Name) {
			return missing(c.Name, len(keys))
		}
	}
	return nil
}

// sampleKeys returns the keys of the first lines, in order of appearance.
func (u *Upload) sampleKeys(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	s := scan.NewLines(f)
	var keys []string
	seen := map[string]bool{}
	for range sampledLines {
		text, _, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if shape.Deep(text) {
			continue
		}
		object, fault := scan.ParseObject(text)
		if fault != "" {
			continue
		}
		for _, m := range object {
			if !seen[m.Key] && len(keys) < 10*maxListedNames {
				seen[m.Key] = true
				keys = append(keys, m.Key)
			}
		}
	}
	return keys, nil
}

// rewriteNDJSON is what rewriteCSV is, for lines of JSON.
func (u *Upload) rewriteNDJSON(ctx context.Context, path string, sampled []string) (*Source, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	out, err := u.newLined()
	if err != nil {
		return nil, err
	}
	defer out.close()
	wanted := u.Wanted
	found, objects := make([]bool, len(wanted)), false
	s := scan.NewLines(&contextReader{ctx: ctx, r: in})
	for {
		text, line, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if shape.Deep(text) {
			u.Reject(line, fmt.Sprintf("the line has lists and objects more than %d deep in each other", shape.MaxDepth))
			continue
		}
		object, fault := scan.ParseObject(text)
		if fault != "" {
			u.Reject(line, "the line "+fault)
			continue
		}
		objects = true
		out.begin(line)
		for i, c := range wanted {
			j := slices.IndexFunc(object, func(m scan.Member) bool { return m.Key == c.Name })
			found[i] = found[i] || j >= 0
			if j < 0 {
				out.field(nil, true)
			} else {
				out.field(object[j].Text())
			}
		}
		if err := out.end(); err != nil {
			return nil, err
		}
	}
	for i, c := range wanted {
		if objects && !found[i] {
			return nil, rejected("column %s is missing: no line has it", c.Name)
		}
	}
	return out.source(len(wanted), u.unwanted(sampled))
}
