package view

import "bytes"

// splitter cuts a stream of output into lines. A carriage return ends one too: progress bars use
// it. A line that is too long is cut, the rest of it is left out.
type splitter struct {
	open    []byte
	cutting bool // the rest of this line is left out
	cr      bool // the last line ended with \r: a \n belongs to it
}

// feed gives each line that ended, without its end, valid only during the call.
func (s *splitter) feed(p []byte, line func([]byte)) {
	for len(p) > 0 {
		if s.cr && p[0] == '\n' {
			s.cr = false
			p = p[1:]
			continue
		}
		s.cr = false
		i := bytes.IndexAny(p, "\r\n")
		if i < 0 {
			s.hold(p)
			return
		}
		s.hold(p[:i])
		s.cr = p[i] == '\r'
		line(s.open)
		s.open, s.cutting = s.open[:0], false
		p = p[i+1:]
	}
}

func (s *splitter) hold(p []byte) {
	if s.cutting || len(p) == 0 {
		return
	}
	if len(s.open)+len(p) > lineBytesMax {
		p = p[:lineBytesMax-len(s.open)]
		s.cutting = true
		s.open = append(append(s.open, p...), " [cut]"...)
		return
	}
	s.open = append(s.open, p...)
}

// rest gives what stands after the last end of a line.
func (s *splitter) rest(line func([]byte)) {
	if len(s.open) > 0 {
		line(s.open)
	}
	*s = splitter{}
}
