package secret

import (
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// Masker takes secrets out of texts. It may be used by several goroutines.
type Masker struct {
	mu    sync.Mutex // held while secrets are added
	texts []string
	known map[string]bool
	short int
	set   atomic.Pointer[patterns] // nil while no secret is known
}

// NewMasker makes a Masker of the secrets known so far.
func NewMasker(secrets ...Secret) *Masker {
	m := &Masker{known: map[string]bool{}}
	m.Add(secrets...)
	return m
}

// Add makes more secrets known. What a stream has given out before is not called back.
func (m *Masker) Add(secrets ...Secret) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.texts)
	for _, s := range secrets {
		text := s.Reveal()
		if text == "" || m.known[text] {
			continue
		}
		m.known[text] = true
		if utf8.RuneCountInString(text) < charsMin {
			m.short++
			continue
		}
		m.texts = append(m.texts, forms(text)...)
	}
	if len(m.texts) > before {
		m.set.Store(newPatterns(m.texts))
	}
}

// Short tells how many secrets have fewer than four characters and so are not masked.
func (m *Masker) Short() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.short
}

// String gives s without the secrets; s itself where there are none in it.
func (m *Masker) String(s string) string {
	if m.set.Load() == nil {
		return s
	}
	stream := m.Stream()
	first := string(stream.Write([]byte(s)))
	rest := string(stream.Flush())
	if !stream.Masked() {
		return s
	}
	return first + rest
}

// Found tells whether there is a secret in s.
func (m *Masker) Found(s string) bool {
	stream := m.Stream()
	stream.Write([]byte(s))
	stream.Flush()
	return stream.Masked()
}

// Stream starts on one stream of bytes.
func (m *Masker) Stream() *MaskStream { return &MaskStream{masker: m} }
