package policy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

// recheck is how long a process decides by its set before it looks whether
// another process has put a newer one in force.
const recheck = 250 * time.Millisecond

// Options holds what a Service is wired from. Everything above the blank line is
// required.
type Options struct {
	DB     *controldb.DB
	Schema *Schema
	Log    *slog.Logger
	Now    func() time.Time

	Dir    string // of the files that are in force instead of what the API sets; none when empty
	Region string // of this server
}

// Service decides by the set in force. It is safe for concurrent use; a decision
// is made by one set as a whole, whatever is put in force meanwhile.
type Service struct {
	Options
	store  store
	state  atomic.Pointer[state]
	mu     sync.Mutex // held while a set is put in force
	looked atomic.Int64
	seen   string // digest of the files that were last looked at; under mu
}

// state is what a process decides by.
type state struct {
	set     *Set
	version Version
	err     error // why it cannot decide: the version in force is not one that it understands
}

// Open returns a service with the set in force. It fails on one that does not
// hold, so that a server does not start with half of its rules.
func Open(ctx context.Context, o Options) (*Service, error) {
	if o.DB == nil || o.Schema == nil || o.Log == nil || o.Now == nil {
		return nil, errors.New("policy: an option that is required is missing")
	}
	s := &Service{Options: o, store: store{o.DB, o.Now}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// begin puts the first set in force: that of the files, the latest of the API, or
// the defaults. mu is held.
func (s *Service) begin(ctx context.Context) error {
	if s.Dir != "" {
		return s.readDir(ctx)
	}
	s.looked.Store(s.Now().UnixNano())
	latest, err := s.store.latest(ctx)
	if err != nil {
		return err
	}
	if latest == 0 {
		defaults, err := Parse(s.Schema, Defaults())
		if err != nil {
			return err
		}
		return s.keep(ctx, defaults, SourceDefault, "")
	}
	if err := s.take(ctx, latest); err != nil {
		return fmt.Errorf("version %d of the policies, which is in force, cannot be used: %w", latest, err)
	}
	return nil
}

// keep stores a set and puts it in force. mu is held.
func (s *Service) keep(ctx context.Context, set *Set, source, by string) error {
	v, err := s.store.add(ctx, set, source, by)
	if err != nil {
		return err
	}
	s.enforce(set, v)
	return nil
}

// take puts a stored version in force. mu is held.
func (s *Service) take(ctx context.Context, number int64) error {
	v, err := s.store.get(ctx, number)
	if err != nil {
		return err
	}
	set, err := Parse(s.Schema, v.Files)
	if err != nil {
		return err
	}
	s.enforce(set, v)
	return nil
}

func (s *Service) enforce(set *Set, v Version) {
	set.version = v.Number
	s.state.Store(&state{set: set, version: v})
	s.Log.Info("policies are in force", "version", v.Number, "source", v.Source, "policies", len(set.policies))
}

// current returns the set in force, after a look at the control store when the
// last one was a while ago. A version that another process has set and this one
// does not understand stops it: it must not decide by rules that were replaced.
func (s *Service) current(ctx context.Context) (*Set, error) {
	if s.Dir == "" && s.due() && s.mu.TryLock() {
		defer s.mu.Unlock()
		latest, err := s.store.latest(ctx)
		if err != nil {
			return nil, err
		}
		if now := s.state.Load(); latest != 0 && latest != now.version.Number {
			if err := s.take(ctx, latest); err != nil {
				if privacy.CodeOf(err) != privacy.CodeInvalidRequest {
					return nil, err // it could not be read; the next call tries again
				}
				s.Log.Error("the policies in force are not understood; everything is refused", "version", latest, "error", err)
				s.state.Store(&state{set: now.set, version: Version{Number: latest}, err: err})
			}
		}
		s.looked.Store(s.Now().UnixNano())
	}
	now := s.state.Load()
	if now.err != nil {
		return nil, privacy.Errorf(privacy.CodeUnavailable, "this server does not understand the policies in force").Because(now.err)
	}
	return now.set, nil
}

// due reports whether the last look at the control store was a while ago, or after
// now: the clock was set back since, and it is not known when.
func (s *Service) due() bool {
	since := s.Now().UnixNano() - s.looked.Load()
	return since < 0 || since >= int64(recheck)
}

// Decide decides a call. An error means that it was not decided, which is a
// refusal too.
func (s *Service) Decide(ctx context.Context, r Request) (Decision, error) {
	set, err := s.current(ctx)
	if err != nil {
		return Decision{}, err
	}
	if r.At.IsZero() {
		r.At = s.Now()
	}
	if r.Region == "" {
		r.Region = s.Region
	}
	d := set.Decide(r)
	if d.Failed {
		s.Log.Error("a policy could not be evaluated, and denied a call", "policies", d.Policies, "version", d.Version, "action", r.Action)
	}
	return d, nil
}

// Might decides a question before it is read, see Set.Might.
func (s *Service) Might(ctx context.Context, p privacy.Principal, action string) (Decision, error) {
	set, err := s.current(ctx)
	if err != nil {
		return Decision{}, err
	}
	return set.Might(p, action), nil
}

// putAction is what the API's call that puts policies is named.
const putAction = "putPolicies"

// Put validates a set, keeps it as a new version and puts it in force. It is
// CodeConflict where files are in force, and for a set under which whoever puts
// it could not put another: that would be the last.
func (s *Service) Put(ctx context.Context, files Files, by privacy.Principal) (Version, *Set, error) {
	if s.Dir != "" {
		return Version{}, nil, privacy.Errorf(privacy.CodeConflict, "this server takes its policies from files, and from nowhere else").
			Suggest("change the files: the server reads them again within seconds")
	}
	set, err := Parse(s.Schema, files)
	if err != nil {
		return Version{}, nil, err
	}
	again := Request{Principal: by, Action: putAction, Resource: Resource{Type: TypeSystem}, At: s.Now(), Region: s.Region}
	if s.Schema.knows(putAction) && !set.Decide(again).Allowed {
		return Version{}, nil, privacy.Errorf(privacy.CodeConflict, "under these policies you could not change them again").
			Suggest("permit the action %q to yourself", putAction)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.keep(ctx, set, SourceAPI, by.ID); err != nil {
		return Version{}, nil, err
	}
	return s.state.Load().version, set, nil
}

// Version returns a version with its texts; that in force for 0.
func (s *Service) Version(ctx context.Context, number int64) (Version, error) {
	if number == 0 {
		set, err := s.current(ctx)
		if err != nil {
			return Version{}, err
		}
		number = set.version
	}
	return s.store.get(ctx, number)
}

// Versions lists the versions, newest first, without their texts.
func (s *Service) Versions(ctx context.Context) ([]Version, error) { return s.store.list(ctx) }

// InForce returns the number of the version that this process decides by.
func (s *Service) InForce() int64 { return s.state.Load().version.Number }
