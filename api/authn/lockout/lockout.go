// Package lockout makes whoever fails to authenticate wait, longer each time.
//
// Guessing 256 random bits is hopeless without it. What it saves is the work
// that strangers make the server do, and it makes attempts stand out.
//
// Failures count against the address that they come from, and more strictly
// against what was claimed together with the address, so that nobody is locked
// out by what others do elsewhere. Credentials that were good from an address
// not long ago are let through to the check even while the address is locked:
// behind a proxy, one stranger must not lock out everybody. They are checked as
// always; being let through is all that is remembered.
//
// Memory is bounded. When it is full, the oldest half is forgotten, which lets
// an attacker with very many addresses try more often and never lets anybody in.
package lockout

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

// How failures count.
const (
	claimTries = 5               // failures with one claim from one address before it waits
	firstWait  = time.Second     // doubled by each failure that follows
	longWait   = 5 * time.Minute // and no more
	forget     = 15 * time.Minute
	maxEntries = 1 << 14 // of each kind and half
)

// mark is a keyed digest: what is remembered of a credential must not be one.
type mark [16]byte

// record is what is known of one mark.
type record struct {
	failures int
	until    time.Time // locked before this
	good     bool      // the last attempt succeeded
}

// Lockout remembers failures. It is safe for concurrent use.
type Lockout struct {
	tries int // failures from one address before it waits
	now   func() time.Time
	key   [32]byte

	mu      sync.Mutex
	young   map[mark]record
	old     map[mark]record
	turning time.Time // when young becomes old
}

// New returns an empty memory. An address may fail tries times before it waits.
func New(tries int, now func() time.Time) *Lockout {
	l := &Lockout{tries: tries, now: now, young: map[mark]record{}, old: map[mark]record{}}
	_, _ = rand.Read(l.key[:]) // never fails: crypto/rand aborts the process instead
	return l
}

// Attempt is one try to authenticate.
type Attempt struct {
	of      *Lockout
	address mark
	claim   mark
}

// Begin returns an attempt from a remote address ("host:port") with a claim:
// what the sender says it is, or the secret itself. Neither is kept.
func (l *Lockout) Begin(remote string, claim []byte) Attempt {
	from := network(remote)
	return Attempt{of: l, address: l.mark("address", from, nil), claim: l.mark("claim", from, claim)}
}

// Wait returns how long the attempt has to wait before it is worth a check; 0
// when it need not. What was sent does not matter to it, only what failed or
// succeeded before.
func (a Attempt) Wait() time.Duration {
	l := a.of
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	claim := l.get(a.claim, now)
	until := claim.until
	if !claim.good {
		if at := l.get(a.address, now).until; at.After(until) {
			until = at
		}
	}
	return max(until.Sub(now), 0)
}

// Failed counts a failure.
func (a Attempt) Failed() {
	l := a.of
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.count(a.address, l.tries, now)
	l.count(a.claim, claimTries, now)
}

// Succeeded forgets the failures of the claim. Those of the address stay: it may
// be shared.
func (a Attempt) Succeeded() {
	l := a.of
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put(a.claim, record{good: true}, l.now())
}

func (l *Lockout) count(m mark, tries int, now time.Time) {
	r := l.get(m, now)
	r.good = false
	r.failures++
	if over := r.failures - tries; over >= 0 {
		wait := longWait
		if over < 16 { // beyond, the shift has long passed the limit
			wait = min(firstWait<<over, longWait)
		}
		r.until = now.Add(wait)
	}
	l.put(m, r, now)
}

func (l *Lockout) get(m mark, now time.Time) record {
	l.turn(now)
	if r, ok := l.young[m]; ok {
		return r
	}
	return l.old[m]
}

func (l *Lockout) put(m mark, r record, now time.Time) {
	l.turn(now)
	l.young[m] = r
}

// turn forgets what is old, by age or because there is too much.
func (l *Lockout) turn(now time.Time) {
	switch {
	case now.Before(l.turning) && len(l.young) < maxEntries:
		return
	case now.Sub(l.turning) > forget: // nothing happened for long
		l.young = map[mark]record{}
	}
	l.old, l.young = l.young, map[mark]record{}
	l.turning = now.Add(forget)
}

func (l *Lockout) mark(kind, from string, claim []byte) mark {
	h := hmac.New(sha256.New, l.key[:])
	h.Write([]byte(kind + "\x00" + from + "\x00"))
	h.Write(claim)
	return mark(h.Sum(nil)[:16])
}

// network returns what one sender can hardly have many of: an IPv4 address, or
// the first half of an IPv6 address.
func network(remote string) string {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	p, _ := ip.Prefix(64) // never fails: an IPv6 address has 128 bits
	return p.String()
}
