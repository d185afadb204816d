// Package limits counts: how much is answered at a time, how much of it for one
// tenant, and how often each principal may ask. It never waits and reads no store.
package limits
