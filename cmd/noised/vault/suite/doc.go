// Package suite tries what is at rest, and the record of what was spent, against the
// built program: its files are searched for what was put into them, its log and
// store are changed behind its back, it is fed damaged files, and it is restored from
// backups.
//
// The tests have the build tag vault; command vault runs them and gathers what they
// report.
package suite
