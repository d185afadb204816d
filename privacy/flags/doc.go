// Package flags switches features off that reach across tenants: per tenant,
// dataset and principal, by a file that whoever runs the server keeps.
//
// A flag is no permission. What roles, policies, contracts and budgets refuse
// stays refused; a flag that is off refuses more. Flags are on unless the file
// says otherwise, and what cannot be evaluated is off.
//
// Flags are evaluated through the OpenFeature SDK, with the file as its provider,
// so that another provider can take its place. The file is YAML:
//
//	flags:
//	  joint-queries:
//	    default: on
//	    rules:                       # the first one that matches decides
//	    - {dataset: insteval, tenant: clinic_1, value: off}
//	    - {principal: key_3k…, value: off}
//
// It is read again when it changes. A file that does not hold does not start a
// server, and changes nothing in one that runs, which says so.
package flags
