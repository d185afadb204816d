//go:build !race

package translog

const raceDetector = false
