// Package recent keeps the values in memory that were used last. Each is what
// something was at one of its versions, and must not be changed: callers share
// it.
package recent

import (
	"container/list"
	"sync"
)

// Cache has values by key, up to a weight in all: what was not used for longest
// goes first. It is safe for concurrent use.
type Cache[V any] struct {
	limit int

	mu     sync.Mutex
	weight int // of all
	byKey  map[string]*list.Element
	order  list.List // of *entry[V], the one used last first
}

type entry[V any] struct {
	key     string
	version int64
	value   V
	weight  int
}

// New returns a cache of values that weigh no more than limit together.
func New[V any](limit int) *Cache[V] {
	return &Cache[V]{limit: limit, byKey: map[string]*list.Element{}}
}

// Get returns the value of a key and its version; ok is false when none is kept.
func (c *Cache[V]) Get(key string) (value V, version int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.byKey[key]
	if !ok {
		return value, 0, false
	}
	c.order.MoveToFront(at)
	e := at.Value.(*entry[V])
	return e.value, e.version, true
}

// Put keeps a value, unless one of a later version is kept: whoever read it
// first may come last. A value that weighs more than all may together is not
// kept, and neither is the one before.
func (c *Cache[V]) Put(key string, version int64, value V, weight int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.byKey[key]; ok {
		if at.Value.(*entry[V]).version > version {
			return
		}
		c.remove(at)
	}
	if weight > c.limit {
		return
	}
	c.byKey[key] = c.order.PushFront(&entry[V]{key, version, value, weight})
	c.weight += weight
	for c.weight > c.limit {
		c.remove(c.order.Back())
	}
}

// remove forgets an entry. The caller holds the lock.
func (c *Cache[V]) remove(at *list.Element) {
	e := c.order.Remove(at).(*entry[V])
	delete(c.byKey, e.key)
	c.weight -= e.weight
}
