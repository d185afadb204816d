package main

import "context"

func (b *bench) scaling(context.Context) error { return nil }
