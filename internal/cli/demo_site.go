package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/opsctl/opsctl/internal/fleet"
)

const (
	siteAnswerMax  = 10 * time.Second
	siteAnswerSize = 4096
)

// site is what a web host of the demo serves: an HTTP server that answers as the release would
// that runs there.
type site struct {
	app    string // the directory of the application
	url    string
	server *http.Server
	ended  chan error
}

// openSite starts the server of a host, and makes it the host's own localhost:8080.
func openSite(h *fleet.Host) (*site, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &site{app: appOf(h), url: "http://" + listener.Addr().String() + "/health", ended: make(chan error, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", s.health)
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: siteAnswerMax}
	h.Forward(demoPort, listener.Addr().String())
	go func() { s.ended <- s.server.Serve(listener) }()
	return s, nil
}

// health answers with what the running release says of itself.
func (s *site) health(w http.ResponseWriter, r *http.Request) {
	version, err := os.ReadFile(filepath.Join(s.app, "shared", "running"))
	if err != nil {
		http.Error(w, "nothing runs here", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), siteAnswerMax)
	defer cancel()
	program := filepath.Join(s.app, "releases", strings.TrimSpace(string(version)), "bin", "health")
	answer, err := exec.CommandContext(ctx, "/bin/sh", program).CombinedOutput()
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(answer) // a client that went away asks again
}

// ask gives what the site answers, as its users see it.
func (s *site) ask(ctx context.Context) (answer string, err error) {
	ctx, cancel := context.WithTimeout(ctx, siteAnswerMax)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return "", err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, siteAnswerSize))
	return fmt.Sprintf("%d %s", response.StatusCode, strings.TrimSpace(string(body))), err
}

func closeSites(sites []*site) error {
	var errs []error
	for _, s := range sites {
		errs = append(errs, s.server.Close())
		if err := <-s.ended; !errors.Is(err, http.ErrServerClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
