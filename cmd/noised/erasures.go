package main

import (
	"github.com/noised/noised/ingest/erase"
	"github.com/noised/noised/ingest/job"
)

// openJobs starts what runs on tenants' data: loads, and erasures beside them.
func openJobs(o job.Options) (*job.Service, *erase.Service, error) {
	jobs, err := job.New(o)
	if err != nil {
		return nil, nil, err
	}
	erasures, err := erase.New(erase.Options{
		DB: o.DB, Catalog: o.Catalog, Jobs: jobs, Containment: o.Containment, Dir: o.Dir, Regions: o.Regions, Removed: o.Removed, Log: o.Log, Now: o.Now,
	})
	if err != nil {
		return nil, nil, err
	}
	jobs.Beside(erasures)
	return jobs, erasures, nil
}
