// Package schema moves control stores from one version of the program to the next, and
// back.
//
// A store is migrated forward only, when it is opened, and is copied before that. A
// program refuses a store that a later one has migrated: it says which one did, and
// [Back] puts the copy from before in place. Reverse migrations are not run.
//
// Copies of a store that nobody writes are opened, checked and compared here too. A
// store in use is opened by package controldb alone.
package schema
