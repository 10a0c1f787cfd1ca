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
	if err := checkKind(d); err != nil {
		return err
	}
	switch d.key {
	case "port":
		_, err := parsePort(value)
		return err
	case "userknownhostsfile", "globalknownhostsfile", "canonicaldomains", "canonicalizepermittedcnames":
		return checkAlone(d)
	case "proxyjump":
		return checkJump(value)
	case "setenv":
		for _, arg := range d.args {
			if !strings.Contains(arg, "=") {
				return fmt.Errorf("cannot read %q: it is written NAME=VALUE", arg)
			}
		}
	}
	return nil
}

// checkAlone refuses "none" beside others, and names that are no pair where pairs are wanted.
func checkAlone(d *directive) error {
	for _, arg := range d.args {
		none := strings.EqualFold(arg, "none")
		switch {
		case arg == "":
			return errors.New("the value is empty")
		case none && len(d.args) > 1:
			return errors.New(`"none" must stand alone`)
		case none:
		case d.key == "canonicalizepermittedcnames" && arg != "*" && strings.Count(arg, ":") != 1:
			return fmt.Errorf("cannot read %q: it is written SOURCE:TARGET", arg)
		case d.key == "canonicaldomains" && (arg[0] == '-' || strings.Contains(arg, "..") || strings.ContainsFunc(arg, notInDomain)):
			return fmt.Errorf("cannot take %q as a domain", arg)
		}
	}
	return nil
}

func notInDomain(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
}

// checkJump refuses a list of hops that names no host, or a port that is none.
func checkJump(text string) error {
	if strings.EqualFold(text, "none") {
		return nil
	}
	for hop := range strings.SplitSeq(text, ",") {
		rest := strings.TrimPrefix(hop, "ssh://")
		if i := strings.LastIndexByte(rest, '@'); i >= 0 {
			if i == 0 {
				return fmt.Errorf("cannot read the jump host %q: its user is missing", hop)
			}
			rest = rest[i+1:]
		}
		host, port := rest, ""
		if end := strings.IndexByte(rest, ']'); strings.HasPrefix(rest, "[") && end > 0 {
			host, port = rest[1:end], strings.TrimPrefix(rest[end+1:], ":")
		} else if strings.Count(rest, ":") == 1 {
			host, port, _ = strings.Cut(rest, ":")
		}
		if host == "" {
			return fmt.Errorf("cannot read the jump host %q: its name is missing", hop)
		}
		if port = strings.TrimSuffix(port, "/"); port == "" {
			continue
		}
		if _, err := parsePort(port); err != nil {
			return fmt.Errorf("cannot read the jump host %q: %w", hop, err)
		}
	}
	return nil
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
	if text == "ssh" { // the one name of a service that somebody may have written
		return defaultPort, nil
	}
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
