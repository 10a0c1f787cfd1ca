package sshconfig

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// check refuses what ssh refuses when it reads the file, also where the line does not apply.
func check(d *directive) error {
	value := d.args[0]
	if len(d.text()) > TextBytesMax {
		return fmt.Errorf("the value is longer than %d bytes", TextBytesMax)
	}
	if strings.ContainsFunc(d.text(), func(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f }) {
		return errors.New("the value holds control characters")
	}
	var err error
	switch d.key {
	case "port":
		_, err = parsePort(value)
	case "connecttimeout":
		if value != "none" {
			_, err = parseTime(value)
		}
	case "serveraliveinterval":
		_, err = parseTime(value)
	case "serveralivecountmax":
		if n, bad := strconv.Atoi(value); bad != nil || n < 0 {
			err = fmt.Errorf("cannot read %q as a count", value)
		}
	case "stricthostkeychecking":
		_, err = oneOf(value, "yes=yes", "true=yes", "no=no", "false=no", "off=no", "ask=ask", "accept-new=accept-new")
	case "identitiesonly":
		_, err = parseBool(value)
	case "addressfamily":
		_, err = oneOf(value, "any=any", "inet=inet", "inet6=inet6")
	}
	if err == nil && single(d.key) && len(d.args) > 1 {
		err = fmt.Errorf("cannot take %q: only one value is allowed here", d.args[1])
	}
	return err
}

func single(key string) bool {
	switch key {
	case "hostname", "port", "user", "identityfile", "identityagent", "identitiesonly", "certificatefile", "proxyjump",
		"hostkeyalias", "stricthostkeychecking", "connecttimeout", "serveraliveinterval", "serveralivecountmax",
		"ciphers", "macs", "kexalgorithms", "hostkeyalgorithms", "addressfamily", "bindaddress":
		return true
	}
	return false
}

// oneOf maps a word, of any case, to its meaning; choices are "word=meaning".
func oneOf(word string, choices ...string) (string, error) {
	known := make([]string, 0, len(choices))
	for _, c := range choices {
		name, meaning, _ := strings.Cut(c, "=")
		if strings.EqualFold(name, word) {
			return meaning, nil
		}
		known = append(known, name)
	}
	return "", fmt.Errorf("cannot take %q: it is one of %s", word, strings.Join(known, ", "))
}

func parseBool(word string) (bool, error) {
	meaning, err := oneOf(word, "yes=yes", "no=no", "true=yes", "false=no")
	return meaning == "yes", err
}

func parsePort(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 65535 {
		return 0, fmt.Errorf("cannot take %q as a port: it must be a number from 1 to 65535", text)
	}
	return n, nil
}

// parseTime reads the time format of sshd_config(5): "90", "1m30", "1h".
func parseTime(text string) (time.Duration, error) {
	bad := fmt.Errorf("cannot read %q as a time: it is written like 30, 90s or 1h30m", text)
	total := 0
	for rest := text; ; {
		end := 0
		for end < len(rest) && end < 10 && rest[end] >= '0' && rest[end] <= '9' {
			end++
		}
		n, err := strconv.Atoi(rest[:end])
		if err != nil {
			return 0, bad
		}
		unit := 1
		rest = rest[end:]
		if rest != "" {
			switch rest[0] | 0x20 {
			case 's':
			case 'm':
				unit = 60
			case 'h':
				unit = 3600
			case 'd':
				unit = 86400
			case 'w':
				unit = 604800
			default:
				return 0, bad
			}
			rest = rest[1:]
		}
		if total += n * unit; total > secondsMax {
			return 0, bad
		}
		if rest == "" {
			return time.Duration(total) * time.Second, nil
		}
	}
}
