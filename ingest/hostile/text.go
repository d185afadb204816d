package hostile

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// wholeRows is the number of rows of a wholesome file.
const wholeRows = 300

var cities = []string{"Ulm", "Bonn", "Zürich", "", "a city with a long name, of all"}

func row(i int) (person int64, city string, rating int8) {
	return int64(i * i % 97), cities[i%len(cities)], int8(1 + i%5)
}

// Whole is a wholesome file.
func Whole(format string) []byte {
	var b bytes.Buffer
	switch format {
	case CSV:
		b.WriteString("person,city,rating\n")
		for i := range wholeRows {
			person, city, rating := row(i)
			fmt.Fprintf(&b, "%d,%q,%d\n", person, city, rating)
		}
	case NDJSON:
		for i := range wholeRows {
			person, city, rating := row(i)
			fmt.Fprintf(&b, "{\"person\":%d,\"city\":%q,\"rating\":%d}\n", person, city, rating)
		}
	case Parquet:
		return wholeParquet()
	case Arrow:
		return wholeArrow()
	}
	return b.Bytes()
}

func csvs(size int) []File {
	wide := strings.Repeat("c,", 100*size+11_000)
	row := func(city string) string { return "person,city,rating\n1," + city + ",3\n" }
	return texts(CSV, map[string]string{
		"columns without end":            "person,rating,city," + wide + "\n1,2,x," + strings.Repeat(",", strings.Count(wide, ",")) + "\n",
		"a column of a long name":        strings.Repeat("n", 2000+1000*size) + ",person,city,rating\n1,2,3,4\n",
		"columns twice":                  "person,person,city,city,rating,rating\n1,1,a,a,3,3\n",
		"a field without end":            row(strings.Repeat("x", 40_000*size)),
		"a quoted field without end":     row(`"` + strings.Repeat("x\n", 20_000*size) + `"`),
		"a quote that does not close":    row(`"Ulm`) + strings.Repeat("1,a,3\n", 1000*size),
		"NUL bytes":                      row("U\x00lm") + "\x00,\x00,\x00\n\x00\x00\x00\n",
		"bytes that are no UTF-8":        row("\xff\xfe\xc0\x80\xed\xa0\x80"),
		"UTF-16":                         "\xff\xfep\x00e\x00r\x00s\x00o\x00n\x00",
		"a byte order mark, and another": "\xef\xbb\xbf\xef\xbb\xbfperson,city,rating\n1,a,3\n",
		"lines without anything":         "person,city,rating\n" + strings.Repeat("\n", 5000*size),
		"returns without anything":       "person,city,rating\r" + strings.Repeat("\r", 5000*size),
		"lines of delimiters":            strings.Repeat(",;\t|", 500*size) + "\n" + strings.Repeat(",;\t|\n", 1000),
		"a header alone":                 "person,city,rating",
		"numbers of many digits":         "person,city,rating\n" + strings.Repeat("9", 100_000) + ",a," + strings.Repeat("0", 100_000) + "3\n1,a,1e99999999\n2,a,0x7f\n",
		"other numbers":                  "person,city,rating\n-9223372036854775808,a,-0\n9223372036854775808,a,nan\n٣,a,٣\n1e18,a,inf\n",
		"combining marks":                row("e" + strings.Repeat("\u0301", 10_000)),
		"formulas":                       row(`"=cmd|' /C calc'!A0"`) + "2,'); DROP TABLE rows; --,3\n3,${jndi:ldap://127.0.0.1/a},3\n",
		"quotes in names":                "person,\"ci\"\"ty\",city,\"rating\"\n1,\"\",a,3\n",
	})
}

