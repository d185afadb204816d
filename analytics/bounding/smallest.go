package bounding

// smallest keeps the limit smallest of the things that it is offered, as a heap
// with the largest of them on top.
type smallest[T any] struct {
	kept   []T
	limit  int // ≥ 1
	larger func(a, b T) bool
}

func (s *smallest[T]) reset(limit int) { s.kept, s.limit = s.kept[:0], limit }

func (s *smallest[T]) offer(x T) {
	kept := s.kept
	if len(kept) < s.limit {
		kept = append(kept, x)
		for i := len(kept) - 1; i > 0 && s.larger(kept[i], kept[(i-1)/2]); i = (i - 1) / 2 {
			kept[i], kept[(i-1)/2] = kept[(i-1)/2], kept[i]
		}
		s.kept = kept
		return
	}
	if !s.larger(kept[0], x) {
		return
	}
	kept[0] = x
	for i := 0; ; {
		child := 2*i + 1
		if child+1 < len(kept) && s.larger(kept[child+1], kept[child]) {
			child++
		}
		if child >= len(kept) || !s.larger(kept[child], kept[i]) {
			return
		}
		kept[i], kept[child] = kept[child], kept[i]
		i = child
	}
}
