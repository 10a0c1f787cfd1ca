package supervisor

import (
	"crypto/rand"
	_ "embed" // for the script
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

//go:embed supervisor.sh
var source string

// program is the script as it is sent: a shell reads its stdin byte by byte, so what is only
// for people stays here.
func program() string {
	var b strings.Builder
	for line := range strings.Lines(source) {
		line = strings.TrimLeft(line, "\t")
		if line != "\n" && !strings.HasPrefix(line, "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// preamble is the assignments that the script expects before it.
type preamble struct {
	nonce, base, dir, kind, lane, create, bootFile string
	sudo                                           bool
	sweep                                          int // days; 0: not now
	spool                                          int64
}

func (p preamble) String() string {
	sudo := ""
	if p.sudo {
		sudo = "1"
	}
	sweep := ""
	if p.sweep > 0 {
		sweep = strconv.Itoa(p.sweep)
	}
	return fmt.Sprintf("op_nonce=%s op_base=%s op_dir=%s op_kind=%s op_lane=%s op_make=%s op_sudo=%s op_boot_file=%s op_sweep=%s op_spool=%d op_head=%d\n",
		p.nonce, quote(p.base), quote(p.dir), p.kind, p.lane, p.create, sudo, quote(p.bootFile), sweep, p.spool, streamMax/2)
}

// quote makes s one word of a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// format makes s a format that printf(1) prints as s, in any shell and locale, with no byte in
// it that could end a quoted word or a line. A dash in front would begin an option.
func format(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '-' && i == 0:
			b.WriteString(`\055`)
		case c == '\n' || c == '\t' || (c >= ' ' && c < 0x7f && c != '\'' && c != '\\' && c != '%'):
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, `\%03o`, c)
		}
	}
	return b.String()
}

// token is a name that nobody can guess.
func token() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // documented never to fail
	return hex.EncodeToString(b)
}
