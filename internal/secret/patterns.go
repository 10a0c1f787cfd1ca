package secret

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// patterns finds many texts at once. It is never changed once built.
//
// They are indexed by their first four bytes; a small filter answers for nearly every place of
// ordinary text that nothing starts there. An automaton would do the same with megabytes of
// tables for one private key in all its forms.
type patterns struct {
	filter [filterSize / 64]uint64
	start  map[uint32][]string // by first four bytes, longest first
	stub   map[string]bool     // the first one to three bytes of each
}

const filterSize = 1 << 16 // bits

func newPatterns(texts []string) *patterns {
	p := &patterns{start: map[uint32][]string{}, stub: map[string]bool{}}
	texts = bounded(texts)
	slices.Sort(texts)
	for _, text := range slices.Compact(texts) {
		if len(text) < patternMin {
			continue
		}
		key := binary.LittleEndian.Uint32([]byte(text[:patternMin]))
		p.filter[slot(key)/64] |= 1 << (slot(key) % 64)
		p.start[key] = append(p.start[key], text)
		for n := 1; n < patternMin; n++ {
			p.stub[text[:n]] = true
		}
	}
	for _, bucket := range p.start {
		slices.SortFunc(bucket, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	}
	return p
}

// bounded cuts what is very long. Pieces beside each other are masked as one.
func bounded(texts []string) []string {
	var kept []string
	for _, text := range texts {
		if len(text) > patternMax {
			kept = append(kept, text[len(text)-patternCut:])
			for ; len(text) >= patternCut; text = text[patternCut:] {
				kept = append(kept, text[:patternCut])
			}
			continue
		}
		kept = append(kept, text)
	}
	return kept
}

func slot(key uint32) uint32 { return key * 2654435761 >> 16 }

// at tells how long the longest pattern is that starts where b does, and whether a longer one
// may, once more bytes are known.
func (p *patterns) at(b []byte) (length int, open bool) {
	if len(b) < patternMin {
		return 0, p.stub[string(b)]
	}
	key := binary.LittleEndian.Uint32(b)
	if p.filter[slot(key)/64]&(1<<(slot(key)%64)) == 0 {
		return 0, false
	}
	for _, text := range p.start[key] {
		if len(text) > len(b) {
			open = open || text[:len(b)] == string(b)
		} else if text == string(b[:len(text)]) {
			return len(text), open
		}
	}
	return 0, open
}
