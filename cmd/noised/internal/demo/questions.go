package demo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/asking"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/sample"
	"github.com/noised/noised/cmd/noised/internal/screen"
	"github.com/noised/noised/privacy"
)

// question is one of the demonstration's, with what is needed to set its answer
// beside the public sample.
type question struct {
	ask    string
	why    string // of the parameters
	sql    string
	loss   wire.Loss
	bounds privacy.Bounds
	key    func(sample.Rating) string // names a row's group like keyColumns do
	keys   int                        // leading columns that name the group
	column string                     // the answer that is compared
	truth  func(figures) float64
	digits int
}

func demoQuestions() []question {
	return []question{
		{
			ask:    "How many students does each department have?",
			why:    "a student is in up to 13 departments; 14 are allowed, so bounding cuts nothing",
			sql:    "SELECT tenant, COUNT(DISTINCT student) AS students FROM insteval GROUP BY tenant",
			loss:   wire.Loss{Epsilon: 1, Delta: 1e-9},
			bounds: privacy.Bounds{MaxPartitions: 14, MaxRowsPerPartition: 1},
			key:    sample.Rating.Tenant, keys: 1, column: "students",
			truth: func(f figures) float64 { return f.units },
		},
		{
			ask:    "How are lectures rated, by service and age of the lecture?",
			why:    "at most 6 of 12 groups and 4 ratings in each count per student: less noise for a little bias",
			sql:    "SELECT service, lectage, AVG(rating) AS mean_rating, COUNT(*) AS ratings FROM insteval GROUP BY service, lectage ORDER BY service, lectage",
			loss:   wire.Loss{Epsilon: 1, Delta: 1e-9},
			bounds: privacy.Bounds{MaxPartitions: 6, MaxRowsPerPartition: 4},
			key:    func(r sample.Rating) string { return r.Service + "/" + r.LectAge }, keys: 2, column: "mean_rating",
			truth:  func(f figures) float64 { return f.sum / f.rows },
			digits: 3,
		},
		{
			ask:    "Which lecturers get the most ratings?",
			why:    "who lectures is secret, so only groups with enough students show; 14 lecturers count per student",
			sql:    "SELECT lecturer, COUNT(*) AS ratings FROM insteval GROUP BY lecturer ORDER BY ratings DESC LIMIT 10",
			loss:   wire.Loss{Epsilon: 4, Delta: 1e-6},
			bounds: privacy.Bounds{MaxPartitions: 14, MaxRowsPerPartition: 1},
			key:    func(r sample.Rating) string { return strconv.FormatInt(r.Lecturer, 10) }, keys: 1, column: "ratings",
			truth: func(f figures) float64 { return f.rows },
		},
	}
}

// ask asks every question, and the last one again without LIMIT.
func (d *demo) ask(ctx context.Context) error {
	questions := demoQuestions()
	for i, q := range questions {
		d.title("Question %d: %s", i+1, q.ask)
		if err := d.answer(ctx, q); err != nil {
			return err
		}
	}
	last := questions[len(questions)-1]
	last.sql = strings.TrimSuffix(last.sql, " ORDER BY ratings DESC LIMIT 10")
	_, t, err := d.query(ctx, last)
	if err != nil {
		return err
	}
	lecturers := len(count(d.rows, last.key, last.bounds).truth)
	d.say("the same without LIMIT is a view of the same release and costs nothing: %d of %s lecturers passed the threshold", t.Rows(), screen.Thousands(int64(lecturers)))
	return nil
}

// query asks one question over HTTP and reads the Arrow answer.
func (d *demo) query(ctx context.Context, q question) (*wire.Result, *result.Table, error) {
	r, err := d.parties.analyst.Query(ctx, wire.QueryRequest{
		SQL: q.sql, Epsilon: &q.loss.Epsilon, Delta: &q.loss.Delta, Intervals: remote.Optional(true),
		Bounds: &wire.QueryBounds{MaxPartitions: &q.bounds.MaxPartitions, MaxRowsPerPartition: &q.bounds.MaxRowsPerPartition},
	}, wire.QueryOptions{})
	if err != nil {
		return nil, nil, &remote.QueryError{SQL: q.sql, Err: err}
	}
	defer r.Body.Close()
	t, err := result.ReadArrow(r.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("the server's answer is not understood: %w", err)
	}
	return r, t, nil
}

