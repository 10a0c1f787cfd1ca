package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"github.com/opsctl/opsctl/internal/source"
)

// configError is what is wrong inside configuration files.
type configError struct{ problems source.Problems }

func (e *configError) Error() string { return e.problems.Error() }

// layer is what one configuration file says.
type layer struct {
	values  map[string]any
	targets map[string]target // whose names viper would lowercase, and whose places it would forget
}

// readConfig reads one configuration file. What others may write is refused: it could name a
// ProxyCommand, or a program that is told how runs ended.
func readConfig(path string, known []string) (layer, error) {
	var none layer
	bad := func(message, hint string) error {
		return &exitError{code: codeConfig, message: path + ": " + message, hint: hint}
	}
	info, err := os.Stat(path)
	if err != nil {
		return none, bad(reason(err), "")
	}
	if info.Mode().Perm()&0o022 != 0 {
		return none, bad(fmt.Sprintf("others may write to it (mode %04o)", info.Mode().Perm()), "chmod go-w "+path)
	}
	if info.Size() == 0 {
		return none, nil
	}
	targets, err := checkConfig(path, known)
	if err != nil {
		if problems, ok := source.AsProblems(err); ok {
			return none, &configError{problems}
		}
		return none, bad(reason(err), "")
	}
	v := viper.NewWithOptions(viper.KeyDelimiter("::"))
	v.SetConfigFile(path)
	v.SetConfigType("yaml")
	if err := v.ReadInConfig(); err != nil {
		return none, bad("cannot read it as YAML: "+reason(err), "")
	}
	return layer{values: v.AllSettings(), targets: targets}, nil
}

// checkConfig finds every mistake with its place, which viper cannot tell.
func checkConfig(path string, known []string) (targets map[string]target, err error) {
	root, err := source.ReadFile(path, path)
	if err != nil {
		return nil, err
	}
	var problems source.Problems
	if root.Kind != source.Map {
		problems = append(problems, root.Problem("a configuration is a map of keys, this is "+root.Describe(), "forks: 20"))
		return nil, problems.Err()
	}
	for _, pair := range root.Pairs {
		if pair.Key.Text == "notify" {
			var wrong source.Problems
			targets, wrong = readTargets(path, pair.Value)
			problems = append(problems, wrong...)
			continue
		}
		if !slices.Contains(known, pair.Key.Text) {
			hint := source.DidYouMean(pair.Key.Text, append([]string{"notify"}, known...))
			if hint == "" {
				hint = "opsctl config show lists the keys"
			}
			problems = append(problems, pair.Key.Problem(fmt.Sprintf("unknown key %q", pair.Key.Text), hint))
			continue
		}
		values := []*source.Node{pair.Value}
		if pair.Value.Kind == source.List {
			values = pair.Value.Items
		}
		for _, value := range values {
			if value.Kind != source.Scalar {
				problems = append(problems, value.Problem(pair.Key.Text+" takes a text or a list of texts, this is "+value.Describe(), ""))
			}
		}
	}
	return targets, problems.Err()
}

// notValue says what a flag would have taken.
func notValue(f *pflag.Flag, text string, err error) string {
	var kind string
	switch f.Value.Type() {
	case "int", "count":
		kind = "a whole number such as 20"
	case "bool":
		kind = "true or false"
	case "duration":
		kind = "a duration such as 30s"
	default:
		return fmt.Sprintf("%q is not right for %s: %s", text, f.Name, reason(err))
	}
	return fmt.Sprintf("%s takes %s, not %q", f.Name, kind, text)
}

// plainValue says it for a flag of the command line.
func plainValue(err error) string {
	var value *pflag.InvalidValueError
	if errors.As(err, &value) {
		return "--" + notValue(value.GetFlag(), value.GetValue(), value.Unwrap())
	}
	return strings.TrimSuffix(err.Error(), "\n")
}
