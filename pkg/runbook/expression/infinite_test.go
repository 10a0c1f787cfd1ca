package expression

import (
	"math"
	"testing"
)

func TestInfinityIsNoText(t *testing.T) {
	for _, value := range []any{math.Inf(1), math.Inf(-1), math.NaN(), []any{1, math.NaN()}, []any{math.Inf(1)}} {
		if words, _, err := Words(value); err == nil {
			t.Errorf("%v was given as %q", value, words)
		}
		if text, err := Format(value); err == nil {
			t.Errorf("%v was given as %q", value, text)
		}
	}
}
