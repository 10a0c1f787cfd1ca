package executor

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/opsctl/opsctl/pkg/runbook"
)

// secretTime bounds the fetching of one secret; a person may take their time to type one.
const secretTime = 10 * time.Minute

// SecretSource is where a secret comes from, its values filled in.
type SecretSource struct {
	Kind string   // env file command age sops prompt
	Name string   // the variable, the path, the question
	Argv []string // of a command
	Key  string   // in a decrypted file: a.b; "" is all of it
	Dir  string   // where relative paths start
}

// secretValue is a secret that was fetched, or why it could not be.
type secretValue struct {
	text string
	err  error
}

// pretended stands for a secret in a command that will not be sent.
const pretended = "***"

// secret gives secrets.<name>: fetched when it is first needed, and held for the run.
func (s *scopes) secret(a *attempt, owner *runbook.Step, name string) (any, error) {
	for _, declared := range owner.In.Secrets {
		if declared.Name != name {
			continue
		}
		if a.pretend {
			return pretended, nil
		}
		return s.fetch(a, owner, declared)
	}
	return nil, fmt.Errorf("there is no secret %q here", name)
}

func (s *scopes) fetch(a *attempt, owner *runbook.Step, declared *runbook.Secret) (any, error) {
	source, err := s.sourceOf(a, owner, declared)
	if err != nil {
		return nil, fmt.Errorf("secret %q: %w", declared.Name, err)
	}
	key := fmt.Sprintf("%q", source)
	s.secretsMu.Lock()
	defer s.secretsMu.Unlock()
	value, known := s.secrets[key]
	if !known {
		value = s.ask(source)
		s.secrets[key] = value
	}
	if value.err != nil {
		return nil, fmt.Errorf("secret %q: %w", declared.Name, value.err)
	}
	return value.text, nil
}

func (s *scopes) ask(source SecretSource) secretValue {
	if s.loop.Secrets == nil {
		return secretValue{err: errors.New("there is nothing here that fetches secrets")}
	}
	ctx, cancel := context.WithTimeout(s.loop.ctx, secretTime)
	defer cancel()
	text, err := s.loop.Secrets(ctx, source)
	if err == nil {
		s.loop.Masker.Add(text)
	}
	return secretValue{text: text, err: err}
}

func (s *scopes) sourceOf(a *attempt, owner *runbook.Step, declared *runbook.Secret) (SecretSource, error) {
	source := SecretSource{Kind: declared.Kind, Key: declared.Key, Dir: owner.In.Dir}
	env := s.envAt(a, owner, nil, nil)
	var err error
	if source.Name, err = renderWith(declared.Source, env); err != nil {
		return source, err
	}
	for _, word := range declared.Argv {
		text, err := renderWith(word, env)
		if err != nil {
			return source, err
		}
		source.Argv = append(source.Argv, text)
	}
	return source, nil
}

func renderWith(t *runbook.Text, env map[string]any) (string, error) {
	if t == nil {
		return "", nil
	}
	return t.Render(env)
}

// keyedDigest is kept instead of a secret, to notice that it changed.
func keyedDigest(key string, parts ...string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