func ndjsons(size int) []File {
	good := `{"person":1,"city":"Ulm","rating":3}` + "\n"
	line := func(city string) string { return good + `{"person":1,"rating":3,"city":` + city + "}\n" + good }
	deep := 400 * size
	var keys strings.Builder
	for i := range 50*size + 1000 {
		fmt.Fprintf(&keys, `"k%d":1,`, i)
	}
	return texts(NDJSON, map[string]string{
		"lists in lists":            line(strings.Repeat("[", deep) + strings.Repeat("]", deep)),
		"lists that do not close":   line(strings.Repeat("[", deep)),
		"objects in objects":        line(strings.Repeat(`{"a":`, deep) + "1" + strings.Repeat("}", deep)),
		"nesting elsewhere":         good + `{"other":` + strings.Repeat("[", deep) + strings.Repeat("]", deep) + `,"person":1,"city":"a","rating":1}` + "\n",
		"nesting as the line":       strings.Repeat("[", deep) + strings.Repeat("]", deep) + "\n" + good,
		"keys without end":          "{" + keys.String() + `"person":1,"city":"a","rating":1}` + "\n",
		"a key of a long name":      `{"` + strings.Repeat("k", 500*size) + `":1,"person":1,"city":"a","rating":1}` + "\n",
		"keys twice":                `{"person":1,"person":2,"city":"a","city":null,"rating":1}` + "\n",
		"a text without end":        line(`"` + strings.Repeat("x", 40_000*size) + `"`),
		"a text that does not end":  line(`"` + strings.Repeat("x", 40_000*size)),
		"escapes":                   line(`"` + strings.Repeat(`\u0000`, 1000) + `\ud800\udc00\ud800"`),
		"half a pair":               line(`"\ud800"`),
		"bytes that are no UTF-8":   line("\"\xff\xc0\x80\""),
		"NUL bytes":                 line("\"a\x00b\"") + "\x00\n\x00{}\n",
		"numbers of many digits":    line("1"+strings.Repeat("0", 100_000)) + `{"person":1e999999999,"city":"a","rating":-0.0e-0}` + "\n",
		"no objects":                "1\nnull\n\"a\"\n[]\ntrue\n",
		"one list":                  "[" + strings.TrimSpace(good) + "]",
		"objects without end":       strings.Repeat("{}", 1000*size) + "\n",
		"lines without anything":    good + strings.Repeat("\n", 5000*size) + good,
		"white space":               good + strings.Repeat(" ", 5000*size) + "\n" + good,
		"objects, all on one line":  strings.Repeat(strings.TrimSpace(good), 100*size),
		"comments and more":         good + "// a comment\n{person:1}\n{'person':1}\nNaN\n",
		"values of another kind":    good + `{"person":[1],"city":{"a":1},"rating":true}` + "\n",
		"a text of pairs, in a map": line(`{"` + strings.Repeat(`\u00e9`, 1000) + `":[[[{}]]]}`),
	})
}

// texts are files in the order of their names.
func texts(format string, bodies map[string]string) (files []File) {
	for _, name := range sorted(bodies) {
		files = append(files, File{Name: format + ", " + name, Format: format, Body: []byte(bodies[name])})
	}
	return files
}

// compressed are files that become large, or are not what they say.
func compressed(size int) (files []File) {
	for _, format := range []string{CSV, NDJSON} {
		whole := Whole(format)
		add := func(name, encoding string, body []byte) {
			files = append(files, File{Name: format + ", " + name, Format: format, Encoding: encoding, Body: body})
		}
		header := "person,city,rating\n"
		zipped, packed := zip([]byte(header), 0), pack([]byte(header), 0)
		add("plain as gzip", "gzip", whole)
		add("plain as zstd", "zstd", whole)
		add("half of a gzip", "gzip", zip(whole, 0)[:100])
		add("half of a zstd", "zstd", pack(whole, 0)[:100])
		add("gzip in gzip", "gzip", zip(zip(whole, 0), 0))
		add("gzip as zstd", "zstd", zipped)
		add("zstd as gzip", "gzip", packed)
		add("a bomb of gzip", "gzip", zip([]byte(header), 128<<20+2<<20*size))
		add("a bomb of zstd", "zstd", pack([]byte(header), 128<<20+4<<20*size))
		add("gzip of many members", "gzip", bytes.Repeat(zip([]byte("\n"), 0), 20*size))
		add("zstd of many frames", "zstd", bytes.Repeat(pack([]byte("\n"), 0), 20*size))
		// A frame of zstd that wants a window of 2^41 bytes, and one that says it holds 2^62.
		add("a window of zstd", "zstd", []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0x01, 0x00, 0x00})
		add("a size of zstd", "zstd", []byte{0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x01, 0x00, 0x00})
	}
	return files
}

// zip compresses text and so many blanks after it.
func zip(text []byte, blanks int) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(text)
	for ; blanks > 0; blanks -= len(blank) {
		_, _ = w.Write(blank[:min(blanks, len(blank))])
	}
	_ = w.Close()
	return b.Bytes()
}

func pack(text []byte, blanks int) []byte {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(text)
	for ; blanks > 0; blanks -= len(blank) {
		_, _ = w.Write(blank[:min(blanks, len(blank))])
	}
	_ = w.Close()
	return b.Bytes()
}

var blank = bytes.Repeat([]byte{'\n'}, 1<<20)
