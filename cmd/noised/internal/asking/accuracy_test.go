package asking

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/noised/noised/api/wire"
)

func requestOfFlags(t *testing.T, args ...string) (wire.QueryRequest, error) {
	t.Helper()
	var f queryFlags
	fs := pflag.NewFlagSet("query", pflag.ContinueOnError)
	f.register(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return f.request(fs, "SELECT 1")
}

func TestAccuracyFlags(t *testing.T) {
	for args, want := range map[string]string{
		"--relative 0.05 --expected-n 1000 --confidence 0.9": `{"confidence":0.9,"expected_n":1000,"relative":0.05}`,
		"--relative 0.05 --like-release rel_1":               `{"relative":0.05,"release":"rel_1"}`,
		"--absolute 12.5 --delta 1e-10":                      `{"absolute":12.5}`,
		"--absolute 0":                                       `{"absolute":0}`, // the server's to refuse
		"--epsilon 1":                                        `null`,
	} {
		q, err := requestOfFlags(t, strings.Fields(args)...)
		if err != nil {
			t.Errorf("%s: %v", args, err)
			continue
		}
		if got, _ := json.Marshal(q.Accuracy); string(got) != want {
			t.Errorf("%s asks for %s, want %s", args, got, want)
		}
	}
	for _, args := range []string{
		"--relative 0.1 --absolute 3", "--relative 0.1 --epsilon 1", "--absolute 3 --epsilon 1",
		"--confidence 0.9", "--expected-n 100", "--epsilon 1 --like-release rel_1",
	} {
		if q, err := requestOfFlags(t, strings.Fields(args)...); err == nil {
			t.Errorf("%s asks for %+v, want a refusal", args, q)
		}
	}
}
