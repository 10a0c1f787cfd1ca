package shell

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// delimit writes the delimiters of the here-documents: as they are, or fresh ones where a value
// would make a line of the body end it.
func (r *renderer) delimit(out []string) {
	pieces := r.script.pieces
	names := make([]string, len(r.script.documents))
	first := make([]int, len(names))
	for i, p := range pieces {
		if p.kind == pieceOpening {
			first[p.doc] = i
		}
		if p.kind != pieceClosing {
			continue
		}
		delimiter := r.script.documents[p.doc].delimiter
		name, ok := fresh(delimiter, strings.Join(out[first[p.doc]+1:i], ""))
		if !ok {
			r.carry(out, first[p.doc]+1, i)
			name, _ = fresh(delimiter, strings.Join(out[first[p.doc]+1:i], ""))
		}
		names[p.doc] = name
	}
	for i, p := range pieces {
		if p.kind == pieceOpening || p.kind == pieceClosing {
			out[i] = names[p.doc]
		}
	}
}

// carry writes the values of a here-document as expansions, where no delimiter suits their text.
func (r *renderer) carry(out []string, from, to int) {
	for i := from; i < to; i++ {
		p := r.script.pieces[i]
		if p.kind == pieceValue && p.ctx.form == formDocument && !p.use.Raw {
			out[i] = r.expansion(p, strings.Join(r.values[p.place].Words, " "))
		}
	}
}

const initials = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"

// fresh returns the delimiter, or another that the body does not hold, neither as it is read nor with
// its continued lines joined. A shell compares whole lines; not to hold it at all is the safer side.
// It is not ok if every name it knows is in the way of a line that dash would garble.
func fresh(delimiter, body string) (name string, ok bool) {
	joined := strings.ReplaceAll(body, "\\\n", "")
	fits := func(name string) bool {
		return !garbled(name, body) && !garbled(name, joined)
	}
	held := func(name string) bool {
		return strings.Contains(body, name) || strings.Contains(joined, name)
	}
	unheld := func(base string) string {
		name := base
		for n := 1; held(name); n++ {
			name = base + "_" + strconv.Itoa(n)
			if n > countedMax {
				return base + "_" + digest(body)
			}
		}
		return name
	}
	name = unheld(delimiter)
	if fits(name) {
		return name, true
	}
	for i := range len(initials) {
		if other := unheld(initials[i:i+1] + "_" + delimiter); fits(other) {
			return other, true
		}
	}
	return name, false
}

// countedMax ends the counting through names: who writes a body that holds them all does so on
// purpose, but cannot write one that holds its own digest.
const countedMax = 8

func digest(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:16])
}

// garbled tells whether a line starts as the delimiter does and goes on with a byte outside ASCII: comparing
// them, dash 0.5.12 loses that byte.
func garbled(name, body string) bool {
	for line := range strings.SplitSeq(body, "\n") {
		k := 0
		for k < len(line) && k < len(name) && line[k] == name[k] {
			k++
		}
		if k > 0 && k < len(line) && line[k] >= 0x80 {
			return true
		}
	}
	return false
}
