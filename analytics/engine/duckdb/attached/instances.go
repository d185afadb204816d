package attached

import (
	"container/list"
	"errors"
	"slices"
	"sync"
)

// ErrClosed is what a run gets after Close.
var ErrClosed = errors.New("the engine is closed")

// Entry is an instance of the cache, perhaps still opening.
type Entry struct {
	key   string
	paths []string
	users int
	place *list.Element // nil once evicted
	ready chan struct{} // closed when instance or err is set
	*Instance
	err error
}

// Cache keeps the most recently used instances open. An instance is closed
// when it is neither in the cache nor in use.
type Cache struct {
	settings Settings

	mu     sync.Mutex
	closed bool
	byKey  map[string]*Entry
	recent *list.List // of *Entry, most recently used first
	users  sync.WaitGroup
}

// NewCache returns a cache that opens instances by the settings.
func NewCache(o Settings) *Cache {
	return &Cache{settings: o, byKey: make(map[string]*Entry), recent: list.New()}
}

// Acquire returns the instance of a purpose and a sorted set of paths, opening it on first
// use. Every acquired entry must be released.
func (c *Cache) Acquire(p Purpose, paths []string) (*Entry, error) {
	key := setKey(p, paths)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, ErrClosed
	}
	c.users.Add(1)
	e, found := c.byKey[key]
	if found {
		c.recent.MoveToFront(e.place)
	} else {
		e = &Entry{key: key, paths: paths, ready: make(chan struct{})}
		e.place = c.recent.PushFront(e)
		c.byKey[key] = e
	}
	e.users++
	idle := c.evict()
	c.mu.Unlock()
	closeAll(idle)

	if !found {
		e.Instance, e.err = Open(c.settings, p, paths)
		close(e.ready)
	}
	<-e.ready
	if e.err != nil {
		c.Release(e)
		return nil, e.err
	}
	return e, nil
}

// Release ends one use of an entry. An entry that failed to open is forgotten,
// so that the next run tries again.
func (c *Cache) Release(e *Entry) {
	c.mu.Lock()
	e.users--
	if e.err != nil && e.place != nil {
		c.remove(e)
	}
	last := e.users == 0 && e.place == nil
	c.mu.Unlock()
	if last {
		closeAll([]*Entry{e})
	}
	c.users.Done()
}

// evict removes the least recently used entries beyond the limit and returns
// those that nobody uses. The caller holds the lock.
func (c *Cache) evict() []*Entry {
	var idle []*Entry
	for c.recent.Len() > c.settings.MaxInstances {
		e := c.recent.Back().Value.(*Entry)
		c.remove(e)
		if e.users == 0 {
			idle = append(idle, e)
		}
	}
	return idle
}

// Len is the number of instances that are kept.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byKey)
}

// Statements are those that idle readers of kept instances have prepared.
func (c *Cache) Statements() (out []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.byKey {
		<-e.ready
		if e.Instance != nil {
			out = append(out, e.statements()...)
		}
	}
	return out
}

// Forget closes the instances that have one of the paths attached, those in use
// when their last run ends. A run that asks for such a path opens it anew.
func (c *Cache) Forget(paths []string) {
	c.mu.Lock()
	var idle []*Entry
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

func (c *Cache) remove(e *Entry) {
	c.recent.Remove(e.place)
	e.place = nil
	delete(c.byKey, e.key)
}

// Close waits for the runs under way and closes every instance.
func (c *Cache) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.users.Wait()
	c.mu.Lock()
	var idle []*Entry
	for c.recent.Len() > 0 {
		e := c.recent.Back().Value.(*Entry)
		c.remove(e)
		idle = append(idle, e)
	}
	c.mu.Unlock()
	closeAll(idle)
}

func closeAll(entries []*Entry) {
	for _, e := range entries {
		if e.Instance != nil {
			e.Instance.Close()
		}
	}
}

// Paths returns the files that instances have open, or are opening, each once.
func (c *Cache) Paths() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := map[string]bool{}
	var all []string
	for _, e := range c.byKey {
		for _, path := range e.paths {
			if !seen[path] {
				seen[path] = true
				all = append(all, path)
			}
		}
	}
	return all
}
