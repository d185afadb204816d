//go:build vault

package suite

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/noised/noised/api/wire"
)

// people are rows of some people of whom everything is a token, with some that are
// rejected, and others.
func (g *garden) people() (file []byte, units []string) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "person,key,x,%s\n", g.fresh("name of a column"))
	for i := range 2000 {
		if i%400 != 7 {
			fmt.Fprintf(&out, "other-%d,k%d,%d,\n", i, i%5, i%10)
			continue
		}
		units = append(units, g.fresh("unit id"))
		fmt.Fprintf(&out, "%s,%s,%d,\n%s,k,%s,\n", units[len(units)-1], g.fresh("group key"), i%10, units[len(units)-1], g.fresh("rejected value"))
	}
	sum := sha256.Sum256(out.Bytes())
	g.plant("digest of a file", []byte(hex.EncodeToString(sum[:])))
	return out.Bytes(), units
}

// TestNothingIsLeftAfterAnErasure loads people in every way that there is (replaced,
// appended, rejected, cut off by a kill), and erases them. Then nothing of them is in any
// file of the data directory, and it never was in the log: with encryption and without.
func TestNothingIsLeftAfterAnErasure(t *testing.T) {
	left := 0
	for name, sealed := range map[string]bool{"plain": false, "encrypted": true} {
		t.Run(name, func(t *testing.T) {
			var flags []string
			if sealed {
				flags = []string{"--crypto-extension", extension(t), "--require-encryption"}
			}
			g := newGarden(t, sealed, flags...)
			api := g.api(g.parties.Loader["t"])
			var all []string
			bad := int64(100)
			send := func(write wire.LoadWrite, wait bool) {
				t.Helper()
				file, units := g.people()
				all = append(all, units...)
				load, err := api.Upload(t.Context(), wire.Upload{
					Dataset: "birds", Tenant: "t", ContentType: wire.TypeCSV, Write: write, MaxBadRecords: &bad, Size: int64(len(file)),
				}, bytes.NewReader(file))
				check(t, err)
				if wait {
					_, err = api.Wait(t.Context(), load.ID, nil)
					check(t, err)
				}
			}
			send(wire.Append, true)
			send(wire.Replace, true)
			send(wire.Append, true)
			bad = 0
			send(wire.Append, true) // fails
			bad = 100
			send(wire.Append, false)
			check(t, g.server.Kill())
			g.search("killed")
			if n := len(g.places()); (n > 0) == sealed {
				t.Errorf("before it %d are found: %v", n, g.places())
			}
			g.start()
			api = g.api(g.parties.Loader["t"])
			e, err := api.Erase(t.Context(), "birds", "t", "", all)
			check(t, err)
			e, err = api.WaitErased(t.Context(), e.ID, nil)
			check(t, err)
			if e.State != wire.ErasureStateSucceeded || *e.RowsErased == 0 {
				t.Fatalf("%+v", e)
			}
			after := &aviary{tokens: g.tokens, found: map[string]map[string]bool{}}
			after.look(t, "erased", g.dir, g.server.Log())
			for _, place := range after.places() {
				t.Errorf("left: the %s", place)
			}
			left += len(after.places())
		})
	}
	report(t, "canaries_after_erasure", left)
}
