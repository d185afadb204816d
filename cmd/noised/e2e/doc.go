// Package e2e tests the built program as a black box: server processes on data
// directories of their own, HTTP in, HTTP out. It proves what users are told:
//
//   - every error code can be provoked, and then nothing is charged, loaded or
//     lost (errors_test.go, internal_test.go);
//   - answers lie within their stated intervals as often as stated
//     (accuracy_test.go);
//   - a budget is never overspent, whatever the number of clients and server
//     processes (race_test.go);
//   - kill −9 at any moment loses no charge, no release and no load
//     (crash_test.go, loadcrash_test.go);
//   - the same release is the same in Arrow, CSV and JSON, on every way to it
//     (interop_test.go);
//   - answers leave on response slots, whatever they took (slots_test.go);
//   - what an analyst sees besides values does not depend on one person
//     (neighbour_test.go).
//
// The program is built once. NOISED_E2E_BINARY names one that is there already;
// NOISED_E2E_LONG=1 multiplies the repetitions of the races and crashes.
// Statistical tests state their probability to fail without a fault.
package e2e
