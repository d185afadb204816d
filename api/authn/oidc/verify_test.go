package oidc

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/authn/oidc/oidctest"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

// clock is the test's own.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func config(p *oidctest.Provider) Config {
	return Config{
		Issuer: p.URL, Audience: "noised", AuthorizedParties: []string{"noised", "ann", "bob"}, TenantClaim: "org", RolesClaim: "roles", GroupClaim: "team",
		RoleMap: map[string]privacy.Role{"asks": privacy.RoleAnalyst, "loads": privacy.RoleContributor}, ClockSkew: Duration(30 * time.Second),
	}
}

// verifier has the provider's keys.
func verifier(t testing.TB, c *clock, configs ...Config) *Verifier {
	t.Helper()
	v, err := New(configs, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func good(p *oidctest.Provider, now time.Time) oidctest.Claims {
	c := p.Claims("ann", now)
	c["org"], c["roles"], c["team"] = "north", []string{"asks", "other"}, "lab"
	return c
}

func TestATokenOfTheProviderNamesTenantRolesAndGroup(t *testing.T) {
	p := oidctest.Start(t, "noised")
	p.SetClient("ann", oidctest.Claims{"org": "north", "roles": []string{"loads", "asks"}, "team": "lab", "email": "ann@example.org"})
	v := verifier(t, &clock{now: time.Now()}, config(p))
	first, err := v.Verify(t.Context(), p.MustToken("ann"))
	if err != nil {
		t.Fatal(err)
	}
	if first.Tenant != "north" || first.Group != "lab" || len(first.Roles) != 2 {
		t.Errorf("got %+v", first)
	}
	if !strings.HasPrefix(first.ID, "oidc_") || len(first.ID) != 37 {
		t.Errorf("the principal is named %q", first.ID)
	}
	// Another token of the same subject is the same principal, whatever else changed.
	p.SetClient("ann", oidctest.Claims{"org": "south", "roles": "asks", "team": "field", "email": "new@example.org"})
	second, err := v.Verify(t.Context(), p.MustToken("ann"))
	if err != nil || second.ID != first.ID {
		t.Errorf("the same subject is %q, %v", second.ID, err)
	}
	p.SetClient("bob", oidctest.Claims{"org": "north", "roles": "asks", "team": "lab"})
	bob, err := v.Verify(t.Context(), p.MustToken("bob"))
	if err != nil || bob.ID == first.ID {
		t.Errorf("another subject is %q, %v", bob.ID, err)
	}
	// Either name may be among 32 letters by chance; both are with probability below 1e-6.
	if strings.Contains(first.ID, "ann") && strings.Contains(bob.ID, "bob") {
		t.Errorf("principals are named after their subjects: %q and %q", first.ID, bob.ID)
	}
}

func TestTokensThatDoNotHoldAreRefusedAlike(t *testing.T) {
	p := oidctest.Start(t, "noised")
	other := oidctest.Start(t, "noised")
	now := time.Now()
	v := verifier(t, &clock{now: now}, config(p))
	private := p.Rotate().Private
	if _, err := v.Verify(t.Context(), p.Sign(good(p, now))); err != nil {
		t.Fatalf("a good token: %v", err)
	}
	with := func(change func(oidctest.Claims)) string {
		c := good(p, now)
		change(c)
		return p.Sign(c)
	}
	set := func(name string, value any) string { return with(func(c oidctest.Claims) { c[name] = value }) }
	without := func(name string) string { return with(func(c oidctest.Claims) { delete(c, name) }) }
	ago := func(d time.Duration) int64 { return now.Add(-d).Unix() }

	stolen := oidctest.Start(t, "noised") // a provider with the first one's name and a key of its own
	forged := good(p, now)
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	library := refusal("algorithm, issuer or audience") // which of them is not told apart
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		token string
		why   error
	}{
		"empty":                         {"", refusal("form")},
		"no token":                      {"a.b.c", refusal("form")},
		"four parts":                    {p.Sign(good(p, now)) + ".x", refusal("form")},
		"wrong audience":                {set("aud", "another"), library},
		"no audience":                   {without("aud"), library},
		"several audiences, no party":   {set("aud", []string{"noised", "another"}), refusal("several audiences and no authorized party")},
		"issued to another party":       {set("azp", "mallory"), refusal("authorized party")},
		"wrong issuer":                  {set("iss", other.URL), refusal("issuer")},
		"unknown issuer":                {set("iss", "https://issuer.example"), refusal("issuer")},
		"expired":                       {set("exp", ago(31*time.Second)), refusal("expired")},
		"no expiry":                     {without("exp"), refusal("expired")},
		"not yet valid":                 {set("nbf", ago(-31*time.Second)), refusal("not yet valid")},
		"issued in the future":          {set("iat", ago(-31*time.Second)), refusal("issued in the future")},
		"no time of issue":              {without("iat"), refusal("issued in the future")},
		"no subject":                    {without("sub"), refusal("subject")},
		"long subject":                  {set("sub", strings.Repeat("x", 256)), refusal("subject")},
		"no tenant":                     {without("org"), refusal("tenant")},
		"a tenant that is no name":      {set("org", "North/../south"), refusal("tenant")},
		"no group":                      {without("team"), refusal("group")},
		"a group that is reserved":      {set("team", "default"), refusal("group")},
		"algorithm none":                {unsigned(t, forged), library},
		"HS256 with the public key":     {oidctest.Sign(t, jose.SigningKey{Algorithm: jose.HS256, Key: public}, p.KeyID(), "JWT", forged), library},
		"another provider's key":        {stolen.Sign(forged), errSignature},
		"unknown key":                   {oidctest.Sign(t, jose.SigningKey{Algorithm: jose.ES256, Key: private}, "key-77", "JWT", forged), errUnknownKey},
		"another algorithm for the key": {oidctest.Sign(t, jose.SigningKey{Algorithm: jose.RS256, Key: weak}, p.KeyID(), "JWT", forged), errUnknownKey},
		"a logout token":                {oidctest.Sign(t, jose.SigningKey{Algorithm: jose.ES256, Key: private}, p.KeyID(), "logout+jwt", forged), refusal("kind")},
		"oversized":                     {set("padding", strings.Repeat("x", maxToken)), refusal("size")},
	} {
		if _, why := v.verify(t.Context(), c.token); !errors.Is(why, c.why) {
			t.Errorf("%s: refused because of %v, want %v", name, why, c.why)
		}
		_, err := v.Verify(t.Context(), c.token)
		if privacy.CodeOf(err) != privacy.CodeUnauthenticated || err.Error() != authn.Unauthenticated().Error() {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Signed by the right key over other claims.
	a, b := strings.Split(p.Sign(good(p, now)), "."), strings.Split(set("org", "south"), ".")
	if _, err := v.Verify(t.Context(), a[0]+"."+b[1]+"."+a[2]); privacy.CodeOf(err) != privacy.CodeUnauthenticated {
		t.Errorf("another payload under the signature: %v", err)
	}
}

func unsigned(t *testing.T, c oidctest.Claims) string {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	enc := base64.RawURLEncoding
	return enc.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + enc.EncodeToString(text) + "."
}

func TestClocksMayDifferByTheSkewAndNoMore(t *testing.T) {
	p := oidctest.Start(t, "noised")
	issued := time.Now().Truncate(time.Second)
	c := &clock{now: issued}
	v := verifier(t, c, config(p))
	token := p.Sign(good(p, issued)) // lives for five minutes
	for _, x := range []struct {
		at   time.Duration
		want bool
	}{{-31 * time.Second, false}, {-29 * time.Second, true}, {0, true}, {5*time.Minute + 29*time.Second, true}, {5*time.Minute + 30*time.Second, false}} {
		c.set(issued.Add(x.at))
		if _, err := v.Verify(t.Context(), token); (err == nil) != x.want {
			t.Errorf("%v after the issue: %v", x.at, err)
		}
	}
}

func TestAServerBeginsWithoutItsIssuer(t *testing.T) {
	p := oidctest.Start(t, "noised")
	p.SetDown(true)
	c := &clock{now: time.Now()}
	v := verifier(t, c, config(p))
	token := p.Sign(good(p, c.Now()))
	if _, err := v.Verify(t.Context(), token); privacy.CodeOf(err) != privacy.CodeUnavailable {
		t.Errorf("without keys: %v, want unavailable", err)
	}
	p.SetDown(false)
	c.set(c.Now().Add(demandEvery))
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Errorf("with keys: %v", err)
	}
}

func TestKeysThatCannotBeConfirmedAreDropped(t *testing.T) {
	p := oidctest.Start(t, "noised")
	c := &clock{now: time.Now()}
	v := verifier(t, c, config(p))
	if _, err := v.Verify(t.Context(), p.Sign(good(p, c.Now()))); err != nil {
		t.Fatal(err)
	}
	p.SetDown(true)
	c.set(c.Now().Add(staleAfter))
	if _, err := v.Verify(t.Context(), p.Sign(good(p, c.Now()))); err != nil {
		t.Errorf("after an hour: %v", err)
	}
	c.set(c.Now().Add(time.Second))
	if _, err := v.Verify(t.Context(), p.Sign(good(p, c.Now()))); privacy.CodeOf(err) != privacy.CodeUnavailable {
		t.Errorf("after more than an hour: %v, want unavailable", err)
	}
}

func TestUnknownKeysFetchAtMostEveryTenSeconds(t *testing.T) {
	p := oidctest.Start(t, "noised")
	c := &clock{now: time.Now()}
	v := verifier(t, c, config(p))
	old := p.Sign(good(p, c.Now()))
	if _, err := v.Verify(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	p.Rotate()
	rotated := p.Sign(good(p, c.Now()))
	for range 50 {
		if _, err := v.Verify(t.Context(), rotated); err == nil {
			t.Fatal("a key was fetched too soon after another")
		}
	}
	if n := p.Fetches(); n != 1 {
		t.Errorf("the keys were fetched %d times, want once", n)
	}
	c.set(c.Now().Add(demandEvery))
	for _, token := range []string{rotated, old} { // both are published
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("after the rotation: %v", err)
		}
	}
	p.Withdraw()
	if err := v.issuers[p.URL].refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), old); privacy.CodeOf(err) != privacy.CodeUnauthenticated {
		t.Errorf("a token of a withdrawn key: %v", err)
	}
}

