package secret

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretHasNoTextForm(t *testing.T) {
	s := New("canary-7")
	outer := struct {
		Public Secret
		hidden Secret
		point  *Secret
		list   []Secret
	}{s, s, &s, []Secret{s}}
	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		fmt.Fprintf(&shown, verb+"\n"+verb+"\n"+verb+"\n", s, &s, outer)
	}
	shown.WriteString(s.String() + s.GoString() + fmt.Sprint(s, fmt.Errorf("cannot use %v", s)))
	for _, value := range []any{s, &s, outer, map[string]Secret{"a": s}} {
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(encoded)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("with", "secret", s, "outer", outer)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("with", "secret", s, "outer", outer)
	if err := gob.NewEncoder(&log).Encode(s); err != nil {
		t.Fatal(err)
	}
	shown.Write(log.Bytes())
	for _, form := range []string{"canary", "63616e617279", "63616E617279", "99 97 110", "Y2FuYXJ5"} {
		if strings.Contains(shown.String(), form) {
			t.Errorf("%q is shown in:\n%s", form, shown.String())
		}
	}
	if s.Reveal() != "canary-7" || s.Empty() || !(Secret{}).Empty() {
		t.Error("Reveal is wrong")
	}
}
