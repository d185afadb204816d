package limits

import (
	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/analytics/turns"
	"github.com/noised/noised/privacy"
)

// Slots limits how much runs at a time. It never waits: a caller that is told
// to come back can choose; one that waits cannot.
//
// Nobody takes more than half of the slots, or one that keeps requests open, with
// bodies or uploads that hardly move, would be all that the server does.
type Slots struct {
	free  chan struct{}
	half  int64
	taken quota.Gauge // by tenant; by principal of none
}

// NewSlots returns as many slots.
func NewSlots(n int) *Slots {
	s := &Slots{free: make(chan struct{}, n), half: max(int64(n)/2, 1)}
	for range n {
		s.free <- struct{}{}
	}
	return s
}

// Take takes a slot, unless none is free.
func (s *Slots) Take() bool {
	select {
	case <-s.free:
		return true
	default:
		return false
	}
}

// Give gives a slot back.
func (s *Slots) Give() { s.free <- struct{}{} }

// Share counts a slot that is taken against a principal's tenant, once it is known
// whose it is, and returns what ends that.
func (s *Slots) Share(p privacy.Principal) (give func(), err error) {
	whose := turns.Who{Tenant: p.Tenant, Principal: p.ID}.Whose()
	if !s.taken.Take(whose, 1, s.half) {
		return nil, privacy.Errorf(privacy.CodeRateLimited, "half of what the server answers at a time is this caller's already: wait until some of it has been answered")
	}
	return func() { s.taken.Add(whose, -1) }, nil
}
