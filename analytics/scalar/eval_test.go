package scalar

import (
	"testing"

	"github.com/noised/noised/analytics/plan"
)

func bigint(n int64) plan.Value { return plan.IntValue(plan.Of(plan.KindBigint), n) }

// TestCall: functions follow SQL, and what has no value is NULL.
func TestCall(t *testing.T) {
	null := plan.Null(plan.Of(plan.KindBigint))
	yes, no := plan.BoolValue(true), plan.BoolValue(false)
	tests := []struct {
		name string
		args []plan.Value
		want string
	}{
		{"and", []plan.Value{yes, null}, "NULL"},
		{"and", []plan.Value{no, null}, "false"},
		{"or", []plan.Value{yes, null}, "true"},
		{"or", []plan.Value{no, null}, "NULL"},
		{"not", []plan.Value{null}, "NULL"},
		{"is null", []plan.Value{null}, "true"},
		{"=", []plan.Value{bigint(1), plan.FloatValue(1)}, "true"},
		{"between", []plan.Value{bigint(2), bigint(1), bigint(2)}, "true"},
		{"nullif", []plan.Value{bigint(2), bigint(2)}, "NULL"},
		{"coalesce", []plan.Value{null, bigint(4)}, "4"},
		{"least", []plan.Value{null, bigint(4), bigint(3)}, "3"},
		{"greatest", []plan.Value{bigint(4), plan.FloatValue(4.5)}, "4.5"},
		{"+", []plan.Value{bigint(1 << 62), bigint(1 << 62)}, "9223372036854775807"},
		{"-", []plan.Value{bigint(5)}, "-5"},
		{"//", []plan.Value{bigint(7), bigint(-1)}, "-7"},
		{"//", []plan.Value{bigint(7), bigint(0)}, "NULL"},
		{"%", []plan.Value{bigint(7), bigint(-1)}, "0"},
		{"/", []plan.Value{bigint(1), bigint(0)}, "NULL"},
		{"/", []plan.Value{bigint(1), bigint(4)}, "0.25"},
		{"round", []plan.Value{plan.FloatValue(2.345), bigint(1)}, "2.3"},
		{"abs", []plan.Value{bigint(-3)}, "3"},
	}
	for _, tt := range tests {
		got, err := Call(tt.name, tt.args)
		if err != nil || got.Text() != tt.want {
			t.Errorf("%s of %v = %s, %v, want %s", tt.name, tt.args, got.Text(), err, tt.want)
		}
	}
	if _, err := Call("random", nil); err == nil {
		t.Error("a function outside of the allow-list was applied")
	}
}

// TestConform: a value takes its column's type, or is NULL where it does not fit.
func TestConform(t *testing.T) {
	tests := []struct {
		v    plan.Value
		to   plan.Kind
		want string
	}{
		{plan.FloatValue(2.5), plan.KindBigint, "2"},
		{plan.FloatValue(1e300), plan.KindBigint, "NULL"},
		{bigint(3), plan.KindDouble, "3"},
		{bigint(3), plan.KindVarchar, "3"},
		{plan.Null(plan.Type{}), plan.KindBigint, "NULL"},
	}
	for _, tt := range tests {
		to := plan.Of(tt.to)
		if got := Conform(tt.v, to); got.Text() != tt.want || got.Type != to {
			t.Errorf("%s as %s = %s (%s), want %s", tt.v.Text(), to, got.Text(), got.Type, tt.want)
		}
	}
}
