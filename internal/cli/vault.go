package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/opsctl/opsctl/internal/secret"
	"github.com/opsctl/opsctl/pkg/executor"
)

// fetcher gets secrets for a person at this terminal; relative paths start at dir.
func (a *app) fetcher(dir string) *secret.Fetcher {
	f := &secret.Fetcher{Dir: dir}
	if a.asks() {
		f.Ask = func(_ context.Context, question string) (secret.Secret, error) {
			text, err := a.askSecret(question + ": ")
			return secret.New(text), err
		}
	}
	return f
}

// vault fetches the secrets of a run; the documents of one have directories of their own.
type vault struct {
	app      *app
	masker   *secret.Masker
	mu       sync.Mutex
	fetchers map[string]*secret.Fetcher
}

// secrets gives what fetches the secrets of a run; what it fetches is masked from then on.
func (a *app) secrets(m *secret.Masker) executor.Secrets {
	return (&vault{app: a, masker: m, fetchers: map[string]*secret.Fetcher{}}).fetch
}

func (v *vault) fetch(ctx context.Context, from executor.SecretSource) (string, error) {
	v.mu.Lock()
	f := v.fetchers[from.Dir]
	if f == nil {
		f = v.app.fetcher(from.Dir)
		f.Masker = v.masker
		v.fetchers[from.Dir] = f
	}
	v.mu.Unlock()
	found, err := f.Fetch(ctx, secret.Source{Kind: from.Kind, Name: from.Name, Argv: from.Argv, Key: from.Key})
	var told *secret.Error
	if errors.As(err, &told) && told.Hint != "" {
		return "", fmt.Errorf("%w (%s)", err, told.Hint)
	}
	return found.Reveal(), err
}
