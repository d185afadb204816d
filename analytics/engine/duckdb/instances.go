package duckdb

import (
	"container/list"
	"errors"
	"slices"
	"sync"
)

// errClosed is what a run gets after Close.
var errClosed = errors.New("the engine is closed")

// entry is an instance of the cache, perhaps still opening.
type entry struct {
	key   string
	paths []string
	users int
	place *list.Element // nil once evicted
	ready chan struct{} // closed when instance or err is set
	*instance
	err error
}

// instances keeps the most recently used instances open. An instance is closed
// when it is neither in the cache nor in use.
type instances struct {
	options Options

	mu     sync.Mutex
	closed bool
	byKey  map[string]*entry
	recent *list.List // of *entry, most recently used first
	users  sync.WaitGroup
}

func newInstances(o Options) *instances {
	return &instances{options: o, byKey: make(map[string]*entry), recent: list.New()}
}

// acquire returns the instance of a purpose and a sorted set of paths, opening it on first
// use. Every acquired entry must be released.
func (c *instances) acquire(p purpose, paths []string) (*entry, error) {
	key := setKey(p, paths)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, errClosed
	}
	c.users.Add(1)
	e, found := c.byKey[key]
	if found {
		c.recent.MoveToFront(e.place)
	} else {
		e = &entry{key: key, paths: paths, ready: make(chan struct{})}
		e.place = c.recent.PushFront(e)
		c.byKey[key] = e
	}
	e.users++
	idle := c.evict()
	c.mu.Unlock()
	closeAll(idle)

	if !found {
		e.instance, e.err = openInstance(c.options, p, paths)
		close(e.ready)
	}
	<-e.ready
	if e.err != nil {
		c.release(e)
		return nil, e.err
	}
	return e, nil
}

// release ends one use of an entry. An entry that failed to open is forgotten,
// so that the next run tries again.
func (c *instances) release(e *entry) {
	c.mu.Lock()
	e.users--
	if e.err != nil && e.place != nil {
		c.remove(e)
	}
	last := e.users == 0 && e.place == nil
	c.mu.Unlock()
	if last {
		closeAll([]*entry{e})
	}
	c.users.Done()
}

// evict removes the least recently used entries beyond the limit and returns
// those that nobody uses. The caller holds the lock.
func (c *instances) evict() []*entry {
	var idle []*entry
	for c.recent.Len() > c.options.MaxInstances {
		e := c.recent.Back().Value.(*entry)
		c.remove(e)
		if e.users == 0 {
			idle = append(idle, e)
		}
	}
	return idle
}

// forget closes the instances that have one of the paths attached, those in use
// when their last run ends. A run that asks for such a path opens it anew.
func (c *instances) forget(paths []string) {
	c.mu.Lock()
	var idle []*entry
	for _, e := range c.byKey {
		if !slices.ContainsFunc(paths, func(path string) bool { return slices.Contains(e.paths, path) }) {
			continue
		}
		c.remove(e)
		if e.users == 0 {
			idle = append(idle, e)
		}
	}
	c.mu.Unlock()
	closeAll(idle)
}

func (c *instances) remove(e *entry) {
	c.recent.Remove(e.place)
	e.place = nil
	delete(c.byKey, e.key)
}

// close waits for the runs under way and closes every instance.
func (c *instances) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.users.Wait()
	c.mu.Lock()
	var idle []*entry
	for c.recent.Len() > 0 {
		e := c.recent.Back().Value.(*entry)
		c.remove(e)
		idle = append(idle, e)
	}
	c.mu.Unlock()
	closeAll(idle)
}

func closeAll(entries []*entry) {
	for _, e := range entries {
		if e.instance != nil {
			e.instance.close()
		}
	}
}
