package plan

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// TestDecimalText holds the text of decimals against that of rational numbers.
func TestDecimalText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unscaled, scale := rapid.Int64().Draw(t, "unscaled"), rapid.IntRange(0, 18).Draw(t, "scale")
		unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
		want := new(big.Rat).SetFrac(big.NewInt(unscaled), unit).FloatString(scale)
		v := Value{Type: Type{Kind: KindDecimal, Precision: 18, Scale: uint8(scale)}, Int: unscaled}
		if got := string(v.AppendText([]byte("x"))); got != "x"+want || v.Text() != want {
			t.Fatalf("%d of scale %d is %q, want %q", unscaled, scale, got, want)
		}
	})
}

func TestText(t *testing.T) {
	for want, v := range map[string]Value{
		"NULL": Null(Of(KindVarchar)), "true": BoolValue(true), "-7": IntValue(Of(KindTinyint), -7), "0.1": FloatValue(0.1), "ä": StringValue("ä"),
		"1969-12-31": IntValue(Of(KindDate), -1), "1970-01-01 00:00:00.000001": IntValue(Of(KindTimestamp), 1),
	} {
		if got := v.Text(); got != want {
			t.Errorf("%+v is %q, want %q", v, got, want)
		}
	}
}