// answer asks a question and shows what came back beside the sample's truth.
func (d *demo) answer(ctx context.Context, q question) error {
	d.say("%s", q.sql)
	d.say("max_partitions %d, max_rows_per_partition %d: %s", q.bounds.MaxPartitions, q.bounds.MaxRowsPerPartition, q.why)
	began := time.Now()
	r, t, err := d.query(ctx, q)
	if err != nil {
		return err
	}
	took := time.Since(began)
	d.say("%s; ± covers the noise with 95 %% confidence (%.0f ms)", asking.PriceLine(r), float64(took.Microseconds())/1000)
	fmt.Fprintln(d.out)

	tally := count(d.rows, q.key, q.bounds)
	g := asking.AnswerGrid(t)
	n := len(g.Header)
	g.Header = append(g.Header, "truth", "moved by bounding")
	g.Right[n], g.Right[n+1] = true, true
	report := demoQuestion{SQL: q.sql, Release: r.Release, Epsilon: q.loss.Epsilon, Delta: q.loss.Delta, Groups: t.Rows()}
	column := columnNamed(t, q.column)
	for row := range t.Rows() {
		name := groupName(t, q.keys, row)
		truth, bounded := q.truth(tally.truth[name]), q.truth(tally.bounded[name])
		g.Rows[row] = append(g.Rows[row], fixed(truth, q.digits), signed(bounded-truth, q.digits))
		report.BoundingMax = max(report.BoundingMax, math.Abs(bounded-truth))
		if low, high := column.Low.At(row).AsFloat(), column.High.At(row).AsFloat(); low <= truth && truth <= high {
			report.Covered++
		}
	}
	g.Write(d.out)
	if report.BoundingMax == 0 {
		d.say("the truth lies within the interval in %d of %d rows", report.Covered, report.Groups)
	} else {
		d.say("± is about the noise; beside it, bounding moved a row by up to %s", fixed(report.BoundingMax, q.digits))
	}
	d.report.Questions = append(d.report.Questions, report)
	return nil
}

// refusals shows a question that the budget cannot pay and one that no budget
// could.
func (d *demo) refusals(ctx context.Context) error {
	lavish := question{
		ask:    "Refused for lack of budget",
		sql:    "SELECT studage, lectage, COUNT(*) AS ratings FROM insteval GROUP BY studage, lectage",
		loss:   wire.Loss{Epsilon: 4.5, Delta: 1e-9},
		bounds: privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 1},
	}
	private := question{
		ask:    "Refused by the planner",
		sql:    "SELECT student, rating FROM insteval WHERE lecturer = 1000",
		loss:   wire.Loss{Epsilon: 0.1, Delta: 1e-9},
		bounds: lavish.bounds,
	}
	for _, r := range []struct {
		question
		code string
	}{{lavish, "budget-exhausted"}, {private, "query-not-permitted"}} {
		d.title("%s", r.ask)
		d.say("%s  (ε = %g)", r.sql, r.loss.Epsilon)
		_, _, err := d.query(ctx, r.question)
		refused, ok := wire.AsProblem(err)
		if !ok || refused.Code() != r.code {
			return fmt.Errorf("this question should have been refused with %s, not %w", r.code, errOr(err))
		}
		for _, line := range strings.Split(strings.TrimSpace(remote.Explain(err)), "\n") {
			d.say("→ %s", line)
		}
		d.report.Refusals = append(d.report.Refusals, demoRefusal{SQL: r.sql, Code: refused.Code()})
	}
	return nil
}

func errOr(err error) error {
	if err == nil {
		return errors.New("answered")
	}
	return err
}

func columnNamed(t *result.Table, name string) *result.Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return &result.Column{}
}

// groupName joins the leading key columns of a row.
func groupName(t *result.Table, keys, row int) string {
	parts := make([]string, keys)
	for i := range parts {
		parts[i] = t.Columns[i].Values.At(row).Text()
	}
	return strings.Join(parts, "/")
}

func fixed(f float64, digits int) string { return strconv.FormatFloat(f, 'f', digits, 64) }

// signed prints a shift with its sign, and none for a shift of nothing.
func signed(f float64, digits int) string {
	s := fixed(f, digits)
	switch {
	case strings.Trim(s, "-0.") == "":
		return "0"
	case f > 0:
		return "+" + s
	}
	return s
}
