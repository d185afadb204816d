package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

func TestFlagsBeatTheEnvironmentThatBeatsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "noised.yaml")
	if err := os.WriteFile(path, []byte("data_dir: from-file\nlisten: 127.0.0.1:1\nquery_timeout: 5s\nmax_upload: 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func() []string {
		return []string{"NOISED_LISTEN=127.0.0.1:2", "NOISED_MAX_UPLOAD=8", "NOISED_KEY=secret", "NOISED_URL=http://elsewhere", "OTHER=1"}
	}
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	Flags(fs)
	if err := fs.Parse([]string{"--max-upload", "9"}); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path, env, fs)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.DataDir, want.Listen, want.QueryTimeout, want.MaxUpload = "from-file", "127.0.0.1:2", 5*time.Second, 9
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestEverySettingHasAFlagAndADefault(t *testing.T) {
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	Flags(fs)
	if err := fs.Parse([]string{"--data-dir", "d"}); err != nil {
		t.Fatal(err)
	}
	got, err := Load("", func() []string { return nil }, fs)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.DataDir = "d"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	fs.VisitAll(func(f *pflag.Flag) {
		t.Setenv("NOISED_"+strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_")), f.DefValue)
	})
	if _, err := Load("", os.Environ, fs); err != nil {
		t.Errorf("the defaults as environment variables: %v", err)
	}
}
