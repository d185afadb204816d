// Package oversight serves those who watch and restrain: policies, suspensions, what
// the detector noticed, and what was refused. People of a tenant see of it what
// concerns their own.
package oversight
