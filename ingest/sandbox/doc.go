// Package sandbox takes from the process that it is called in, for good, all
// that the process does not need: files but those that are named, the network,
// other programs and processes, and more memory, disk and time than a task may
// take. A load worker enters one before it reads a byte of what a tenant sent.
//
// On Linux files are shut off by Landlock and everything else by a seccomp filter
// that lists the system calls that there are; both hold for every thread, and
// neither can be undone. [Enter] tries afterwards what must be refused, and fails
// where it is not: a kernel that says yes and does nothing is not taken at its
// word. Where a kernel has one of the two or none, the [Report] says so, and
// [Options.Require] makes it an error.
package sandbox
