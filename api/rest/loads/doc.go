// Package loads serves what brings rows in and what takes people out of them:
// uploads, the jobs that they become, and erasures. A file is never held in memory,
// and nobody sees the loads, rejected rows or erasures of another tenant.
package loads
