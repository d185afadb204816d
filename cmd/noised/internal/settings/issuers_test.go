package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/noised/noised/api/authn/oidc"
	"github.com/noised/noised/privacy"
)

func TestIdentitySettingsThatAreRefused(t *testing.T) {
	const head = "data_dir: d\noidc:\n- issuer: https://issuer.example\n"
	const rest = "  audience: noised\n  roles_claim: roles\n  role_map: {a: analyst}\n"
	for name, c := range map[string]struct{ text, want string }{
		"plain http":             {"data_dir: d\noidc:\n- issuer: http://issuer.example\n" + rest, "refusing an issuer over http"},
		"no audience":            {head + "  roles_claim: roles\n  role_map: {a: analyst}\n", "audience is missing"},
		"no role map":            {head + "  audience: noised\n", "role_map are both needed"},
		"operators":              {head + "  audience: noised\n  roles_claim: roles\n  role_map: {a: operator}\n", "allow_operator: true"},
		"no tenant for the role": {head + "  audience: noised\n  roles_claim: roles\n  role_map: {a: contributor}\n", "needs a tenant"},
		"unknown role":           {head + "  audience: noised\n  roles_claim: roles\n  role_map: {a: root}\n", "is not one of"},
		"two tenants":            {head + rest + "  tenant: north\n  tenant_claim: org\n", "exclude each other"},
		"any group":              {head + rest + "  tenant: north\n  group_claim: team\n", "list in group_map what it may say"},
		"much skew":              {head + rest + "  clock_skew: 1h\n", "clock_skew"},
		"skew without a unit":    {head + rest + "  clock_skew: 60\n", "unit"},
		"misspelt":               {head + rest + "  audiences: [x]\n", "audiences"},
		"twice":                  {head + rest + "- issuer: https://issuer.example\n" + rest, "there twice"},
		"a CA without TLS":       {"data_dir: d\nclient_ca: ca.pem\n", "refusing --client-ca without TLS"},
		"a list without a CA":    {"data_dir: d\nclient_crl: crl.pem\n", "belong to --client-ca"},
		"no failures":            {"data_dir: d\nauth_failures: 0\n", "--auth-failures"},
	} {
		path := filepath.Join(t.TempDir(), "noised.yaml")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, func() []string { return nil }, noFlags()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	path := filepath.Join(t.TempDir(), "noised.yaml")
	if err := os.WriteFile(path, []byte(head+rest+"  clock_skew: 30s\n  tenant: north\n  group_claim: team\n  group_map: {\"Team Lab\": lab}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := Load(path, func() []string { return nil }, noFlags())
	if err != nil || len(config.OIDC) != 1 || config.OIDC[0].RoleMap["a"] != privacy.RoleAnalyst || config.OIDC[0].ClockSkew != oidc.Duration(30*time.Second) ||
		config.OIDC[0].GroupMap["Team Lab"] != "lab" {
		t.Errorf("a good one: %+v, %v", config.OIDC, err)
	}
	if err := os.Chmod(path, 0o622); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, func() []string { return nil }, noFlags()); err == nil || !strings.Contains(err.Error(), "others may write it") {
		t.Errorf("a file that others may write: %v", err)
	}
}

func noFlags() *pflag.FlagSet { return pflag.NewFlagSet("serve", pflag.ContinueOnError) }
