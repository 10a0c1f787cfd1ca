package run

import "math/bits"

// bitSet is a set of small numbers that is walked in order. A word of the summary tells which
// of 64 words are not empty, so that a sparse set of a million costs little to walk.
type bitSet struct {
	words   []uint64
	summary []uint64
	count   int
}

func newBitSet(size int) bitSet {
	words := (size + 63) / 64
	return bitSet{words: make([]uint64, words), summary: make([]uint64, (words+63)/64)}
}

func (b *bitSet) add(i int) {
	w := i >> 6
	if b.words[w]&(1<<(i&63)) == 0 {
		b.words[w] |= 1 << (i & 63)
		b.summary[w>>6] |= 1 << (w & 63)
		b.count++
	}
}

func (b *bitSet) remove(i int) {
	w := i >> 6
	if b.words[w]&(1<<(i&63)) == 0 {
		return
	}
	b.words[w] &^= 1 << (i & 63)
	b.count--
	if b.words[w] == 0 {
		b.summary[w>>6] &^= 1 << (w & 63)
	}
}

func (b *bitSet) has(i int) bool { return b.words[i>>6]&(1<<(i&63)) != 0 }

// next gives the smallest member that is at least i, or -1.
func (b *bitSet) next(i int) int {
	w := i >> 6
	if w >= len(b.words) {
		return -1
	}
	if word := b.words[w] >> (i & 63); word != 0 {
		return i + bits.TrailingZeros64(word)
	}
	for s := (w + 1) >> 6; s < len(b.summary); s++ {
		summary := b.summary[s]
		if s == (w+1)>>6 {
			summary = summary >> ((w + 1) & 63) << ((w + 1) & 63)
		}
		if summary != 0 {
			w = s<<6 + bits.TrailingZeros64(summary)
			return w<<6 + bits.TrailingZeros64(b.words[w])
		}
	}
	return -1
}
