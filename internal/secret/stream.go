package secret

// MaskStream masks one stream of bytes, however it is cut into pieces. It holds back only what
// may be the beginning of a secret. It is used by one goroutine.
type MaskStream struct {
	masker *Masker
	held   []byte // written, and not yet decided
	cover  int    // bytes of held, from its start, that belong to a secret found before
	within bool   // the byte before held was masked: one mask stands for neighbours too
	masked bool
}

// Write takes more of the stream and returns what may be shown of it now. The result is valid
// until the next call, and may be p itself.
func (s *MaskStream) Write(p []byte) []byte {
	set := s.masker.set.Load()
	if set == nil && len(s.held) == 0 {
		return p
	}
	if len(s.held) == 0 {
		return s.scan(set, p, false)
	}
	return s.scan(set, append(s.held, p...), false)
}

// Flush ends the stream and returns what was held back.
func (s *MaskStream) Flush() []byte {
	out := s.scan(s.masker.set.Load(), s.held, true)
	s.within = false
	return out
}

// Masked tells whether a secret was found so far.
func (s *MaskStream) Masked() bool { return s.masked }

// scan decides byte by byte whether one belongs to a secret, until more must be known. Places
// inside of a found secret are looked at too: two secrets may overlap.
func (s *MaskStream) scan(set *patterns, b []byte, last bool) []byte {
	if set == nil || len(b) == 0 {
		s.held = nil
		return b
	}
	var out []byte // nil as long as everything can be shown as it is
	shown, i := 0, 0
	for ; i < len(b); i++ {
		length, open := set.at(b[i:])
		if open && !last {
			break
		}
		s.cover = max(s.cover, length)
		if s.cover == 0 {
			s.within = false
			continue
		}
		if !s.within {
			out = append(append(out, b[shown:i]...), Mask...)
			s.within, s.masked = true, true
		}
		s.cover--
		shown = i + 1
	}
	s.held = append([]byte(nil), b[i:]...) // a copy: b belongs to the caller
	if out == nil {
		return b[shown:i]
	}
	if shown < i {
		out = append(out, b[shown:i]...)
	}
	return out
}