func TestNothingButKeysIsKept(t *testing.T) {
	p := oidctest.Start(t, "noised")
	c := &clock{now: time.Now()}
	v := verifier(t, c, config(p))
	token := p.Sign(good(p, c.Now()))
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	// The same token without the key is refused: the decision was not kept.
	i := v.issuers[p.URL]
	i.mu.Lock()
	i.keys[0].KeyID = "another"
	i.mu.Unlock()
	if _, err := v.Verify(t.Context(), token); err == nil {
		t.Error("a token was accepted from memory")
	}
}

func BenchmarkVerify(b *testing.B) {
	p := oidctest.Start(b, "noised")
	c := &clock{now: time.Now()}
	v := verifier(b, c, config(p))
	token := p.Sign(good(p, c.Now()))
	for b.Loop() {
		if _, err := v.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCall is all that a call with a token costs: its signature and claims,
// and the standing of its principal and tenant in the control store.
func BenchmarkCall(b *testing.B) {
	p := oidctest.Start(b, "noised")
	v := verifier(b, &clock{now: time.Now()}, config(p))
	db, err := controldb.Open(b.Context(), filepath.Join(b.TempDir(), "control.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if _, err := catalog.New(db, time.Now).CreateTenant(b.Context(), "north", "", authn.System()); err != nil {
		b.Fatal(err)
	}
	g := &authn.Gate{Keys: authn.New(db, time.Now), Tokens: v}
	token := p.Sign(good(p, time.Now()))
	took := []time.Duration{}
	for b.Loop() {
		began := time.Now()
		if _, err := g.Authenticate(b.Context(), authn.Credentials{Bearer: token}); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
}
