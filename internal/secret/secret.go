package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Mask is what stands in the place of a secret.
const Mask = "***"

// Secret is a text that is never shown. The zero value is an empty secret.
//
// The text is behind a pointer because fmt does not call methods on unexported fields of other
// structs: there it prints an address instead of the text.
type Secret struct {
	text *string
}

// New makes a Secret of a text.
func New(text string) Secret { return Secret{text: &text} }

// Reveal gives the text itself, for the one place that has to use it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty tells whether there is nothing to hide.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// Format is ***, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) {
	// A fmt.State keeps its own error; there is nobody to tell here.
	_, _ = io.WriteString(f, Mask)
}

// String is ***.
func (s Secret) String() string { return Mask }

// GoString is ***.
func (s Secret) GoString() string { return Mask }

// MarshalJSON is "***".
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Mask + `"`), nil }

// MarshalText is ***.
func (s Secret) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// MarshalBinary is ***, also for gob.
func (s Secret) MarshalBinary() ([]byte, error) { return []byte(Mask), nil }

// LogValue is ***, for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(Mask) }
