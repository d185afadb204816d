package query

// Waiting counts the runs that wait for their turn.
func (s *Service) Waiting() int { return s.redeemer.Waiting() }
