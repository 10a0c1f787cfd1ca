package supervisor

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

var errFlood = errors.New("the host sends more than it was asked for")

// frames reads raw bytes, and the frames between them: "\nNONCE WORDS\n".
type frames struct {
	r    io.Reader
	mark []byte
	buf  []byte // read, and not yet given on
	room []byte
}

func newFrames(r io.Reader, nonce string) *frames {
	return &frames{r: r, mark: []byte("\n" + nonce + " "), room: make([]byte, 2<<10)}
}

// next gives the raw bytes before the next frame to raw, as they come, and returns its words.
func (f *frames) next(raw func([]byte) error) ([]string, error) {
	for {
		i := bytes.Index(f.buf, f.mark)
		if i >= 0 {
			if err := raw(f.buf[:i]); err != nil {
				return nil, err
			}
			f.buf = f.buf[i:]
			rest := f.buf[len(f.mark):]
			if j := bytes.IndexByte(rest, '\n'); j >= 0 {
				words := strings.Fields(string(rest[:j]))
				f.buf = rest[j+1:]
				if len(words) == 0 {
					words = []string{""}
				}
				return words, nil
			}
			if len(f.buf) > wordsMax {
				return nil, errFlood
			}
		} else if err := f.giveOn(raw); err != nil {
			return nil, err
		}
		n, err := f.r.Read(f.room)
		f.buf = append(f.buf, f.room[:n]...)
		if n == len(f.room) && n < roomMax {
			f.room = make([]byte, 4*n) // most answers are short, and there may be thousands of hosts
		}
		if err != nil && n == 0 {
			return nil, err
		}
	}
}

// giveOn gives all to raw that cannot be the beginning of a mark.
func (f *frames) giveOn(raw func([]byte) error) error {
	keep := min(len(f.buf), len(f.mark)-1)
	for keep > 0 && !bytes.HasPrefix(f.mark, f.buf[len(f.buf)-keep:]) {
		keep--
	}
	n := len(f.buf) - keep
	if n == 0 {
		return nil
	}
	err := raw(f.buf[:n])
	f.buf = append(f.buf[:0], f.buf[n:]...)
	return err
}

// bounded collects raw bytes up to a limit.
type bounded struct {
	bytes.Buffer
	max int
}

func (b *bounded) take(p []byte) error {
	if b.Len()+len(p) > b.max {
		return errFlood
	}
	b.Write(p)
	return nil
}
