package hostile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
)

// File is an upload.
type File struct {
	Name     string
	Format   string // csv, ndjson, parquet or arrow
	Encoding string // empty, gzip or zstd
	Body     []byte
}

// The formats of uploads.
const (
	CSV     = "csv"
	NDJSON  = "ndjson"
	Parquet = "parquet"
	Arrow   = "arrow"
)

// Formats are all of them.
var Formats = []string{CSV, NDJSON, Parquet, Arrow}

// Few are some dozens of files that are read quickly, of every kind.
func Few() []File {
	var few []File
	for i, f := range mutated(1) {
		if i%2 == 0 {
			few = append(few, f)
		}
	}
	return append(few, made(1)...)
}

// All are more than two hundred files, bombs of gigabytes among them.
func All() []File { return append(mutated(8), made(1000)...) }

// mutated are wholesome files with damages.
func mutated(each int) (files []File) {
	for _, format := range Formats {
		whole := Whole(format)
		for seed := range each {
			for _, d := range damages() {
				name := fmt.Sprintf("%s, %s %d", format, d.name, seed)
				h := fnv.New64a()
				_, _ = h.Write([]byte(name))
				rng := rand.New(rand.NewPCG(h.Sum64(), 6))
				files = append(files, File{Name: name, Format: format, Body: d.do(rng, slices.Clone(whole))})
			}
		}
	}
	return files
}

// damage is a way to spoil a file.
type damage struct {
	name string
	do   func(rng *rand.Rand, body []byte) []byte
}

func damages() []damage {
	return []damage{
		{"bits flipped", func(rng *rand.Rand, b []byte) []byte {
			for range 1 + rng.IntN(20) {
				b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
			}
			return b
		}},
		{"bits flipped at the end", func(rng *rand.Rand, b []byte) []byte {
			tail := min(len(b), 600) // a Parquet file has its footer there
			for range 1 + rng.IntN(5) {
				b[len(b)-1-rng.IntN(tail)] ^= 1 << rng.IntN(8)
			}
			return b
		}},
		{"cut", func(rng *rand.Rand, b []byte) []byte { return b[:rng.IntN(len(b))] }},
		{"a hole", func(rng *rand.Rand, b []byte) []byte {
			at := rng.IntN(len(b))
			return slices.Delete(b, at, at+rng.IntN(len(b)-at))
		}},
		{"a length that lies", func(rng *rand.Rand, b []byte) []byte {
			lies := []uint32{0, 1, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff, 0x40000000}
			for range 1 + rng.IntN(3) {
				at := rng.IntN(len(b)-4) &^ 3
				binary.LittleEndian.PutUint32(b[at:], lies[rng.IntN(len(lies))])
			}
			return b
		}},
		{"a part twice", func(rng *rand.Rand, b []byte) []byte {
			from := rng.IntN(len(b))
			part := slices.Clone(b[from : from+rng.IntN(len(b)-from)])
			return slices.Insert(b, rng.IntN(len(b)), part...)
		}},
		{"rubbish inside", func(rng *rand.Rand, b []byte) []byte {
			at := rng.IntN(len(b))
			for i := range min(256, len(b)-at) {
				b[at+i] = byte(rng.Uint32())
			}
			return b
		}},
		{"zeros inside", func(rng *rand.Rand, b []byte) []byte {
			at := rng.IntN(len(b))
			clear(b[at:min(at+256, len(b))])
			return b
		}},
	}
}

// made are files that are built to harm; size scales the largest.
func made(size int) []File {
	files := slices.Concat(swapped(), compressed(size), csvs(size), ndjsons(size), parquets(size), arrows(size))
	for i := range files {
		if files[i].Body == nil {
			files[i].Body = []byte{}
		}
	}
	return files
}

// swapped are files of one format that say they are of another.
func swapped() (files []File) {
	for _, is := range Formats {
		for _, says := range Formats {
			if is != says {
				files = append(files, File{Name: is + " that says it is " + says, Format: says, Body: Whole(is)})
			}
		}
		files = append(files, File{Name: "nothing as " + is, Format: is}, File{Name: "one byte as " + is, Format: is, Body: []byte{0}},
			File{Name: "zeros as " + is, Format: is, Body: make([]byte, 1<<20)}, File{Name: "quotes as " + is, Format: is, Body: bytes.Repeat([]byte{'"'}, 1<<20)})
	}
	return files
}
