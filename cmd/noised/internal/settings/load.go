package settings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/structs"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"github.com/noised/noised/cmd/noised/internal/command"
)

// Load merges defaults, the file, the environment and the flags.
func Load(path string, environ func() []string, fs *pflag.FlagSet) (Config, error) {
	k := koanf.New(".")
	if err := k.Load(structs.Provider(Default(), "koanf"), nil); err != nil {
		return Config{}, err
	}
	known := k.Keys()
	if path != "" {
		if err := loadFile(k, path, known); err != nil {
			return Config{}, err
		}
	}
	issuers, err := readIssuers(path, k.Get(oidcSetting))
	if err != nil {
		return Config{}, err
	}
	vars := env.Provider("", env.Opt{
		Prefix: "NOISED_",
		TransformFunc: func(name, value string) (string, any) {
			key := strings.ToLower(strings.TrimPrefix(name, "NOISED_"))
			if !slices.Contains(known, key) {
				return "", nil // NOISED_URL and others that are not the server's
			}
			return key, value
		},
		EnvironFunc: environ,
	})
	if err := k.Load(vars, nil); err != nil {
		return Config{}, err
	}
	set := map[string]any{}
	fs.Visit(func(f *pflag.Flag) {
		if key := strings.ReplaceAll(f.Name, "-", "_"); slices.Contains(known, key) {
			set[key] = f.Value.String()
		}
	})
	if err := k.Load(confmap.Provider(set, ""), nil); err != nil {
		return Config{}, err
	}
	var c Config
	if err := k.Unmarshal("", &c); err != nil {
		return Config{}, command.Usagef("configuration: %s", strings.ReplaceAll(err.Error(), "\n", " "))
	}
	c.OIDC = issuers
	return c, c.Check()
}

func loadFile(k *koanf.Koanf, path string, known []string) error {
	f := koanf.New(".")
	if err := f.Load(file.Provider(path), yaml.Parser()); err != nil {
		return fmt.Errorf("cannot read the configuration file %s: %w", path, err)
	}
	for _, key := range f.Keys() {
		if !slices.Contains(known, key) && key != oidcSetting {
			return command.Usagef("%s: unknown setting %q; known are %s", path, key, strings.Join(known, ", "))
		}
	}
	return k.Merge(f)
}
