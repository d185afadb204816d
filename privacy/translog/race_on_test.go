//go:build race

package translog

// raceDetector is true under the race detector, which makes SQLite fifteen
// times slower. What runs on one goroutine has nothing to show it, so tests of
// that kind are shorter then.
const raceDetector = true
